"""What custom sections say, in words.  No module is refused for one, so what is damaged is said to be, and shown as far as it goes.

Example:  customs(decode(code)) == [("producers", "40 bytes, behind data: language Rust 1.80")]
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from arenite.errors import DecodeError
from arenite.inspect.words import SECTIONS, plural
from arenite.wasm.annotations import METADATA, annotated
from arenite.wasm.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from arenite.wasm.annotations import Note
    from arenite.wasm.module import Custom, Module

SHOWN: Final = 60  # characters of a text, bytes of what is none
LONGEST: Final = 400  # characters of what a section says


def customs(module: Module) -> list[tuple[str, str]]:
    """Each custom section of a decoded module, in order: its name; its size, where it stands, and what it says."""
    notes = {each.custom: (_counted(each.notes), each.problem) for each in annotated(module)}
    found = []
    for custom in module.customs:
        said, problem = notes[custom] if custom.name.startswith(METADATA) else _said(module, custom)
        where = f"{plural(custom.end - custom.start, 'byte')}, behind {SECTIONS[custom.place] if custom.place else 'nothing'}"
        if problem:
            said = f"{said} (damaged: {problem})" if said else f"damaged: {problem}"
        found.append((custom.name, f"{where}: {said}" if said else where))
    return found


def _counted(notes: list[Note]) -> str:
    """Annotations by what they say."""
    texts = Counter(note.text for note in notes)
    several = [f"{count:,} {text}" for text, count in texts.most_common(5)]
    return ", ".join(several) + (", ..." if len(texts) > len(several) else "")


def _said(module: Module, custom: Custom) -> tuple[str, str]:
    """What a section says, and what is wrong with it, or ""."""
    parts = list[str]()
    reading = FORMATS.get(custom.name)
    if reading is None:
        return _text(module.data[custom.start : custom.end]), ""
    r = Reader(module.data, custom.start, custom.end)
    try:
        reading(r, parts)
        problem = "" if r.done() else f"{plural(int(r.end - r.pos), 'byte')} left over"
    except DecodeError as error:
        problem = str(error)
    text = ", ".join(parts)
    return text[:LONGEST] + "..." * (len(text) > LONGEST), problem


def _text(data: bytes) -> str:
    """Bytes as a person wants them: text in quotes, or hexadecimal digits."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and text:
        return repr(text[:SHOWN]) + "..." * (len(text) > SHOWN)
    return data[:SHOWN].hex() + "..." * (len(data) > SHOWN)


def _names(r: Reader, parts: list[str]) -> None:
    """How many names of each kind.  Spec: binary-namesec."""
    while not r.done():
        kind = int(r.byte())
        size = r.length()
        part = Reader(r.data, r.take(size), r.pos)
        what = NAMED.get(kind)
        parts.append("the module" if kind == 0 else plural(int(part.u32()), what) if what else f"kind {kind}")
    parts[:1] = [f"names of {part}" for part in parts[:1]]


def _producers(r: Reader, parts: list[str]) -> None:
    """Languages and tools.  Source: tool-conventions, ProducersSection."""
    for _ in range(r.count()):
        field = r.name()
        parts.extend(f"{field} {r.name()} {r.name()}".rstrip() for _ in range(r.count()))


def _target_features(r: Reader, parts: list[str]) -> None:
    """What the compiler was allowed to use (+) or must not have linked (-).  Source: tool-conventions, Linking."""
    parts.extend(chr(r.byte()) + r.name() for _ in range(r.count()))


def _one_name(r: Reader, parts: list[str]) -> None:
    """A name alone: of a file with more.  Source: tool-conventions, Debugging."""
    parts.append(repr(r.name()))


NAMED: Final = {
    1: "function", 2: "local name map", 3: "label name map", 4: "type", 5: "table", 6: "memory", 7: "global",
    8: "element segment", 9: "data segment", 10: "field name map", 11: "tag",
}  # fmt: skip
FORMATS: Final[dict[str, Callable[[Reader, list[str]], None]]] = {
    "name": _names,
    "producers": _producers,
    "target_features": _target_features,
    "sourceMappingURL": _one_name,
    "external_debug_info": _one_name,
}
