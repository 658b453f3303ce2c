"""The retransmission cache: a stream's last packets, by sequence number."""

from reference_sfu.rtp import Packet


class History:
    """The last packets of a stream; no more than ``size`` of them, whatever arrives."""

    def __init__(self, size: int) -> None:
        """``size``: a power of two, so that sequence numbers wrap where the ring does."""
        if size < 1 or size & size - 1 or size > 1 << 15:
            raise ValueError(f"size(={size}) must be a power of two up to 32768")
        self._kept: list[tuple[Packet, int] | None] = [None] * size

    def keep(self, packet: Packet, sent_ns: int) -> bool:
        """Keep ``packet`` as first sent at ``sent_ns``; False where it is there already."""
        place = packet.sequence % len(self._kept)
        there = self._kept[place]
        if there is not None and there[0].sequence == packet.sequence:
            return False
        self._kept[place] = packet, sent_ns
        return True

    def find(self, sequence: int) -> tuple[Packet, int] | None:
        """The packet with ``sequence`` and when it was sent, if it is still there."""
        found = self._kept[sequence % len(self._kept)]
        return found if found is not None and found[0].sequence == sequence else None
