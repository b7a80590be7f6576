"""The reader of pages sees what is there."""

from docs.pages import Block, Table, anchor, blocks, headings, links, named_below, tables

PAGE = """# A page

See [that](other.md#there), not ![a picture](x.png).

```bash run
# not a heading
echo "[no](link)"
```

## Names

| name | words |
|---|---|
| `a` | one \\| two |
"""


def test_a_block_is_found_with_its_line() -> None:
    assert blocks(PAGE) == [Block(5, "bash run", '# not a heading\necho "[no](link)"')]


def test_headings_inside_blocks_are_no_headings() -> None:
    assert headings(PAGE) == ["A page", "Names"]


def test_links_inside_blocks_are_no_links() -> None:
    assert links(PAGE) == ["other.md#there"]


def test_a_table_is_found_below_its_heading() -> None:
    assert tables(PAGE) == [Table("Names", (("`a`", "one \\| two"),))]


def test_names_lose_their_marks() -> None:
    assert named_below(PAGE, "Names") == {"a": ("one \\| two",)}


def test_an_anchor_is_what_git_hosts_make_of_a_heading() -> None:
    assert anchor("`urn:x:y` — what, and why") == "urnxy--what-and-why"
