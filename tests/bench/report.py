# SPDX-License-Identifier: Apache-2.0
"""Medians, spreads, the table, and the floors that `make bench` holds the program to."""

from math import comb
from statistics import median

from rows import LONG_ROW, MAIN_SIZE, SIZES

RECORD_FLOOR = 0.95  # of the bare relay
REPLAY_AIM = 0.8  # of the server of canned bytes
SIZE_FLOOR = 0.75  # tps of the largest recording, of that of the smallest
ANONYMOUS_FLOOR_KB = 64 * 1024
RELAYS = ("bare relay", "bare relay 2 threads")


def interval(values):
    """Where the median of endless rounds lies, by at least 9 to 1, whatever their distribution: order statistics."""
    values, skipped, outside = sorted(values), 0, 2
    while outside / 2 ** len(values) <= 0.1:
        skipped += 1
        outside += 2 * comb(len(values), skipped)
    return (values[skipped - 1], values[-skipped]) if skipped else None


class Results:
    """Runs by case and row. A run is a dict of figures, or of one `error`."""

    def __init__(self):
        self.runs = []

    def add(self, case, row, number, figures):
        self.runs.append({"mode": case.mode, "clients": case.clients, "row": row.name, "round": number, **figures})

    def of(self, mode, clients, row):
        """The good runs by round."""
        return {run["round"]: run for run in self.runs
                if (run["mode"], run["clients"], run["row"]) == (mode, clients, row) and "error" not in run}

    def errors(self):
        return [run for run in self.runs if "error" in run]

    def ratios(self, mode, clients, row, base):
        """tps to that of another row in the same round: one for each round that has both."""
        mine, other = self.of(mode, clients, row), self.of(mode, clients, base)
        return [run["tps"] / other[number]["tps"] for number, run in mine.items() if number in other]

    def tps(self, mode, clients, row):
        runs = self.of(mode, clients, row)
        return median(run["tps"] for run in runs.values()) if runs else None

    def better_relay(self, mode, clients):
        measured = [name for name in RELAYS if self.of(mode, clients, name)]
        return max(measured, key=lambda name: self.tps(mode, clients, name), default=None)

    def summary(self, mode, clients, row):
        runs = list(self.of(mode, clients, row).values())
        if not runs:
            return None
        ratios = self.ratios(mode, clients, row, "direct")
        thousands = [run["cpu_s"] * 1000 / run["transactions"] for run in runs if run["transactions"]]
        figures = {"mode": mode, "clients": clients, "row": row, "rounds": len(runs),
                   "tps": round(median(run["tps"] for run in runs), 1),
                   "cpu_s_per_1000": round(median(thousands), 4),
                   "idle": round(median(run["idle"] for run in runs), 3),
                   "anonymous_kb": max(run["anonymous_kb"] for run in runs),
                   "total_kb": max(run["total_kb"] for run in runs),
                   "start_s": round(median(run["start_s"] for run in runs), 3),
                   "close_s": round(median(run["close_s"] for run in runs), 3)}
        if ratios:
            figures.update(ratio=round(median(ratios), 3), ratio_min=round(min(ratios), 3),
                           ratio_max=round(max(ratios), 3))
        return figures


def table(summaries):
    """Lines of the table of one case."""
    head = (f"{'row':24} {'tps':>9} {'to direct':>9} {'min .. max':>15} {'CPU s/1000':>10} {'idle':>5} "
            f"{'RssAnon':>9} {'RSS most':>9} {'start':>7} {'close':>7}")
    lines = [head]
    for figures in summaries:
        ratio = spread = cpu = anonymous = total = "-"
        if "ratio" in figures:
            ratio = f"{figures['ratio']:.3f}"
            spread = f"{figures['ratio_min']:.3f} .. {figures['ratio_max']:.3f}"
        if figures["total_kb"]:
            cpu = f"{figures['cpu_s_per_1000']:.4f}"
            anonymous = f"{figures['anonymous_kb'] / 1024:.1f} MB"
            total = f"{figures['total_kb'] / 1024:.1f} MB"
        lines.append(f"{figures['row']:24} {figures['tps']:9.0f} {ratio:>9} {spread:>15} {cpu:>10} {figures['idle']:>5.0%} "
                     f"{anonymous:>9} {total:>9} {figures['start_s']:5.2f} s {figures['close_s']:5.2f} s")
    return lines


class Floors:
    """The lines of the floors of a load; a line that was not measured says so."""

    def __init__(self, results, load):
        self.results = results
        self.load = load
        self.lines = []
        for mode in load.modes:
            self.record(mode, "record + store")
            self.record(mode, "record eBPF")
            if results.of(mode, load.floor_clients, LONG_ROW):
                self.record(mode, LONG_ROW)
        for mode in load.modes:
            self.replay(mode)
        if SIZES[-1] in load.sizes:
            for mode in load.size_modes:
                self.sizes(mode)
            self.memory()

    def add(self, text, value, limit, aim=False, below=False, between=None):
        holds = None if value is None else (value < limit if below else value >= limit)
        self.lines.append({"text": text, "value": None if value is None else round(value, 3), "limit": limit,
                           "aim": aim, "holds": holds, "between": between})

    def ratio(self, text, mode, row, base, limit, aim=False):
        """A line of the tps of a row to that of another."""
        ratios = self.results.ratios(mode, self.load.floor_clients, row, base) if base else []
        self.add(f"{mode}: {row} to {text}", median(ratios) if ratios else None, limit, aim, between=interval(ratios))

    def record(self, mode, row):
        relay = self.results.better_relay(mode, self.load.floor_clients)
        self.ratio(f"the better bare relay ({relay})", mode, row, relay, RECORD_FLOOR)
        self.ratio("HAProxy", mode, row, "haproxy", 1.0, aim=True)

    def replay(self, mode):
        row = f"replay {MAIN_SIZE:,}"
        self.ratio("direct", mode, row, "direct", self.load.replay_floor)
        if self.load.ceiling:
            self.ratio(self.load.ceiling, mode, row, self.load.ceiling, REPLAY_AIM, aim=True)
        for other, times in self.load.replay_beats:
            self.ratio(other, mode, row, other, times or 1.0, aim=not times)

    def sizes(self, mode):
        small, large = f"replay {SIZES[0]:,}", f"replay {SIZES[-1]:,}"
        self.ratio(small, mode, large, small, SIZE_FLOOR)
        if self.load.has_cold:
            self.ratio(small, mode, large + " cold", small, SIZE_FLOOR, aim=True)

    def memory(self):
        runs = [run for run in self.results.runs
                if run["row"].startswith(f"replay {SIZES[-1]:,}") and "error" not in run]
        most = max((run["anonymous_kb"] for run in runs), default=None)
        self.add(f"replay {SIZES[-1]:,}: anonymous resident memory, MB",
                 None if most is None else most / 1024, ANONYMOUS_FLOOR_KB / 1024, below=True)

    def print(self):
        for line in self.lines:
            word = {None: "not measured", True: "holds", False: "MISSED"}[line["holds"]]
            value = "-" if line["value"] is None else f"{line['value']:.3f}"
            kind = "aim" if line["aim"] else "floor"
            between = "{:.2f} .. {:.2f}".format(*line["between"]) if line["between"] else "-"
            print(f"{word:13} {kind:5} {line['limit']:6.2f} {value:>8} {between:>16}  {line['text']}")

    def counts(self):
        """How many floors (not aims) hold, are missed, were not measured."""
        verdicts = [line["holds"] for line in self.lines if not line["aim"]]
        return verdicts.count(True), verdicts.count(False), verdicts.count(None)
