"""Arrays, evidence and identifiers as they are stored."""

import re
from uuid import UUID

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from engagement.records import Evidence
from engagement.store.codec import array_bytes, array_of, evidence_bytes, evidence_of
from engagement.store.identifiers import uuid7


@given(arrays(np.float64, array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)))
def test_an_array_comes_back_as_it_was(array):
    again = array_of(array_bytes(array))
    assert again.shape == array.shape
    assert again.tobytes() == array.tobytes()


def test_a_transposed_array_comes_back_in_its_own_order():
    array = np.arange(6.0).reshape(2, 3).T
    assert array_of(array_bytes(array)).tolist() == [[0, 3], [1, 4], [2, 5]]


def test_equal_arrays_are_equal_bytes_whatever_their_layout():
    array = np.arange(6.0).reshape(2, 3)
    assert array_bytes(np.asfortranarray(array)) == array_bytes(array.astype(">f8")) == array_bytes(array)


def test_a_stored_array_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        array_of(array_bytes(np.zeros(2)))[0] = 1


@given(
    st.builds(
        Evidence,
        st.lists(st.text()).map(tuple),
        *[st.binary()] * 2,
        st.sampled_from(["normal", "beta"]),
        *[st.binary()] * 3,
        st.integers(0, 2**53 - 1),
        st.floats(allow_nan=False),
    )
)
def test_evidence_comes_back_as_it_was(evidence):
    assert evidence_of(evidence_bytes(evidence)) == evidence


def test_evidence_with_a_field_too_few_is_refused():
    with pytest.raises(msgspec.ValidationError):
        evidence_of(msgspec.msgpack.encode((("none",), b"", b"")))


@given(st.integers(0, 2**48 - 1))
def test_an_id_is_a_uuid_of_version_7_with_its_time(now_ms):
    made = UUID(uuid7(now_ms))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == now_ms


def test_an_id_is_written_in_lower_case_with_hyphens():
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid7(1_700_000_000_000))


@given(st.integers(0, 2**48 - 2))
def test_a_later_millisecond_gives_a_greater_id(now_ms):
    assert uuid7(now_ms) < uuid7(now_ms + 1)


def test_ids_of_one_millisecond_differ():
    assert len({uuid7(1) for _ in range(1_000)}) == 1_000
