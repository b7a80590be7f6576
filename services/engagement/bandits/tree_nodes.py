"""The nodes of a belief pooled over program → group → member, each read and written by itself.

    ""        the program: ΣQ*, Σh* of the messages its groups send
    "g"       a group: a row of sums for each member who was ever learned from; once they are more than
              `SMALL`, ΣQ*, Σh* of what they send instead, and
    "g#7"     one of `BLOCKS` blocks of such a large group, holding its members whose digest says 7.

Every node begins with (blocks, period): how many blocks its rows are dealt to, 0 where it holds them
itself, and the period in whose weights it is written. A row is (id, sums). What a row adds has weight 1
in the period in which its decision closed and `keep` times that with every period that passes, so sums
are brought to a later period by a factor when they are read. Messages are not: they are no linear
function of the sums. When the newest period among all rows changes, they are all made again (`renewed`),
as they are when the variances are refitted. Periods are those of rows and not of a clock: what is folded
late or early, at once or in pieces gives the same nodes, and nothing fades while nothing is learned.

A group has a row of its own (`ITSELF`) for what was decided for the group as a whole: that is seen of
θ + u, with no member's part between.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from engagement.errors import Unusable
from engagement.records import ROOT, Batch, Bools, Floats, Integers, Nodes, settled_key
from engagement.stats.tree_pooling import (
    Likelihood,
    Normal,
    Variances,
    added,
    at_root,
    below,
    members_variances,
    through,
)

ITSELF = ""
"""In place of a member's id: the group as a whole."""
SMALL = 64
"""Members whose rows a group's own node holds."""
BLOCKS = 32
"""Of a larger group: 1,200 members make blocks of about 38."""
HEADER = 2
GROUPS_AT_ONCE = 1024
"""Groups whose messages are made at once: some ten megabytes of temporary arrays."""
_ID_BITS = 52
"""So many bits of a digest name a member inside a node; float64 holds them exactly."""
_ITSELF = -1.0


class Tree(NamedTuple):
    """What kind of belief the nodes hold.

    d : numbers in w      width : sums in a row
    likelihood : from sums (M, width) to M likelihoods of w − μ
    keep : what a period leaves of a row's weight, in (0, 1]; below 1 a row holds its sums twice, fading
    and then as they were
    """

    d: int
    width: int
    prior: Variances
    likelihood: Callable[[Floats], Likelihood]
    keep: float = 1.0

    @property
    def columns(self) -> int:
        """Numbers a row takes in a node: the id, then its sums."""
        return 1 + self.width * (1 if self.keep == 1 else 2)


class _Rows(NamedTuple):
    """Rows of many nodes under one another. place : (M,), the number of each row's node."""

    table: Floats
    place: Integers
    nodes: int


def keys(groups: Sequence[str], members: Sequence[str], known: Nodes) -> tuple[str, ...]:
    """The nodes of the program, of the groups, and of the blocks of those known to be large."""
    large = {group for group in groups if _blocks(known.get(group))}
    blocks = {_block(group, name) for group, name in zip(groups, members, strict=True) if group in large}
    return (ROOT, *sorted({*groups}), *sorted(blocks))


def turns(keep: float, nodes: Nodes, batch: Batch) -> bool:
    """Whether a batch's newest row begins a period, so that every node is needed to fold it."""
    known = _period(nodes)
    if keep == 1 or known is None or not len(batch.period):
        return False
    return bool(batch.period.max() > known)


def fold(tree: Tree, nodes: Nodes, batch: Batch, sums: Floats) -> Nodes:
    """The nodes that change when what rows add is learned.

    nodes : those of `keys`, or all where the batch `turns`      sums : (N, width), of weight 1
    """
    period, groups = _newest(tree, nodes, batch), sorted(set(batch.groups))
    parts = _learned(tree, nodes, batch, sums, period)
    then, now = _received_before_and_after(tree, nodes, groups, parts)
    changed: dict[str, Floats] = {}
    for key, rows in zip(parts.keys, parts.after, strict=True):
        small = key != _group(key) or len(rows) <= SMALL
        changed.update({key: _flat(rows, period)} if small else _dealt(key, rows, period))
    for number, group in enumerate(groups):
        if group not in changed:
            changed[group] = _packed(BLOCKS, period, now, number)
    if turns(tree.keep, nodes, batch):
        return {**changed, **renewed(tree, {**nodes, **changed}, period)}
    sent_then, sent_now = through(then, tree.prior.group), through(now, tree.prior.group)
    root = _root(tree, nodes)
    total = Likelihood(root.Q + (sent_now.Q - sent_then.Q).sum(0), root.h + (sent_now.h - sent_then.h).sum(0))
    return {**changed, ROOT: _packed(0, period, total, 0)}


def renewed(tree: Tree, nodes: Nodes, period: float | None = None) -> Nodes:
    """All messages made again from all rows: the program's node and those of large groups.

    nodes : every one there is      period : to bring the rows to; that of the program's node if absent
    """
    at = _period(nodes) if period is None else period
    if at is None:
        return {}
    changed: dict[str, Floats] = {}
    total = Likelihood(np.zeros((1, tree.d, tree.d)), np.zeros((1, tree.d)))
    for groups, rows in _all_rows(tree, nodes, at):
        seen = _received(tree, rows)
        for place, group in enumerate(groups):
            if _blocks(nodes[group]):
                changed[group] = _packed(BLOCKS, at, seen, place)
        sent = through(seen, tree.prior.group)
        total = Likelihood(total.Q + sent.Q.sum(0), total.h + sent.h.sum(0))
    return {**changed, ROOT: _packed(0, at, total, 0)}


def posterior(tree: Tree, nodes: Nodes, groups: Sequence[str], members: Sequence[str]) -> Normal:
    """What is believed of w − μ of N members, or of the groups themselves.

    nodes : those of `keys`, and of `settled` where they are at hand
    returns : mean (N, d), cov (N, d, d)      raises : Unusable
    """
    names = sorted(set(groups))
    number = {group: place for place, group in enumerate(names)}
    of_point = np.array([number[group] for group in groups], np.int64)
    personal = np.array([name != ITSELF for name in members])
    new = settled(tree, nodes, [name for name in names if settled_key(name) not in nodes])
    known = {**nodes, **new}
    at_groups = np.stack([known[settled_key(name)] for name in names])[of_point]
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            return below(
                Normal(at_groups[:, : tree.d], at_groups[:, tree.d :].reshape(-1, tree.d, tree.d)),
                tree.likelihood(_shown(tree, nodes, groups, members, _newest(tree, nodes, None))),
                members_variances(tree.prior, personal),
            )
        except np.linalg.LinAlgError as broken:
            raise Unusable("the sums of the belief have no posterior") from broken


def settled(tree: Tree, nodes: Nodes, groups: Sequence[str]) -> dict[str, Floats]:
    """What is believed of w − μ of whole groups, with mean and covariance in one array of d + d² numbers.

    nodes : those of `keys`      groups : each once      raises : Unusable
    """
    if not groups:
        return {}
    period = _newest(tree, nodes, None)
    small = [key for key in groups if not _blocks(nodes.get(key))]
    own = [_rows(tree, nodes, key, period) for key in small]
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            seen = _received_by_groups(tree, nodes, groups, small, _received(tree, _stacked(tree, own)))
            root = _root(tree, nodes)
            program = at_root(Likelihood(root.Q[0], root.h[0]), tree.prior.program)
            found = below(program, seen, tree.prior.group)
        except np.linalg.LinAlgError as broken:
            raise Unusable("the sums of the belief have no posterior") from broken
    flat = np.hstack([found.mean, found.cov.reshape(len(groups), -1)])
    return {settled_key(group): row.copy() for group, row in zip(groups, flat, strict=True)}


class Everything(NamedTuple):
    """All rows that a belief was learned from, as they were before anything faded.

    sums : (M, width)      group : (M,)      personal : (M,), false for a group's own row
    """

    sums: Floats
    group: Integers
    personal: Bools


def everything(tree: Tree, nodes: Nodes) -> Everything:
    """The sums of everybody in the nodes given, never faded."""
    tables, groups, first = [np.zeros((0, tree.columns))], [np.zeros(0, np.int64)], 0
    for names, rows in _all_rows(tree, nodes, None):
        tables.append(rows.table)
        groups.append(first + rows.place)
        first += len(names)
    table = np.concatenate(tables)
    return Everything(table[:, -tree.width :], np.concatenate(groups), table[:, 0] != _ITSELF)


def _all_rows(tree: Tree, nodes: Nodes, period: float | None) -> Iterator[tuple[list[str], _Rows]]:
    """Every row there is, by groups in the order of their names; as written where no period is given."""
    held: dict[str, list[str]] = {}
    for key in sorted(nodes):
        if key != ROOT and not _blocks(nodes[key]):
            held.setdefault(_group(key), []).append(key)
    names = sorted(held)
    for start in range(0, len(names), GROUPS_AT_ONCE):
        part = names[start : start + GROUPS_AT_ONCE]
        tables = [np.concatenate([_rows(tree, nodes, key, period) for key in held[name]]) for name in part]
        yield part, _stacked(tree, tables)


def _received(tree: Tree, rows: _Rows) -> Likelihood:
    """What each node's rows send to the group, summed."""
    sums = tree.likelihood(rows.table[:, 1 : 1 + tree.width])
    sent = through(sums, members_variances(tree.prior, rows.table[:, 0] != _ITSELF))
    return added(sent, rows.place, rows.nodes)


def _received_by_groups(
    tree: Tree, nodes: Nodes, groups: Sequence[str], read: Sequence[str], received: Likelihood
) -> Likelihood:
    """What each group has received: as its node says where it is large, else from its rows.

    read : keys whose rows were read      received : what those rows send
    """
    Q, h = np.zeros((len(groups), tree.d, tree.d)), np.zeros((len(groups), tree.d))
    place = {key: number for number, key in enumerate(read)}
    for number, group in enumerate(groups):
        if _blocks(nodes.get(group)):
            packed = _unpacked(tree, nodes[group], group)
            Q[number], h[number] = packed.Q[0], packed.h[0]
        elif group in place:
            Q[number], h[number] = received.Q[place[group]], received.h[place[group]]
    return Likelihood(Q, h)


def _shown(tree: Tree, nodes: Nodes, groups: Sequence[str], members: Sequence[str], period: float) -> Floats:
    """(N, width): what each member asked about has shown; nothing where there is no row.

    What the group itself has shown counts in its own belief already: nothing parts it from that.
    """
    out = np.zeros((len(members), tree.width))
    tables: dict[str, Floats] = {}
    for number, (group, name, known) in enumerate(zip(groups, members, _ids(members), strict=True)):
        key = _block(group, name) if _blocks(nodes.get(group)) else group
        table = tables.get(key)
        if table is None:
            table = tables[key] = _rows(tree, nodes, key, period)
        row = int(np.searchsorted(table[:, 0], known))
        if row < len(table) and table[row, 0] == known:
            out[number] = table[row, 1 : 1 + tree.width]
    return out


class _Parts(NamedTuple):
    """The nodes with rows that a batch touches, before and after it is learned."""

    keys: tuple[str, ...]
    before: tuple[Floats, ...]
    after: tuple[Floats, ...]


def _learned(tree: Tree, nodes: Nodes, batch: Batch, sums: Floats, period: float) -> _Parts:
    homes = [
        _block(group, name) if _blocks(nodes.get(group)) else group
        for group, name in zip(batch.groups, batch.members, strict=True)
    ]
    touched, place = np.unique(homes, return_inverse=True)
    order = np.argsort(place, kind="stable")
    chosen = np.split(order, np.flatnonzero(np.diff(place[order])) + 1)
    keys = tuple(map(str, touched))
    before = tuple(_rows(tree, nodes, key, period) for key in keys)
    ids, more = np.array(_ids(batch.members)), _added_sums(tree, batch, sums, period)
    after = (_with(rows, ids[own], more[own]) for rows, own in zip(before, chosen, strict=True))
    return _Parts(keys, before, tuple(after))


def _received_before_and_after(
    tree: Tree, nodes: Nodes, groups: Sequence[str], parts: _Parts
) -> tuple[Likelihood, Likelihood]:
    """What the groups of a batch have received, without it and with it."""
    gone, come = (_received(tree, _stacked(tree, part)) for part in (parts.before, parts.after))
    then = _received_by_groups(tree, nodes, groups, parts.keys, gone)
    number = {group: place for place, group in enumerate(groups)}
    owner = np.array([number[_group(key)] for key in parts.keys])
    change = added(Likelihood(come.Q - gone.Q, come.h - gone.h), owner, len(groups))
    return then, Likelihood(then.Q + change.Q, then.h + change.h)


def _added_sums(tree: Tree, batch: Batch, sums: Floats, period: float) -> Floats:
    """What rows add to a node's columns: with their weight, faded by their age, and unfaded besides."""
    weighted = batch.weight[:, None] * sums
    if tree.keep == 1:
        return weighted
    return np.hstack([weighted * (tree.keep ** (period - batch.period))[:, None], weighted])


def _with(rows: Floats, names: Floats, sums: Floats) -> Floats:
    """A node's rows with more added to them; in the order of their ids."""
    known = np.union1d(rows[:, 0], names)
    out = np.zeros((len(known), rows.shape[1]))
    out[:, 0] = known
    out[np.searchsorted(known, rows[:, 0]), 1:] = rows[:, 1:]
    np.add.at(out[:, 1:], np.searchsorted(known, names), sums)
    return out


def _dealt(group: str, rows: Floats, period: float) -> dict[str, Floats]:
    """A group's rows in blocks, each member in the one that `_block` names."""
    number = rows[:, 0] % BLOCKS
    return {f"{group}#{block:.0f}": _flat(rows[number == block], period) for block in np.unique(number)}


def _rows(tree: Tree, nodes: Nodes, key: str, period: float | None) -> Floats:
    """(M, columns) of one node, brought to a period; none where there is no node."""
    node, columns = nodes.get(key), tree.columns
    if node is None:
        return np.zeros((0, columns))
    if node.ndim != 1 or len(node) < HEADER or (len(node) - HEADER) % columns:
        raise Unusable(
            f"the node of `{key}` should hold rows of {columns} numbers, and has the shape {node.shape}"
        )
    if node[0] or not np.isfinite(node).all():
        raise Unusable("the sums of the belief are not finite, or the node holds no rows")
    rows = node[HEADER:].reshape(-1, columns)
    if tree.keep == 1 or period is None or node[1] == period:
        return rows
    faded = rows.copy()
    faded[:, 1 : 1 + tree.width] *= tree.keep ** (period - node[1])
    return faded


def _stacked(tree: Tree, tables: Sequence[Floats]) -> _Rows:
    place = np.repeat(np.arange(len(tables)), np.array([len(table) for table in tables], np.int64))
    return _Rows(np.concatenate([np.zeros((0, tree.columns)), *tables]), place, len(tables))


def _newest(tree: Tree, nodes: Nodes, batch: Batch | None) -> float:
    """The newest period of all rows learned, those of a batch among them; 0 where nothing fades."""
    if tree.keep == 1:
        return 0.0
    known = _period(nodes)
    found = [] if known is None else [known]
    if batch is not None:
        found.append(float(batch.period.max()))
    return max(found, default=0.0)


def _period(nodes: Nodes) -> float | None:
    """The newest period of all rows learned so far."""
    node = nodes.get(ROOT)
    if node is None:
        return None
    if node.ndim != 1 or len(node) < HEADER:
        raise Unusable(f"the node of the program has the shape {node.shape}")
    return float(node[1])


def _root(tree: Tree, nodes: Nodes) -> Likelihood:
    """(1, d, d) and (1, d)."""
    node = nodes.get(ROOT)
    if node is None:
        return Likelihood(np.zeros((1, tree.d, tree.d)), np.zeros((1, tree.d)))
    return _unpacked(tree, node, "the program")


def _packed(blocks: int, period: float, seen: Likelihood, place: int) -> Floats:
    return np.concatenate([[float(blocks), period], seen.Q[place].ravel(), seen.h[place]])


def _unpacked(tree: Tree, node: Floats, name: str) -> Likelihood:
    size = HEADER + tree.d * tree.d + tree.d
    if node.shape != (size,):
        raise Unusable(f"the node of {name} should hold {size} numbers, and has the shape {node.shape}")
    if not np.isfinite(node).all():
        raise Unusable("the sums of the belief are not finite")
    Q = node[HEADER : HEADER + tree.d * tree.d].reshape(1, tree.d, tree.d)
    return Likelihood(Q, node[None, HEADER + tree.d * tree.d :])


def _flat(rows: Floats, period: float) -> Floats:
    return np.concatenate([[0.0, period], rows.ravel()])


def _blocks(node: Floats | None) -> bool:
    """Whether a group's rows are in blocks, as far as is known."""
    return node is not None and node.ndim == 1 and len(node) > 0 and node[0] == BLOCKS


def _block(group: str, member: str) -> str:
    return f"{group}#{int(_ids([member])[0]) % BLOCKS}"


def _group(key: str) -> str:
    """Whose node it is; `#` stands in no id."""
    return key.partition("#")[0]


def _ids(members: Iterable[str]) -> list[float]:
    """Numbers that stand for members inside a node.

    52 bits of a digest: among 1,000 members of one group two meet with a probability of 10⁻¹⁰.
    """
    digests = (blake2b(name.encode(), digest_size=8).digest() if name else b"" for name in members)
    return [float(int.from_bytes(one, "big") >> (64 - _ID_BITS)) if one else _ITSELF for one in digests]
