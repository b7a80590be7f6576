"""The only maker of uniforms and generators.

Every draw is keyed by what it is for, never by a clock, a request or a row id: the same decision
point gets the same number on any replica, library version or language, and without the program's
draw secret nobody can foresee it.
"""

from hashlib import blake2b

import numpy as np

UNIFORM_BITS = 53


def _digest(secret: bytes, *parts: str) -> bytes:
    """16 bytes of keyed BLAKE2b (RFC 7693) over the parts, each preceded by its length."""
    keyed = blake2b(key=secret, digest_size=16)
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


def generator(seed: int, *parts: str) -> np.random.Generator:
    """A generator for simulation and banks of normals: Philox, keyed like everything else.

    Streams with different parts are independent. NumPy does not promise equal streams across its
    versions, so nothing that must be replayed is drawn from one.
    """
    key = int.from_bytes(_digest(seed.to_bytes(16, "big"), *parts), "big")
    return np.random.Generator(np.random.Philox(key=key))
