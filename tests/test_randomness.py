"""Several keyed numbers for one thing."""

from hashlib import blake2b

import pytest

from engagement.randomness import uniform, uniforms

SECRET = b"a secret of sixteen or more bytes"


def test_numbers_are_the_leading_bits_of_keyed_blake2b_over_the_parts_with_their_lengths():
    text = b"\x00\x00\x00\x02ab\x00\x00\x00\x01c"
    digest = blake2b(text, key=SECRET, digest_size=16, person=b"several").digest()
    expected = tuple(int.from_bytes(digest[i : i + 8], "big") // 2**11 for i in (0, 8))
    assert uniforms(SECRET, 2, "ab", "c") == expected


def test_parts_are_not_run_together():
    assert uniforms(SECRET, 1, "ab", "c") != uniforms(SECRET, 1, "a", "bc")


@pytest.mark.parametrize("count", [1, 2])
def test_none_of_them_is_a_decisions_uniform(count):
    parts = ("p", "s", "u", "d")
    assert uniform(SECRET, *parts) not in uniforms(SECRET, count, *parts)
