"""Whether the time in which a key is refused tells how much of it was guessed right.

    PYTHONPATH=services:tests .venv/bin/python benchmarks/key_timing.py [rounds]

A key is looked up by the SHA-256 of its whole text, so a guess that agrees with a true key in all letters
but the last has a digest that agrees in none that the guesser could choose. Here both kinds of guess, and
guesses that agree in nothing, are looked up in turn, in shuffled order, in a database with many keys; what
is printed is the difference of their median times with an interval from resampled blocks, beside the spread
of a single look-up. An interval that holds 0, or lies within a few nanoseconds of it, is what is expected;
nothing here passes or fails.
"""

import secrets
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from engagement.errors import Unauthenticated
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.access import create_key, recognise
from engagement.workflows.program import DEFAULT_TEMPLATE, create_program, template
from support.databases import migrate

KEYS = 200
NOW_MS = 1_767_592_800_000
BLOCKS = 50


def guesses(text: str, number: int) -> dict[str, list[str]]:
    """Guesses of each kind: right but for the last letter, right in the first half, right in nothing."""
    body, secret = text[:-43], text[-43:]
    fresh = [secrets.token_urlsafe(32) for _ in range(number)]
    return {
        "all but the last letter": [body + secret[:-1] + ("A" if secret[-1] != "A" else "B")] * number,
        "the first half": [body + secret[:21] + one[21:] for one in fresh],
        "nothing": [body + one for one in fresh],
    }


def measured(db: Database, text: str, number: int) -> dict[str, np.ndarray]:
    """Nanoseconds of each refusal, by kind of guess."""
    tried = guesses(text, number)
    order = [(kind, place) for kind in tried for place in range(number)]
    np.random.default_rng(7).shuffle(order)
    out = {kind: np.empty(number) for kind in tried}
    with db.read() as conn:
        for kind, place in order:
            began = time.perf_counter_ns()
            try:
                recognise(conn, tried[str(kind)][int(place)], NOW_MS)
            except Unauthenticated:
                out[str(kind)][int(place)] = time.perf_counter_ns() - began
    return out


def interval(one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """The difference of medians, and where 95 % of it lie when blocks are drawn anew."""
    rng = np.random.default_rng(11)
    parts = [np.array_split(row, BLOCKS) for row in (one, other)]
    drawn = [
        np.median(np.concatenate([parts[0][n] for n in rng.integers(BLOCKS, size=BLOCKS)]))
        - np.median(np.concatenate([parts[1][n] for n in rng.integers(BLOCKS, size=BLOCKS)]))
        for _ in range(500)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(np.median(one) - np.median(other)), float(low), float(high)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'keys.db'}"
        migrate(url)
        db = Database(url)
        with db.write() as conn:
            program = create_program(conn, Kept(), template(DEFAULT_TEMPLATE), NOW_MS)
            texts = [create_key(conn, program, ("read",), "staff", NOW_MS, None).text for _ in range(KEYS)]
        found = measured(db, texts[KEYS // 2], number)
        db.close()
    base = found["nothing"]
    print(f"{number} refusals of each kind among {KEYS} keys; medians, in microseconds")
    for kind, row in found.items():
        low, high = np.quantile(row, [0.25, 0.75]) / 1e3
        print(f"  {kind:24} {np.median(row) / 1e3:8.2f}   half of them {low:.2f} to {high:.2f}")
    for kind in ("all but the last letter", "the first half"):
        gap, low, high = interval(found[kind], base)
        print(f"  {kind} minus nothing: {gap:+.0f} ns, 95 % from {low:+.0f} to {high:+.0f} ns")


if __name__ == "__main__":
    main()
