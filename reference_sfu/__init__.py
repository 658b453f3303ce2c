"""The embedded media server: a selective forwarding unit that live runs meet over the network.

WHIP in, WHEP out, ICE-lite and DTLS-SRTP on one UDP socket, fixed slots filled by floor control.
It knows of no other room: `python -m reference_sfu` runs it.
"""
