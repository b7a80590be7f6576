"""UUIDv7 (RFC 9562, 5.7): ordered by the millisecond they were made in."""

import secrets


def first_uuid7(at_ms: int) -> str:
    """Not after any id made at this moment or later, and not before any made earlier."""
    text = f"{at_ms:012x}"
    return f"{text[:8]}-{text[8:]}-0000-0000-000000000000"


def uuid7(now_ms: int) -> str:
    """A new id: 48 bits of time, 74 random bits."""
    value = (now_ms & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
