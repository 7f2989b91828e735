# SPDX-License-Identifier: Apache-2.0
"""What the *_property.py tests of values share: the numbers that they begin with, and their converter."""
import argparse
import random
import subprocess
import sys

from harness import BUILD, expect


class RandomValues:
    """Numbers and digits; what types make of them is each protocol's own."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def number(self, bits):
        """Of any size up to this many bits, small ones as often as large ones."""
        return self.random.getrandbits(self.random.randint(1, bits))

    def digits(self, most):
        return "".join(self.random.choice("0123456789") for _ in range(self.random.randint(1, most)))


def convert(program, lines):
    """Runs a converter on its questions (tests/e2e/hex_lines.h): an answer for each."""
    done = subprocess.run([BUILD / "tests" / program], input="".join(f"{line}\n" for line in lines), stdout=subprocess.PIPE,
                          text=True, check=True, timeout=300)
    answers = done.stdout.splitlines()
    expect(len(answers) == len(lines), f"{len(lines)} questions, {len(answers)} answers")
    return answers


def spell(value):
    """Bytes as the converters spell them."""
    return value.hex() or "-"


def read_options(count, what, *more):
    """The options of a property test; the names of cases are left for the Suite. `more` are (option, help)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--count", type=int, default=count, help=what)
    for option, text in more:
        parser.add_argument(option, type=float, default=0, help=text)
    parser.add_argument("cases", nargs="*", help="only cases whose name contains one of these")
    options = parser.parse_args()
    sys.argv[1:] = options.cases
    print(f"seed {options.seed}", flush=True)
    return options
