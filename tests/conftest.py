"""What all tests need: Ctrl-C reaches the commands that they start."""

import signal

# A shell starts what it leaves in the background with SIGINT ignored, and so would be all that is
# started from there: commands heed that, and the tests that interrupt them would wait for hours.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
