"""The rules a module must obey beyond being well formed.

`validate_module` checks everything but function bodies, each of which `BodyValidator` checks on its own.

Spec: valid-module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arenite.errors import ValidationError
from arenite.features import SUPPORTED, missing
from arenite.layout.types import FUNCREF, MAX_PAGES, FuncType, Limits, match, match_all, type_name
from arenite.wasm.body.walk import BodyValidator
from arenite.wasm.module import ExternKind, Mode
from arenite.wasm.opcodes import BY_NAME
from arenite.wasm.sink import Sink
from arenite.wasm.uses import uses

if TYPE_CHECKING:
    from arenite.wasm.module import ConstExpr, Module

__all__ = ["BodyValidator", "validate", "validate_module"]

SIZES = {MAX_PAGES: f"{MAX_PAGES} pages (4GiB)"}  # in words that the suite looks for


def validate(module: Module) -> None:
    """Check a module and all its bodies.

    Raises: `ValidationError`; `Limit`; `DecodeError` for a body that is malformed.
    """
    validate_module(module)
    validator = BodyValidator(module, Sink())
    for index in range(len(module.bodies)):
        validator.body(index)


def validate_module(module: Module) -> None:
    """Check all of a module but its bodies.

    Raises: `ValidationError`.
    """
    Rules(module).check()


class Rules:
    """The rules of one module, in the order of the standard."""

    def __init__(self, module: Module) -> None:
        self.m = module
        self.imported = module.imported(ExternKind.GLOBAL)
        self.counts = {
            ExternKind.FUNC: len(module.funcs),
            ExternKind.TABLE: len(module.tables),
            ExternKind.MEMORY: len(module.memories),
            ExternKind.GLOBAL: len(module.globals),
            ExternKind.TAG: len(module.tags),
        }

    def check(self) -> None:
        """All of them."""
        self.signatures()
        self.limits()
        self.globals()
        self.segments()
        self.start()
        self.exports()
        self.features()

    def at(self, section: int) -> int:
        """Where a section begins, for messages about no entry in particular."""
        return self.m.sections.get(section, (0, 0))[0]

    def index(self, kind: ExternKind, index: int, at: int) -> None:
        """An index must be in its space."""
        if index >= self.counts[kind]:
            name = "function" if kind == ExternKind.FUNC else kind.name.lower()
            raise ValidationError(f"unknown {name} {index}", at)

    def features(self) -> None:
        """It uses none that it may not use, as far as that shows outside of bodies."""
        if self.m.features != SUPPORTED:
            for name, at in uses(self.m):
                if name not in self.m.features:
                    raise ValidationError("the module cannot be used" + missing(name), at)

    def signatures(self) -> None:
        """Functions and tags, imported or not, name a type; those of tags have no results.  Spec: valid-tagtype."""
        for typeidx in self.m.funcs:
            if typeidx >= len(self.m.types):
                raise ValidationError(f"unknown type {typeidx}", self.at(3) or self.at(2))
        for typeidx in self.m.tags:
            at = self.at(13) or self.at(2)
            if typeidx >= len(self.m.types):
                raise ValidationError(f"unknown type {typeidx}", at)
            if self.m.types[typeidx].results:
                raise ValidationError("non-empty tag result type", at)

    def limits(self) -> None:
        """Tables and memories have limits that make sense.  Spec: valid-limits."""
        for table in self.m.tables:
            self.range(table.limits, table.most_elements, "table size", self.at(4) or self.at(2))
        at = self.at(5) or self.at(2)
        for memory in self.m.memories:
            most = memory.most_pages
            self.range(memory.limits, most, "memory size must be at most " + SIZES.get(most, f"{most} pages"), at)
        if len(self.m.memories) > 1 and "multi-memory" not in self.m.features:
            raise ValidationError("multiple memories" + missing("multi-memory"), at)

    def range(self, limits: Limits, most: int, message: str, at: int) -> None:
        """Limits are within a range."""
        maximum = most if limits.maximum is None else limits.maximum
        if limits.minimum > most or maximum > most:
            raise ValidationError(message, at)
        if limits.minimum > maximum:
            raise ValidationError("size minimum must not be greater than maximum", at)

    def globals(self) -> None:
        """Initial values of globals."""
        for type_, init in zip(self.m.globals[self.imported :], self.m.inits, strict=True):
            self.constant(init.value, type_.content, init.at)

    def segments(self) -> None:
        """Element and data segments fit what they fill.  Spec: valid-elem, valid-data."""
        m = self.m
        for element in m.elements:
            if element.mode == Mode.ACTIVE:
                self.index(ExternKind.TABLE, element.table, element.at)
                expected = m.tables[element.table].element
                if not match(element.type, expected):
                    raise ValidationError(
                        f"type mismatch: {type_name(element.type)} in a table of {type_name(expected)}", element.at
                    )
                self.constant(element.offset, m.tables[element.table].index_type, element.at)
            for item in element.items:
                if not isinstance(item, int):
                    self.constant(item, element.type, element.at)
                elif item >= self.counts[ExternKind.FUNC]:
                    raise ValidationError(f"unknown function {item}", element.at)
        for data in m.segments:
            if data.mode == Mode.ACTIVE:
                self.index(ExternKind.MEMORY, data.memory, data.at)
                self.constant(data.offset, m.memories[data.memory].index_type, data.at)

    def start(self) -> None:
        """The start function takes and gives nothing.  Spec: valid-start."""
        if self.m.start is not None:
            at = self.at(8)
            self.index(ExternKind.FUNC, self.m.start, at)
            if self.m.func_type(self.m.start) != FuncType((), ()):
                raise ValidationError("start function must have no parameters and no results", at)

    def exports(self) -> None:
        """Exports exist and have different names.  Spec: valid-export."""
        seen: set[str] = set()
        for export in self.m.exports:
            self.index(export.kind, export.index, export.at)
            if export.name in seen:
                raise ValidationError(f"duplicate export name {export.name!r}", export.at)
            seen.add(export.name)

    def constant(self, expr: ConstExpr, expected: int, at: int) -> None:
        """A constant expression leaves one value of the expected type; it may use imported globals.  Spec: valid-constant."""
        stack: list[int] = []
        for name, *immediates in expr:
            operands, results = self.const_type(str(name), int(immediates[0]) if immediates else 0, at)
            for operand in reversed(operands):
                if not stack or not match(stack.pop(), operand):
                    raise ValidationError(f"type mismatch: {type_name(operand)} expected by {name}", at)
            stack += results
        if stack != [expected] and not match_all(stack, [expected]):
            found = " ".join(map(type_name, stack)) or "nothing"
            raise ValidationError(f"type mismatch: {type_name(expected)} expected, {found} found", at)

    def const_type(self, name: str, immediate: int, at: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Operands and results of a constant instruction."""
        match name:
            case "global.get":
                if immediate >= self.imported:
                    known = immediate < len(self.m.globals)
                    raise ValidationError(f"unknown global {immediate}" + (missing("gc") if known else ""), at)
                if self.m.globals[immediate].mutable:
                    raise ValidationError("constant expression required: the global is mutable", at)
                return (), (self.m.globals[immediate].content,)
            case "ref.null":
                return (), (immediate,)
            case "ref.func":
                self.index(ExternKind.FUNC, immediate, at)
                return (), (FUNCREF,)
        type_ = BY_NAME[name].type
        assert type_ is not None, "the other constant instructions have a fixed type"
        return type_
