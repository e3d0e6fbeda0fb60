"""Hostile flow files by the thousand: `make torture`. Each is refused or accepted in 50 ms and 50 MB; none is obeyed.

What is measured is the loader alone, in processor time, which a busy machine does not stretch; memory is what Python
holds at most while a file is read. The exit code is 1 when a file takes more, or reaches the system.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
import tracemalloc
from dataclasses import dataclass

import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_load_yaml import HEADS, JUMPS, LIKELY, PIECES, STEPS, audited, hostile

from flows.conditions import parse
from flows.load import load

MILLISECONDS = 50.0
MEGABYTES = 50.0
FILES = 10_000

HEAD = "flow: essai\ntitle: Essai\nlanguage: fr\n"
PILES = (
    ("- say: x\n", "\n"),
    ("- say: x\n  when: q == {n} and not (r > {n} or answered(s))\n", ""),
    ("- {{id: q{n}, ask: Q {{q{n}}}, type: choice, options: {{a: A, b: B}}}}\n", ""),
    ("- {{id: q{n}, ask: Q, type: rating, labels: [A, B, C], measure: m{n}}}\n", ""),
    ("- {{id: q, ask: Q, tipe: text}}\n", ""),
    ("- {{aks: x}}\n", ""),
    ("- {{go: q{n}, when: '{long}'}}\n", ""),
    ("- {{say: x, when: 'q{n} == 1 and r == 2 {more}'}}\n", ""),
    ("- say: {{fr: x, ar: y, xx: z}}\n", ""),
    ("- set: {{a{n}: 1, b: 2}}\n", ""),
    ("- ? [a, b]\n  : c\n", ""),
    ("- *a\n", ""),
    ("- &a{n} !!python/object/apply:os.system [x]\n", ""),
    ("  k{n}: x\n", "- say: x\n"),
    ("  whenn{n}: x\n", "- say: x\n"),
    ("  say: x\n", "- say: x\n"),
    ("    o{n}: O\n", "- id: q\n  ask: Q\n  type: choice\n  options:\n"),
    ("    O {n}: {{label: x, go: end, when: 'a =='}}\n", "- id: q\n  ask: Q\n  type: choice\n  options:\n"),
    ("    o{n}: {{say: x, options: {{a: b}}}}\n", "- id: q\n  menu: Q\n  options:\n"),
)
"""A line, and what stands before all of its repetitions."""


@st.composite
def piles(draw: st.DrawFn) -> str:
    """Return one clumsy or hostile line, written very often."""
    line, before = draw(st.sampled_from(PILES))
    count = draw(st.integers(1, 9000) | st.sampled_from([499, 500, 501, 4999, 9999, 19_000]))
    long = "(" * draw(st.integers(0, 25)) + "q == 1 and " * draw(st.integers(0, 45))
    more = "or q == 1 " * draw(st.integers(0, 35))
    lines = (line.format(n=number, long=long, more=more) for number in range(count))
    return f"{HEAD}steps:\n{before}" + "".join(lines)


HEADERS = st.builds(
    lambda key, word, count: (
        f"{HEAD}{key}: [{', '.join(word.format(n=at) for at in range(count))}]\nsteps:\n- say: x\n"
    ),
    st.sampled_from(["keywords", "languages", "provisional", "title", "keywrds", "legal"]),
    st.sampled_from(["x", "x{n}", "fr", "'{n}", "{{a: b}}", "[x]", "*x", "ماء{n}"]),
    st.integers(0, 15_000),
)
NESTED = st.builds(
    lambda sign, count: sign * count,
    st.sampled_from(["[", "{a: ", "- ", "? ", "'", "!a ", "&a "]),
    st.integers(1, 90_000),
)
SHAPES = st.builds(
    lambda head, steps: yaml.dump({**head, "steps": steps}, allow_unicode=True),
    HEADS,
    st.lists(st.one_of(STEPS, LIKELY, JUMPS), max_size=8),
)
HOSTILE = st.one_of(
    st.text(max_size=400), st.lists(PIECES, max_size=80).map("".join), SHAPES, SHAPES, piles(), HEADERS, NESTED
)


@dataclass
class Tally:
    """The worst that was seen."""

    files: int = 0
    refused: int = 0
    slowest: float = 0.0
    slowest_file: str = ""
    largest: float = 0.0
    largest_file: str = ""

    def take(self, text: str) -> None:
        """Load one file and keep what it cost."""
        with audited():
            milliseconds = min(_milliseconds(text) for _ in range(2))
        megabytes = _megabytes(text)
        self.files += 1
        self.refused += load(text).flow is None
        if milliseconds > self.slowest:
            self.slowest, self.slowest_file = milliseconds, text
        if megabytes > self.largest:
            self.largest, self.largest_file = megabytes, text


def _milliseconds(text: str) -> float:
    parse.cache_clear()
    begun = time.process_time()
    load(text, "f.yaml")
    return (time.process_time() - begun) * 1000


def _megabytes(text: str) -> float:
    if len(text) < 5000:
        return 0.0
    tracemalloc.start()
    load(text, "f.yaml")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def torture(files: int) -> Tally:
    """Load so many generated files and return the worst."""
    tally = Tally()
    hostile("- &a !!python/name:os.system 'x'\n")

    @settings(
        max_examples=files,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(HOSTILE)
    def each(text: str) -> None:
        tally.take(text)

    each()
    return tally


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{text}\n")


def main() -> int:
    """Print the worst; 1 when it is too much."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--show", action="store_true", help="print the beginning of the slowest and the largest file")
    options = parser.parse_args()
    tally = torture(options.files)
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"{tally.files:,} files, {tally.refused:,} refused; nothing executed; {whole:.0f} MB for the whole run")
    say(f"slowest: {tally.slowest:.1f} ms (at most {MILLISECONDS:g})")
    say(f"largest: {tally.largest:.1f} MB (at most {MEGABYTES:g})")
    if options.show:
        say(f"slowest:\n{tally.slowest_file[:400]}\nlargest:\n{tally.largest_file[:400]}")
    return int(tally.slowest > MILLISECONDS or tally.largest > MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
