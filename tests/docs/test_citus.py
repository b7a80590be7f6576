"""The page on Citus names every table, and what it says of their keys is so."""

import re

import pytest
from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint

from docs.pages import ROOT, blocks
from engagement.store import tables as t

PAGE = (ROOT / "docs" / "citus.md").read_text()
SQL = "\n".join(block.text for block in blocks(PAGE) if block.info == "sql")
SPREAD = re.findall(
    r"create_distributed_table\('(\w+)', '(\w+)', (?:colocate_with := 'programs'|shard_count)", SQL
)
EVERYWHERE = re.findall(r"create_reference_table\('(\w+)'\)", SQL)
distributed = [name for name, _ in SPREAD]


def test_every_table_is_spread_in_one_way() -> None:
    assert sorted([*distributed, *EVERYWHERE]) == sorted(t.metadata.tables)
    assert {column for _, column in SPREAD} == {"program_id"}


def test_tables_that_are_everywhere_have_no_program() -> None:
    assert [name for name in EVERYWHERE if "program_id" in t.metadata.tables[name].c] == []


@pytest.mark.parametrize("table", [t.metadata.tables[name] for name in distributed], ids=str)
def test_whatever_is_unique_in_a_distributed_table_is_so_within_a_program(table: Table) -> None:
    unique = [row for row in table.constraints if isinstance(row, PrimaryKeyConstraint | UniqueConstraint)]
    unique += [index for index in table.indexes if index.unique]  # type: ignore[misc]  # an index has columns too
    assert unique
    assert all("program_id" in row.columns for row in unique)


def test_a_table_is_distributed_behind_those_it_refers_to() -> None:
    for name in distributed:
        for key in t.metadata.tables[name].foreign_key_constraints:
            assert distributed.index(key.referred_table.name) < distributed.index(name)
            assert key.column_keys[0] == key.elements[0].column.name == "program_id"
