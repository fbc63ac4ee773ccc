"""Names of Rust's functions as Rust's own backtraces print them; every other name stays what it is.

    demangle("_ZN4core3fmt5write17h981eaeea47e0bdffE")      # core::fmt::write
    demangle("_RINvNtC3std3mem8align_ofdE")                 # std::mem::align_of::<f64>

Both of Rust's ways are read: the older one, which ends in a hash, and "v0" (https://doc.rust-lang.org/rustc/symbol-mangling/v0.html).
Hashes and what tells crates of one name apart are left out.  Linkers write C++ names out themselves.

A name comes from a module, so from anybody: one that is too long, too deep, refers back too often, would become too long or is no such
name stays as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from arenite.layout.types import MAX_U64

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LENGTH: Final = 4096
"""Characters of a name that is looked at."""

LONGEST: Final = 4 * LENGTH
"""Characters that one may become."""

WORK: Final = 1 << 14
"""Parts of a v0 name that are read, and characters of its words, those that are referred back to once more each time: so names can grow
exponentially.  What stands between words is a few characters for each part."""

DEPTH: Final = 64
"""Parts within parts."""

LLVM: Final = re.compile(r"llvm\.[0-9A-F@]+")
HASH: Final = re.compile(rf"17h[0-9a-f]{{16}}E(\.{LLVM.pattern})?$")
ESCAPE: Final = re.compile(r"\$(SP|BP|RF|LT|GT|LP|RP|C|u[0-9a-f]{1,6})\$|\.\.|\$.*")  # one that is not known ends them
ESCAPES: Final = {"SP": "@", "BP": "*", "RF": "&", "LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ","}

BASIC: Final = dict(
    pair.split(":")
    for pair in [
        "a:i8",
        "b:bool",
        "c:char",
        "d:f64",
        "e:str",
        "f:f32",
        "h:u8",
        "i:isize",
        "j:usize",
        "l:i32",
        "m:u32",
        "n:i128",
        "o:u128",
        "p:_",
        "s:i16",
        "t:u16",
        "u:()",
        "v:...",
        "x:i64",
        "y:u64",
        "z:!",
    ]
)
CHARACTERS: Final = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", "'": "\\'", "\\": "\\\\"}
SIGNED: Final = "aslxni"
UNSIGNED: Final = "htmyoj"


class NotMangledError(Exception):
    """The name is none of Rust's."""


def demangle(name: str) -> str:
    """The name for people.  Never raises."""
    if len(name) > LENGTH or not name.isascii():
        return name
    shown = name
    try:
        if name.startswith("_ZN"):
            shown = _legacy(name[3:])
        elif name.startswith("_R"):
            shown = _V0(name[2:]).symbol()
    except (NotMangledError, RecursionError):
        pass
    return shown if len(shown) <= LONGEST else name


def _legacy(text: str) -> str:
    """`text`: what follows `_ZN`: parts with their lengths, then a hash and `E`."""
    end = HASH.search(text)
    if end is None:
        raise NotMangledError
    parts, at = [], 0
    while at < end.start():
        length = re.compile(r"[0-9]+").match(text, at)
        if length is None:
            raise NotMangledError
        at = length.end() + int(length[0])
        parts.append(text[length.end() : at])
    if at != end.start() or not parts:
        raise NotMangledError
    return "::".join(ESCAPE.sub(_unescaped, part[1:] if part.startswith("_$") else part) for part in parts)


def _unescaped(found: re.Match[str]) -> str:
    """What a piece of an older name stands for."""
    escape = found[1]
    if escape is None:
        return "::" if found[0] == ".." else found[0]
    if escape in ESCAPES:
        return ESCAPES[escape]
    code = int(escape[1:], 16)
    return chr(code) if code <= 0x10FFFF and chr(code).isprintable() else found[0]


class _V0:
    """A reader of a v0 name, which gives text as it goes on.  The methods are named as the rules of its grammar."""

    def __init__(self, text: str) -> None:
        """`text`: what follows `_R`."""
        self.text, _, self.suffix = text.partition(".")
        self.at = 0
        self.left = WORK
        self.depth = 0
        self.lifetimes = 0  # bound by the binders around

    # ------------------------------------------------------------------------------------------------------- characters

    def peek(self) -> str:
        """The next character; "" at the end."""
        return self.text[self.at : self.at + 1]

    def take(self, wanted: str) -> bool:
        """Whether the next character is this one, which is then behind us."""
        found = self.peek() == wanted
        self.at += found
        return found

    def next(self) -> str:
        """The next character, which is then behind us."""
        found = self.peek()
        if not found:
            raise NotMangledError
        self.at += 1
        return found

    def matched(self, pattern: str) -> str:
        """What matches here, which is then behind us."""
        found = re.compile(pattern).match(self.text, self.at)
        if found is None:
            raise NotMangledError
        self.at = found.end()
        return found[0]

    def base_62(self) -> int:
        """A number of 64 bits: `_` is 0, `0_` is 1, and so on."""
        digits = self.matched("[0-9a-zA-Z]*_")[:-1]
        value = 0
        for digit in digits:
            value = value * 62 + (int(digit, 36) if not digit.isupper() else 36 + ord(digit) - ord("A"))
            if value >= MAX_U64:
                raise NotMangledError
        return value + bool(digits)

    def optional(self, tag: str) -> int:
        """A number behind its tag, plus 1; 0 without."""
        number = self.base_62() + 1 if self.take(tag) else 0
        if number > MAX_U64:
            raise NotMangledError
        return number

    # ------------------------------------------------------------------------------------------------------------ names

    def symbol(self) -> str:
        """The whole name."""
        shown = self.path(value=True)
        if self.peek().isupper():  # the crate that it was made for
            self.path(value=False)
        if self.at != len(self.text):
            raise NotMangledError
        return shown if not self.suffix or LLVM.fullmatch(self.suffix) else f"{shown}.{self.suffix}"

    def identifier(self) -> str:
        """A name without what tells it from others."""
        encoded = self.take("u")
        length = int(self.matched("0|[1-9][0-9]*"))
        self.take("_")
        name = self.text[self.at : self.at + length]
        if len(name) != length:
            raise NotMangledError
        self.pay(length)
        self.at += length
        if not encoded:
            return name
        plain, mark, rest = name.rpartition("_")
        try:
            name = f"{plain}{'-' * bool(mark)}{rest}".encode().decode("punycode")
        except UnicodeError:
            raise NotMangledError from None
        if not name.isprintable():
            raise NotMangledError
        return name

    def word(self, text: str) -> str:
        """Text that no part of the name pays for."""
        self.pay(len(text))
        return text

    def pay(self, work: int) -> None:
        """Take off what is done next."""
        self.left -= work
        if self.left < 0:
            raise NotMangledError

    def inner(self, read: Callable[[], T]) -> T:
        """Read a part within this one."""
        self.pay(1)
        self.depth += 1
        if self.depth > DEPTH:
            raise NotMangledError
        shown = read()
        self.depth -= 1
        return shown

    def back(self, read: Callable[[], T]) -> T:
        """Read again what stands earlier."""
        begin = self.at - 1
        target = self.base_62()
        if target >= begin:
            raise NotMangledError
        here, self.at = self.at, target
        shown = self.inner(read)
        self.at = here
        return shown

    def until_end(self, read: Callable[[], str]) -> list[str]:
        """Parts up to an `E`."""
        parts = []
        while not self.take("E"):
            parts.append(self.inner(read))
        return parts

    def path(self, *, value: bool) -> str:
        """A path; of a `value`, generic arguments stand behind `::`."""
        return self.inner(lambda: self._path(value=value))

    def _path(self, *, value: bool) -> str:
        match self.next():
            case "C":
                self.optional("s")
                return self.identifier()
            case "N":
                return self.nested(value=value)
            case "M":
                self.implementation()
                return f"<{self.type()}>"
            case "X":
                self.implementation()
                return f"<{self.type()} as {self.path(value=False)}>"
            case "Y":
                return f"<{self.type()} as {self.path(value=False)}>"
            case "I":
                shown = self.path(value=value)
                return f"{shown}{'::' * value}<{', '.join(self.until_end(self.argument))}>"
            case "B":
                return self.back(lambda: self._path(value=value))
            case _:
                raise NotMangledError

    def nested(self, *, value: bool) -> str:
        """A name in a path."""
        namespace = self.matched("[a-zA-Z]")
        outer = self.path(value=value)
        number = self.optional("s")
        name = self.identifier()
        if namespace.islower():
            return f"{outer}::{name}" if name else outer
        kind = {"C": "closure", "S": "shim"}.get(namespace, namespace)
        return f"{outer}::{{{kind}{':' * bool(name)}{name}#{number}}}"

    def implementation(self) -> None:
        """Where an implementation stands, which is not shown."""
        self.optional("s")
        self.path(value=False)

    def argument(self) -> str:
        """A generic argument."""
        if self.take("L"):
            return self.lifetime(self.base_62())
        return self.constant() if self.take("K") else self.type()

    def lifetime(self, index: int) -> str:
        """A lifetime, counted from the innermost binder; 0 is erased."""
        if index == 0:
            return "'_"
        number = self.lifetimes - index
        if number < 0:
            raise NotMangledError
        return self.word(f"'{chr(ord('a') + number)}" if number < 26 else f"'_{number}")

    def bound(self, read: Callable[[], str]) -> str:
        """What stands behind `for<…>`, if that is there."""
        count = self.optional("G")
        self.pay(count)
        self.lifetimes += count
        names = ", ".join(self.lifetime(count - number) for number in range(count))
        shown = read()
        self.lifetimes -= count
        return f"for<{names}> {shown}" if count else shown

    # ------------------------------------------------------------------------------------------------------------ types

    def type(self) -> str:
        """A type."""
        return self.inner(self._type)

    def _type(self) -> str:
        tag = self.next()
        if tag in BASIC:
            return self.word(BASIC[tag])
        match tag:
            case "R" | "Q":
                lifetime = self.base_62() if self.take("L") else 0
                shown = f"{self.lifetime(lifetime)} " if lifetime else ""
                return f"&{shown}{'mut ' * (tag == 'Q')}{self.type()}"
            case "P":
                return f"*const {self.type()}"
            case "O":
                return f"*mut {self.type()}"
            case "A":
                return f"[{self.type()}; {self.constant()}]"
            case "S":
                return f"[{self.type()}]"
            case "T":
                parts = self.until_end(self._type)
                return f"({', '.join(parts)}{',' * (len(parts) == 1)})"
            case "F":
                return self.bound(self.signature)
            case "D":
                shown = f"dyn {self.bound(lambda: ' + '.join(self.until_end(self.trait)))}"
                if not self.take("L"):
                    raise NotMangledError
                lifetime = self.base_62()
                return f"{shown} + {self.lifetime(lifetime)}" if lifetime else shown
            case "B":
                return self.back(self._type)
            case _:
                self.at -= 1
                return self._path(value=False)

    def signature(self) -> str:
        """A type of functions."""
        shown = "unsafe " if self.take("U") else ""
        if self.take("K"):
            abi = "C" if self.take("C") else self.identifier().replace("_", "-")
            shown += f'extern "{abi}" '
        shown += f"fn({', '.join(self.until_end(self._type))})"
        return shown if self.take("u") else f"{shown} -> {self.type()}"

    def trait(self) -> str:
        """A trait of an object, with the types that it names."""
        shown, arguments = self.generic()
        while self.take("p"):
            arguments = [*(arguments or ()), f"{self.identifier()} = {self.type()}"]
        return shown if arguments is None else f"{shown}<{', '.join(arguments)}>"

    def generic(self) -> tuple[str, list[str] | None]:
        """A path without its generic arguments, and these, if it has any."""
        if self.take("B"):
            return self.back(self.generic)
        if self.take("I"):
            return self.path(value=False), self.until_end(self.argument)
        return self._path(value=False), None

    def constant(self) -> str:
        """A constant: a number, a truth value, a character."""
        return self.inner(self._constant)

    def _constant(self) -> str:
        tag = self.next()
        if tag == "B":
            return self.back(self._constant)
        if tag == "p":
            return "_"
        sign = "-" if tag in SIGNED and self.take("n") else ""
        digits = self.word(self.matched("[0-9a-f]*_")[:-1])
        value = int(digits, 16) if digits else 0
        if tag in SIGNED or tag in UNSIGNED:
            return f"{sign}{value if value < 1 << 64 else f'0x{digits}'}{BASIC[tag]}"
        if tag == "b" and value < 2:
            return "true" if value else "false"
        if tag == "c" and value <= 0x10FFFF:
            shown = chr(value)
            escaped = shown if shown.isprintable() else f"\\u{{{value:x}}}"
            return f"'{CHARACTERS.get(shown, escaped)}'"
        raise NotMangledError
