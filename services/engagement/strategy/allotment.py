"""Who gets which arm: permuted blocks within strata, drawn from the program's secret.

The list is nowhere written down. Its next entry is made out when a unit is there to have it, from a secret
that no answer shows, so it cannot be read ahead; and it is the same on every replica and on every replay.
Block sizes are drawn as well: with a known size the last entries of a block could be foreseen.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256

import msgspec

from engagement.randomness import uniforms
from engagement.strategy.trial import Trial, frozen_part

_encode = msgspec.json.Encoder(order="deterministic").encode


def arm_at(secret: bytes, program: str, trial: Trial, stratum: str, place: int) -> str:
    """The arm of the unit at a place of its stratum's list, from 0.

    secret : the program's draw secret      stratum : of `stratum_of`
    """
    number = 0
    while True:
        block = _block(secret, program, trial, stratum, number)
        if place < len(block):
            return block[place]
        place -= len(block)
        number += 1


def _block(secret: bytes, program: str, trial: Trial, stratum: str, number: int) -> Sequence[str]:
    """One permuted block: each arm as often as its weight, times a size that is drawn."""
    key = (program, "trial", trial.id, stratum, str(number))
    (drawn,) = uniforms(secret, 1, *key)
    size = trial.blocks[drawn * len(trial.blocks) >> 53]
    entries = [arm.id for arm in trial.arms for _ in range(arm.weight * size)]
    turns = _turns(secret, key, len(entries))
    return [entry for _, entry in sorted(zip(turns, entries, strict=True))]


def _turns(secret: bytes, key: tuple[str, ...], count: int) -> list[tuple[int, int]]:
    """A keyed number for each place, and the place: equal numbers would still have an order."""
    drawn: Iterator[int] = (
        number for part in range(-(-count // 8)) for number in uniforms(secret, 8, *key, str(part))
    )
    return [(number, place) for place, number in zip(range(count), drawn, strict=False)]


def stratum_of(trial: Trial, facts: Sequence[str]) -> str:
    """The stratum of a unit. facts : its values of `trial.strata`, in order"""
    return "; ".join(f"{name}={fact}" for name, fact in zip(trial.strata, facts, strict=True)) or "all"


def protocol_hash(trial: Trial) -> str:
    """SHA-256 of design and protocol in canonical JSON, in hex: what every assignment is made under."""
    return sha256(_encode(frozen_part(trial))).hexdigest()
