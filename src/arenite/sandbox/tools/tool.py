"""`Tool`: a function that code in a box may call, with what that code is told of it.

Example:  Tool(search).check(("x",), {"limit": 3})
"""

from __future__ import annotations

import ast
import inspect
import keyword
from typing import TYPE_CHECKING, Final, get_type_hints

from arenite.sandbox.tools.hints import fits, kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Function = Callable[..., object]

NAMES: Final = {"bool", "int", "float", "str", "bytes", "list", "tuple", "dict", "object"}
PARTS: Final = (ast.Expression, ast.Name, ast.Load, ast.Subscript, ast.Tuple, ast.Constant, ast.BinOp, ast.BitOr)


class Shown(str):
    """Text that stands in a signature as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Tool:
    """A function, sync or async, for code in boxes.

    `name`: by which that code calls it; by default the function's.   `header`: its signature in Python's words, `text`: its docstring.
    Raises: `ValueError` for a name that is none, `TypeError` for what is no function with a signature.
    """

    def __init__(self, function: Function, name: str | None = None) -> None:
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__) if name is None else name
        if not self.name.isidentifier() or keyword.iskeyword(self.name):
            raise ValueError(f"{self.name!r} is no name that code could call: Tool(function, name=…)")
        if not callable(function):
            raise TypeError(f"a tool is a function, not {type(function).__name__}")
        self.signature = inspect.signature(function)
        self.text = inspect.getdoc(function) or ""
        self.is_async = any(map(inspect.iscoroutinefunction, (function, type(function).__call__)))
        self.hints = hints(function)
        self.header = header(self.signature, self.hints)

    def check(self, args: Sequence[object], kwargs: Mapping[str, object]) -> None:
        """Whether it can be called so.  Raises: `TypeError` that names the argument."""
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}() {error}") from None
        for name, value in bound.arguments.items():
            hint = self.hints.get(name)
            if name not in self.hints:
                continue
            sort = self.signature.parameters[name].kind
            values = {name: value}
            if sort is inspect.Parameter.VAR_POSITIONAL:
                values = {f"{name}[{at}]": one for at, one in enumerate(value)}
            elif sort is inspect.Parameter.VAR_KEYWORD:
                values = value
            for title, one in values.items():
                if not fits(one, hint):
                    said = spelt(hint)
                    raise TypeError(f"{self.name}() argument {title!r} must be {said}, not {kind(one)}")


def hints(function: Function) -> dict[str, object]:
    """Annotations as objects; none where they name what is not there."""
    plain = (
        function
        if inspect.isroutine(function) or inspect.isclass(function)
        else getattr(function, "func", type(function).__call__)
    )
    try:
        return get_type_hints(plain)
    except Exception:  # noqa: BLE001 (whatever evaluating them raises: nothing is checked then)
        return {}


def spelt(hint: object) -> str:
    """An annotation in words."""
    return hint if isinstance(hint, str) else inspect.formatannotation(hint)


def header(signature: inspect.Signature, known: Mapping[str, object]) -> str:
    """A signature that a Python knows which has none of the host's names: other annotations are strings, other defaults are dots."""
    empty = inspect.Parameter.empty
    parameters = [
        parameter.replace(
            annotation=empty if parameter.annotation is empty else annotation(known.get(name, parameter.annotation)),
            default=empty if parameter.default is empty else Shown(default(parameter.default)),
        )
        for name, parameter in signature.parameters.items()
    ]
    returns = signature.return_annotation
    returns = empty if returns is empty else annotation(known.get("return", returns))
    return str(inspect.Signature(parameters, return_annotation=returns, __validate_parameters__=False))


def annotation(hint: object) -> Shown:
    """One as an expression of builtins' names, or a string."""
    text = "None" if hint is type(None) else spelt(hint)
    try:
        nodes = list(ast.walk(ast.parse(text, mode="eval")))
    except (SyntaxError, ValueError):
        return Shown(repr(text))
    plain = all(isinstance(node, PARTS) and (not isinstance(node, ast.Name) or node.id in NAMES) for node in nodes)
    return Shown(text if plain else repr(text))


def default(value: object) -> str:
    """A default as a literal, or dots."""
    text = repr(value)
    try:
        return text if ast.literal_eval(text) == value else "..."
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return "..."
