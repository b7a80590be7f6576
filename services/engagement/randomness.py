"""The only maker of uniforms and generators.

Every draw is keyed by what it is for, never by a clock, a request or a row id: the same decision
point gets the same number on any replica, library version or language, and without the program's
draw secret nobody can foresee it.
"""

from hashlib import blake2b

import numpy as np

UNIFORM_BITS = 53


def _digest(secret: bytes, *parts: str, size: int = 16, person: bytes = b"") -> bytes:
    """So many bytes of keyed BLAKE2b (RFC 7693) over the parts, each preceded by its length."""
    keyed = blake2b(key=secret, digest_size=size, person=person)
    for part in parts:
        encoded = part.encode()
        keyed.update(len(encoded).to_bytes(4, "big"))
        keyed.update(encoded)
    return keyed.digest()


def uniform(secret: bytes, program: str, strategy: str, unit: str, decision_point: str) -> int:
    """The decision's uniform, as an integer in [0, 2⁵³): the first 53 bits of the digest.

    secret : 16 to 64 bytes, made once per program
    """
    digest = _digest(secret, program, strategy, unit, decision_point)
    return int.from_bytes(digest[:8], "big") >> (64 - UNIFORM_BITS)


def group_uniform(secret: bytes, program: str, strategy: str, group: str) -> int:
    """The uniform a group keeps under a strategy, in [0, 2⁵³): by which it is in the control share or not.

    Three parts, where a decision's has four: no decision point's name can make the two the same.
    """
    digest = _digest(secret, program, strategy, group)
    return int.from_bytes(digest[:8], "big") >> (64 - UNIFORM_BITS)


def uniforms(secret: bytes, count: int, *parts: str) -> tuple[int, ...]:
    """Several independent uniforms for one thing, each an integer in [0, 2⁵³).

    secret : 16 to 64 bytes, made once per program      count : 1 to 8
    parts : what they are for, such as program, plan, period, unit

    One digest of 8 bytes a number. A personalisation of its own keeps it apart from `uniform` and from
    generators of the same parts.
    """
    digest = _digest(secret, *parts, size=8 * count, person=b"several")
    words = (digest[first : first + 8] for first in range(0, 8 * count, 8))
    return tuple(int.from_bytes(word, "big") >> (64 - UNIFORM_BITS) for word in words)


def alias(secret: bytes, program: str, kind: str, name: str) -> str:
    """An id that stands for another one outside of the program: the same every time, and no way back.

    secret : 16 to 64 bytes, made once per program      returns : 16 hexadecimal digits
    """
    return _digest(secret, program, kind, name, size=8, person=b"alias").hex()


def erasure_mark(secret: bytes, program: str, member: str) -> str:
    """What stands for an erased member outside of the database: it tells nothing without the secret.

    secret : 16 to 64 bytes, made once per program      returns : 64 hexadecimal digits
    """
    return _digest(secret, program, member, size=32, person=b"erasure").hex()


def generator(seed: int, *parts: str) -> np.random.Generator:
    """A generator for simulation and banks of normals: Philox, keyed like everything else.

    Streams with different parts are independent. NumPy does not promise equal streams across its
    versions, so nothing that must be replayed is drawn from one.
    """
    key = int.from_bytes(_digest(seed.to_bytes(16, "big"), *parts), "big")
    return np.random.Generator(np.random.Philox(key=key))
