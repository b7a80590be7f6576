"""Arrays and records as bytes, and back. Fields of stored records are only ever added."""

import msgspec
import numpy as np

from engagement.bandits.posteriors import AnyPosterior
from engagement.records import Evidence, Floats

_encoder = msgspec.msgpack.Encoder()
_evidence = msgspec.msgpack.Decoder(Evidence)
_posterior: msgspec.json.Decoder[AnyPosterior] = msgspec.json.Decoder(AnyPosterior)
_array = msgspec.msgpack.Decoder(tuple[str, tuple[int, ...], bytes])


def array_bytes(array: Floats) -> bytes:
    """An array with its dtype and shape."""
    plain = np.ascontiguousarray(array, "<f8")
    return _encoder.encode((plain.dtype.str, plain.shape, plain.tobytes()))


def array_of(stored: bytes) -> Floats:
    """The array that `array_bytes` stored, read-only."""
    dtype, shape, content = _array.decode(stored)
    return np.frombuffer(content, dtype).reshape(shape)


def evidence_bytes(evidence: Evidence) -> bytes:
    """A decision's evidence."""
    return _encoder.encode(evidence)


def evidence_of(stored: bytes) -> Evidence:
    """The evidence that `evidence_bytes` stored."""
    return _evidence.decode(stored)


def posterior_bytes(posterior: AnyPosterior) -> bytes:
    """A belief's declaration, as JSON: each number in the fewest digits that give it back exactly."""
    return msgspec.json.encode(posterior)


def posterior_of(stored: bytes) -> AnyPosterior:
    """The belief that `posterior_bytes` stored."""
    return _posterior.decode(stored)
