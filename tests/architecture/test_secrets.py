"""Nothing secret is compared with `==`, whose time tells how much of a guess is right.

A key, a link's token and a session's are never compared at all: what is looked up is their SHA-256, and of
a digest of 256 bits nobody can choose the first ones. What remains in memory goes through
`hmac.compare_digest`.
"""

import ast
import re
from collections.abc import Iterator

from support.sbom import ROOT

PACKAGE = ROOT / "services" / "engagement"
SOURCES = sorted(PACKAGE.rglob("*.py"))

SECRET = re.compile(r"(?:^|_)(?:secret|token|password|sign|sign_of|signature|digest|csrf|seal)s?$")
HARMLESS = {
    **{
        ("workflows/audit.py", words): "whether the ledger is as it was sealed; nobody sends a digest"
        for words in (
            "seals.digest_of(program_id, seal, before) != seal.digest",
            "there[key].digest.hex() != said[key].digest",
            "sealed(part.salt, content) != part.digest",
        )
    },
    (
        "workflows/backup.py",
        "_digest(file) != manifest.sha256",
    ): "whether a file is whole; whoever asks has both",
    (
        "workflows/once.py",
        "found.digest != asked.digest",
    ): "of what the caller sent, under a name of their own",
    (
        "workflows/rank.py",
        "rows[0].digest != ask.digest",
    ): "of what the caller sent, under a name of their own",
    ("workflows/seen_first.py", "seen != sign"): "of what a page has shown to whoever sends it back",
    ("workflows/seen_first.py", "seen == sign"): "of what a page has shown to whoever sends it back",
    ("workflows/sealed.py", "sealing.seal != (told.rows, told.digest)"): "whether a file is whole",
    (
        "workflows/sealed.py",
        "sealed(conn, manifest.program, table) != (told.rows, told.digest)",
    ): "whether a file is whole",
}
"""Comparisons of digests that keep nothing secret, and why."""


def last_name(node: ast.expr) -> str:
    """The name at the end of an expression: of an attribute, of a function that is called."""
    if isinstance(node, ast.Call):
        return last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def compared(source: str) -> Iterator[str]:
    """Each comparison by `==` or `!=` of something that is called like a secret."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            continue
        parts = [part for side in (node.left, *node.comparators) for part in getattr(side, "elts", [side])]
        if any(SECRET.search(last_name(part)) for part in parts):
            yield ast.unparse(node)


def test_what_is_called_a_secret_is_compared_nowhere() -> None:
    found = {
        (str(file.relative_to(PACKAGE)), words)
        for file in SOURCES
        if file.parent.name != "store"  # there it is SQL that is written, and the database looks up a digest
        for words in compared(file.read_text())
    }
    assert found == set(HARMLESS)


def test_the_database_is_asked_for_digests_only() -> None:
    asked = {words for file in (PACKAGE / "store").glob("*.py") for words in compared(file.read_text())}
    assert asked <= {"s.digest == secret", "k.digest == secret"}
    for name in ("keys", "page_links", "console_sessions"):
        assert "sha256(" in (PACKAGE / "store" / f"{name}.py").read_text()


def test_what_is_compared_in_memory_takes_the_same_time() -> None:
    assert "hmac.compare_digest(" in (PACKAGE / "api/console/session.py").read_text()


def test_a_comparison_would_be_found() -> None:
    assert [*compared("a = said == sign_of(token); b = given.token != stored")] == [
        "said == sign_of(token)",
        "given.token != stored",
    ]
    assert [*compared("a = sign == sent")] == ["sign == sent"]
    assert [*compared("a = len(token) == 3; b = hmac.compare_digest(sign, sent)")] == []
