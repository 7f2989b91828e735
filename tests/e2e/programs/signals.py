#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints `ready`, then the name of each signal that it gets. Ends with status 5 when none followed the first in 300 ms.

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
heard = False
while True:
    got = signal.sigtimedwait(ASKED, 0.3 if heard else 60)
    if got is None:
        sys.exit(5 if heard else 6)
    print(signal.Signals(got.si_signo).name, flush=True)
    heard = heard or got.si_signo != signal.SIGCONT
