"""Translates a whole module: `translate` makes the `ModuleCode` that a machine runs, `locate` finds where an op came from.

Example:  code = translate(path.read_bytes())
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, cast

from arenite.bytecode.module import ElementSegment, ModuleCode, WasmFile
from arenite.bytecode.segments import DataSegment, DataSegments
from arenite.bytecode.verify import verify_module
from arenite.errors import InternalError
from arenite.features import SUPPORTED, Features
from arenite.layout.types import TagType
from arenite.translate.shape import Shape
from arenite.translate.trace import Trace
from arenite.translate.translator import Translator
from arenite.translate.writer import WideFrame
from arenite.wasm.body.walk import BodyValidator
from arenite.wasm.decode import decode
from arenite.wasm.module import ExternKind, Mode
from arenite.wasm.validate import validate, validate_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.bytecode.segments import ConstExpr
    from arenite.wasm.module import Data, Element, Module

    Progress = Callable[[int, int], None]

REPORT_EVERY = 256  # functions between two reports of progress


def translate(
    data: bytes,
    paid: int | None = None,
    *,
    name: str | None = None,
    progress: Progress | None = None,
    features: Features = SUPPORTED,
) -> ModuleCode:
    """Decode, validate and translate a module, and check what has come of it.

    `paid`, `features`: as of `decode`.  `name` overrides the module's own; `progress` is called with (functions done, functions in all) now and then.
    Raises: `DecodeError`, `ValidationError`, `Limit`; `InternalError` when the bytecode breaks a rule, which is a bug.
    """
    collecting = gc.isenabled()
    gc.disable()  # many objects and no cycles: looking for some takes a tenth of the time
    try:
        code = _translated(decode(data, paid, features), name, progress)
    except (AssertionError, IndexError) as error:
        raise InternalError(f"a rule of the translator is broken: {error!r}") from error
    finally:
        if collecting:
            gc.enable()
    verify_module(code)
    return code


def structure(data: bytes, paid: int | None = None, features: Features = SUPPORTED) -> ModuleCode:
    """A module without bytecode, for bytecode that comes from elsewhere.  `paid`, `features`, raises: as `translate`.

    Bodies are looked at only if not all features may be used.
    """
    module = decode(data, paid, features)
    (validate_module if features == SUPPORTED else validate)(module)
    return _assembled(module, Translator(Shape(module), module.budget), None)


def _translated(module: Module, name: str | None, progress: Progress | None) -> ModuleCode:
    validate_module(module)
    translator = Translator(Shape(module), module.budget)
    validator = BodyValidator(module, translator)
    total = len(module.bodies)
    for index in range(total):
        if progress and index % REPORT_EVERY == 0:
            progress(index, total)
        translate_body(validator, translator, index)
    if progress:
        progress(total, total)
    return _assembled(module, translator, name)


def translate_body(validator: BodyValidator, translator: Translator, index: int) -> None:
    """Translate one body, as a wide function if it must be."""
    try:
        validator.body(index)
    except WideFrame:
        writer = translator.writer
        translator.again()
        writer.wide = True
        try:
            validator.body(index)
        except WideFrame:
            translator.again()
            writer.vectors = True
            validator.body(index)
        writer.wide = writer.vectors = False


def locate(module: Module, code: ModuleCode, function: int, pc: int) -> int:
    """The offset, in the file, of the instruction that the op at `pc` of a function that the module defines came from."""
    return Origins(module).of(function)[pc - code.function(function).begin]


class Origins:
    """Where ops of a module came from.  Nothing is recorded for this when it is translated: each function that is asked for is translated once more."""

    def __init__(self, module: Module) -> None:
        self.translator = Translator(Shape(module), module.budget)
        self.validator = BodyValidator(module, self.translator)
        self.trace = Trace(self.translator)
        self.translator.writer.trace = self.trace

    def of(self, function: int) -> dict[int, int]:
        """Of a function that the module defines: place of an op in it -> offset of the instruction in the file."""
        begun = self.translator.writer.pc()
        self.trace.offsets = {}
        translate_body(self.validator, self.translator, function)
        return {pc - begun: at for pc, at in self.trace.offsets.items()}


def _assembled(module: Module, translator: Translator, name: str | None) -> ModuleCode:
    translator.records.link(translator.writer.out)
    bytecode = translator.writer.out.getvalue()
    imported_tables, imported_globals = module.imported(ExternKind.TABLE), module.imported(ExternKind.GLOBAL)
    inits = (init.value for init in module.inits)
    return ModuleCode(
        name=module.names.module if name is None else name,
        wasm=WasmFile.of(module.data),
        types=tuple(module.types),
        imports=tuple(module.import_types()),
        exports=tuple(module.export_types()),
        function_types=tuple(module.funcs),
        tables=tuple(module.tables[imported_tables:]),
        memories=tuple(module.memories[module.imported(ExternKind.MEMORY) :]),
        tags=tuple(TagType(module.types[index]) for index in module.tags[module.imported(ExternKind.TAG) :]),
        globals=tuple(zip(module.globals[imported_globals:], map(portable, inits), strict=True)),
        elements=tuple(map(_element, module.elements)),
        data=DataSegments.of([_data(segment) for segment in module.segments]),
        start=module.start,
        bytecode=bytecode,
        type_places=translator.records.types.getvalue(),
        returns=translator.records.returns(len(bytecode)),
        functions=translator.records.functions.getvalue(),
        safepoints=translator.records.safepoints.getvalue(),
        locals=tuple(translator.records.locals),
        handlers=translator.handlers.section(),
        function_names=dict(module.names.funcs),
    )


def portable(expr: ConstExpr) -> ConstExpr:
    """A constant expression as `bytecode.segments` wants it: null without its type."""
    return tuple(("ref.null",) if instruction[0] == "ref.null" else instruction for instruction in expr)


def _element(segment: Element) -> ElementSegment:
    items: tuple[int, ...] | tuple[ConstExpr, ...]
    if all(isinstance(item, int) for item in segment.items):
        items = cast("tuple[int, ...]", segment.items)
    else:
        items = tuple((("ref.func", item),) if isinstance(item, int) else portable(item) for item in segment.items)
    offset = portable(segment.offset) if segment.mode == Mode.ACTIVE else None
    return ElementSegment(segment.type, items, segment.table, offset, declarative=segment.mode == Mode.DECLARATIVE)


def _data(segment: Data) -> DataSegment:
    return DataSegment(segment.start, segment.end, segment.offset if segment.mode == Mode.ACTIVE else None, segment.memory)
