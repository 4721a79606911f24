"""Operators that only move values: the page's ``pick`` and ``gather``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.explorer.building import Builder, Node, UnsupportedError


def lower_gather(build: Builder, node: Node) -> None:
    """Lower Gather."""
    shape = build.shapes[node.inputs[0]]
    axis, known = int(node.get("axis", 0)) % len(shape), build.constants.get(node.inputs[1])
    if known is not None and known.ndim <= 1:
        steps = [int(index) % shape[axis] * math.prod(shape[axis + 1 :]) for index in known.reshape(-1)]
        tables = _tables(shape)
        tables[axis : axis + 1] = [steps] if known.ndim else []
        _pick(build, node, tables, start=0 if known.ndim else steps[0])
    elif axis:
        raise UnsupportedError("along an axis that is not the first one")
    else:
        build.emit(node, "gather", node.inputs)


def _tables(shape: Sequence[int]) -> list[list[int]]:
    """Return the positions of each index of each axis."""
    return [[index * math.prod(shape[axis + 1 :]) for index in range(size)] for axis, size in enumerate(shape)]


def _pick(build: Builder, node: Node, tables: list[list[int]], output: str | None = None, **settings: Any) -> None:
    build.emit(node, "pick", node.inputs[:1], output=output, axes=[_shorten(table) for table in tables], **settings)


def _shorten(table: list[int]) -> list[int] | list[list[int]]:
    """Return ``[start, step]`` for positions at equal distances, otherwise ``[positions]``."""
    step = table[1] - table[0] if len(table) > 1 else 0
    even = table == [table[0] + step * index for index in range(len(table))] and min(table) >= 0
    return [table[0], step] if even else [table]


def lower_transpose(build: Builder, node: Node) -> None:
    """Lower Transpose."""
    tables = _tables(build.shapes[node.inputs[0]])
    _pick(build, node, [tables[axis] for axis in node.get("perm", range(len(tables))[::-1])])


def lower_slice(build: Builder, node: Node) -> None:
    """Lower Slice."""
    shape = build.shapes[node.inputs[0]]
    starts, ends = (build.need_constant(node, index) for index in (1, 2))
    axes, steps = (build.constant(node, index) for index in (3, 4))
    axes, steps = range(len(starts)) if axes is None else axes, np.ones(len(starts), int) if steps is None else steps
    tables = _tables(shape)
    for axis, start, end, step in zip(axes, starts.tolist(), ends.tolist(), steps.tolist(), strict=True):
        tables[axis] = tables[axis][slice(start, None if step < 0 and end < -shape[axis] else end, step)]
    _pick(build, node, tables)


def lower_split(build: Builder, node: Node) -> None:
    """Lower Split."""
    shape = build.shapes[node.inputs[0]]
    axis, start = int(node.get("axis", 0)) % len(shape), 0
    for output in node.outputs:
        tables, size = _tables(shape), build.shapes[output][axis]
        tables[axis] = tables[axis][start : start + size]
        _pick(build, node, tables, output)
        start += size


def lower_expand(build: Builder, node: Node) -> None:
    """Lower Expand and Tile."""
    shape, wanted = build.shapes[node.inputs[0]], build.shapes[node.outputs[0]]
    tables = _tables((*(1,) * (len(wanted) - len(shape)), *shape))
    _pick(
        build,
        node,
        [[table[index % len(table)] for index in range(n)] for table, n in zip(tables, wanted, strict=True)],
    )


def lower_pad(build: Builder, node: Node) -> None:
    """Lower Pad."""
    fill, axes = build.constant(node, 2), build.constant(node, 3)
    pads, tables = build.need_constant(node, 1).tolist(), _tables(build.shapes[node.inputs[0]])
    mode = node.get("mode", b"constant").decode()
    if mode not in ("constant", "reflect", "edge"):
        raise UnsupportedError(f"in the mode {mode}")
    every = list(range(len(tables))) if axes is None else axes.tolist()
    for place, axis in enumerate(every):
        before, after = pads[place], pads[place + len(every)]
        if mode == "constant":
            table = [-1] * before + tables[axis] + [-1] * after
            tables[axis] = table[max(0, -before) : len(table) + min(0, after)]
        else:
            tables[axis] = np.pad(tables[axis], (before, after), mode).tolist()
    _pick(build, node, tables, fill=0.0 if fill is None else float(fill))


def lower_resize(build: Builder, node: Node) -> None:
    """Lower Resize and Upsample, of whole factors."""
    given, got = (build.shapes[name] for name in (node.inputs[0], node.outputs[0]))
    whole = all(many % few == 0 for few, many in zip(given, got, strict=True))
    if (node.op == "Resize" and node.get("mode", b"nearest") != b"nearest") or not whole:
        raise UnsupportedError("other than by repeating values a whole number of times")
    tables = _tables(given)
    _pick(
        build,
        node,
        [[it for it in table for _ in range(n // len(table))] for table, n in zip(tables, got, strict=True)],
    )


def lower_depth_to_space(build: Builder, node: Node) -> None:
    """Lower DepthToSpace."""
    _, channels, height, width = build.shapes[node.inputs[0]]
    size = node.get("blocksize", 1)
    deep = channels // size**2
    straight = node.get("mode", b"DCR") == b"DCR"
    split = (size, size, deep, height, width) if straight else (deep, size, size, height, width)
    parted = build.add("reshape", [node.inputs[0]], split)
    order = (2, 3, 0, 4, 1) if straight else (0, 3, 1, 4, 2)
    tables = [_shorten(_tables(split)[axis]) for axis in order]
    moved = build.add("pick", [parted], tuple(split[axis] for axis in order), axes=tables)
    build.emit(node, "reshape", [moved])
