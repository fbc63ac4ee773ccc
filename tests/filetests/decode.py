"""`test = "decode"`: everything a decoded module says, or the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.errors import DecodeError, ValidationError
from arenite.layout.types import GlobalType, MemoryType, TableType, type_name
from arenite.wasm.decode import decode
from arenite.wasm.module import ConstExpr, Data, Element, ExternKind, Mode, Module

if TYPE_CHECKING:
    from collections.abc import Iterator


def show(wasm: bytes, _options: dict[str, object]) -> str:
    try:
        return "\n".join(lines(decode(wasm)))
    except (DecodeError, ValidationError) as error:
        return f"{type(error).__name__}: {error}"


def lines(m: Module) -> Iterator[str]:
    yield from (f"type {i} {type_}" for i, type_ in enumerate(m.types))
    yield from (f"import {i.module}.{i.name} = {i.kind.name.lower()} {i.index}" for i in m.imports)
    yield from (f"func {i} type {type_}" for i, type_ in enumerate(m.funcs))
    yield from (f"table {i} {extern(type_)}" for i, type_ in enumerate(m.tables))
    yield from (f"memory {i} {extern(type_)}" for i, type_ in enumerate(m.memories))
    for i, type_ in enumerate(m.globals):
        place = i - m.imported(ExternKind.GLOBAL)
        yield f"global {i} {extern(type_)}" + (f" = {expr(m.inits[place].value)}" if place >= 0 else "")
    yield from (f"tag {i} type {type_}" for i, type_ in enumerate(m.tags))
    yield from (f"export {e.name} = {e.kind.name.lower()} {e.index}" for e in m.exports)
    if m.start is not None:
        yield f"start {m.start}"
    yield from (f"elem {i} {element(e)}" for i, e in enumerate(m.elements))
    if m.data_count is not None:
        yield f"data count {m.data_count}"
    yield from (f"data {i} {segment(m, d)}" for i, d in enumerate(m.segments))
    yield from (f"body {i} {start:#x}..{end:#x}" for i, (start, end) in enumerate(m.bodies))
    yield from (f"custom {c.name} {m.data[c.start : c.end].hex()} after section {c.place}" for c in m.customs)
    if any(c.name == "name" for c in m.customs):
        yield f"names module={m.names.module!r} funcs={m.names.funcs}"


def extern(type_: TableType | MemoryType | GlobalType) -> str:
    match type_:
        case TableType(content, limits):
            return f"{type_name(content)} {limits}"
        case MemoryType(limits):
            return str(limits)
        case GlobalType(content, mutable):
            return ("mut " if mutable else "") + type_name(content)


def expr(value: ConstExpr) -> str:
    return "; ".join(" ".join(map(str, instruction)) for instruction in value)


def element(e: Element) -> str:
    items = ", ".join(f"func {item}" if isinstance(item, int) else expr(item) for item in e.items)
    place = f" table {e.table} [{expr(e.offset)}]" if e.mode == Mode.ACTIVE else ""
    return f"{e.mode.name.lower()} {type_name(e.type)}{place}: {items}"


def segment(m: Module, d: Data) -> str:
    place = f" memory {d.memory} [{expr(d.offset)}]" if d.mode == Mode.ACTIVE else ""
    return f"{d.mode.name.lower()}{place}: {m.data[d.start : d.end]!r}"
