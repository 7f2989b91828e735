#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""signals.py [COUNT]: prints `ready`, then the name of each signal that it gets. Ends with status 5 when none followed the first COUNT (1) in 300 ms.

SIGCONT is printed and counts for nothing; SIGTSTP stops it.
"""
import signal
import sys

ASKED = {
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGCONT,
}

signal.pthread_sigmask(signal.SIG_BLOCK, ASKED)
print("ready", flush=True)
left = int(sys.argv[1]) if len(sys.argv) > 1 else 1
while True:
    got = signal.sigtimedwait(ASKED, 60 if left > 0 else 0.3)
    if got is None:
        sys.exit(6 if left > 0 else 5)
    print(signal.Signals(got.si_signo).name, flush=True)
    left -= got.si_signo != signal.SIGCONT
