"""For all tests of the whole system."""

import signal

# A shell lets what it runs in the background ignore Ctrl-C, which tests send to programs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
