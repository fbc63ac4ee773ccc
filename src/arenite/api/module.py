"""A module: WebAssembly, decoded, validated and translated."""

from __future__ import annotations

import bisect
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arenite import translate as translator  # which is imported when something is translated
from arenite.api.bound import Unclosed
from arenite.api.engine import Engine
from arenite.api.numbers import expect
from arenite.api.text import wat2wasm
from arenite.api.translated import translated
from arenite.api.types import ExportType, ImportType, wrapped
from arenite.errors import Failure
from arenite.features import SUPPORTED
from arenite.machine.frozen.births import Births
from arenite.platform.reading import whole
from arenite.wasm.magic import MAGIC

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from arenite.bytecode.module import ModuleCode
    from arenite.features import Features
    from arenite.machine.space.window import Window
    from arenite.wasm.module import Module as Decoded


def decoded(file: bytes, features: Features = SUPPORTED) -> Decoded:
    """The module in a file, whose bodies nobody has looked at.  Raises: as `decode`."""
    from arenite.wasm.decode import decode  # noqa: PLC0415 (what is in the cache is run without)

    return decode(file, features=features)


def offset_of(code: ModuleCode, function: int, pc: int) -> int:
    """Byte offset, in a module's file, of the instruction that an op of an own function came from."""
    return translator.locate(decoded(code.file), code, function, pc)


def _notes(code: ModuleCode) -> Callable[[int], Mapping[int, str]]:
    """A function that tells what custom sections say of the ops of an own function, by their places in it."""
    from arenite.wasm.annotations import annotated  # noqa: PLC0415 (only people ask for it)

    module = decoded(code.file)
    origins = translator.Origins(module)
    said: dict[int, dict[int, list[str]]] = {}
    for each in annotated(module):
        for note in each.notes:
            said.setdefault(note.func - code.imported_functions, {}).setdefault(note.at, []).append(note.text)

    def of(index: int) -> Mapping[int, str]:
        if index not in said:
            return {}
        found: dict[int, list[str]] = {}
        offsets = sorted((at, place) for place, at in origins.of(index).items())
        for at, texts in said[index].items():
            behind = bisect.bisect_left(offsets, (at, 0))  # an instruction may have become no op: then it is said of the next
            if behind < len(offsets):
                found.setdefault(offsets[behind][1], []).extend(texts)
        return {place: ", ".join(texts) for place, texts in found.items()}

    return of


SERIALIZED: Final = b"\0arenite module\n"  # what serialized modules begin with


def binary(wasm: object, expected: str) -> bytes:
    """A module's bytes, which nobody changes.  Raises: `TypeError`: `bytes` would make so many zeros of a number."""
    if not isinstance(wasm, (bytes, bytearray, memoryview)):
        raise TypeError(f"expected {expected}, found {type(wasm).__name__}")
    return bytes(wasm)


class Module(Unclosed):
    """A translated module, to be instantiated in any store: of its engine, or of another one that has switched off nothing it uses.

    `wasm`: a binary module, or text (extra `wat`).  `progress`: called with (functions done, functions in all).
    Raises: `DecodeError`, `ValidationError`, `Limit`.
    """

    def __init__(
        self, engine: Engine, wasm: bytes | bytearray | memoryview | str, *, progress: Callable[[int, int], None] | None = None
    ) -> None:
        expect(engine, Engine)
        data = wat2wasm(wasm) if isinstance(wasm, str) else binary(wasm, "bytes or text")
        if data[:4] != MAGIC and data.lstrip()[:1] in (b"(", b";"):
            data = wat2wasm(data)
        self.engine = engine
        self.window: Window | None = None
        self.births = Births()
        self._within: set[Features] = {engine.config.features}  # it uses no others than each of these
        self.code = translated(engine, data, progress=progress)
        engine.modules[self.code.digest.hex()] = self.code

    @classmethod
    def from_file(cls, engine: Engine, path: str | bytes | os.PathLike[str]) -> Module:
        """The module in a file, binary or text.  Raises: also `OSError`, `Limit` for a file of more than 512 MiB."""
        return cls(engine, whole(Path(os.fsdecode(path))))

    @classmethod
    def deserialize(cls, engine: Engine, encoded: bytes | bytearray) -> Module:
        """The module that `serialize` made these bytes of; they may come from anybody, since nothing in them is believed.

        It takes as long as loading the module did: there is no compilation that could be left out.
        Raises: as the constructor, `Failure` for what `serialize` has not made.
        """
        expect(engine, Engine)
        data = binary(encoded, "bytes")
        if not data.startswith(SERIALIZED + MAGIC):  # a text would be translated
            raise Failure("these are no bytes that Module.serialize has made")
        return cls(engine, data[len(SERIALIZED) :])

    @classmethod
    def deserialize_file(cls, engine: Engine, path: str | bytes | os.PathLike[str]) -> Module:
        """As `deserialize`, of a file's bytes."""
        return cls.deserialize(engine, Path(os.fsdecode(path)).read_bytes())

    def serialize(self) -> bytes:
        """The module as bytes for `deserialize`, in any version of arenite: its own file, marked."""
        return SERIALIZED + self.code.file

    @staticmethod
    def validate(engine: Engine, wasm: bytes | bytearray) -> None:
        """Check a binary module without translating it.  Raises: `DecodeError`, `ValidationError`, `TypeError` for what are no bytes."""
        expect(engine, Engine)
        from arenite.wasm.validate import validate  # noqa: PLC0415 (as above)

        validate(decoded(binary(wasm, "bytes"), engine.config.features))

    def check_features(self, features: Features) -> None:
        """See that it uses no other features, for an engine that has not made it.  Raises: as `validate`."""
        if not any(known <= features for known in self._within):
            from arenite.wasm.validate import validate  # noqa: PLC0415 (as above)

            validate(decoded(self.code.file, features))
            self._within = self._within | {features}  # another thread may look through it

    @property
    def name(self) -> str:
        """The module's name for itself, or ""."""
        return self.code.name

    @property
    def imports(self) -> list[ImportType]:
        """What it asks for, in order."""
        return [ImportType(i.module, i.name, wrapped(i.type)) for i in self.code.imports]

    @property
    def exports(self) -> list[ExportType]:
        """What it offers, in order."""
        return [ExportType(e.name, wrapped(e.type)) for e in self.code.exports]

    def custom_sections(self, name: str) -> list[bytes]:
        """Contents of the module's custom sections of that name, in order."""
        module = decoded(self.code.file)
        return [module.data[custom.start : custom.end] for custom in module.customs if custom.name == name]

    def disassemble(self, func: int | None = None) -> str:
        """The bytecode as text: of the function with this index, or of all; behind ops what custom sections (branch hints) say of their instructions."""
        from arenite.bytecode.names import Names  # noqa: PLC0415 (for people; guests run without)
        from arenite.bytecode.text import function_lines  # noqa: PLC0415 (as above)

        functions = range(self.code.function_count) if func is None else (func - self.code.imported_functions,)
        notes, names = _notes(self.code), Names(self.code)
        return "\n".join(line for number in functions for line in function_lines(self.code, number, notes(number), names))
