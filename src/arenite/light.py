"""`dataclasses.dataclass` and `typing.NamedTuple` without what a start would wait for.

For a frozen data class six methods are compiled when it is defined: half a millisecond, of which a start would wait for dozens.  Here all
classes share methods that go by their fields; an instance compares and prints itself more slowly.  It is for classes that most processes define
and never, or hardly ever, make an instance of.

For a named tuple `typing` compiles each field's type; here it is `collections.namedtuple`, in half the time, which has no use for them.

    from arenite.light import NamedTuple, dataclass

    @dataclass(frozen=True, kw_only=True)
    class Point: ...
    class Place(NamedTuple): ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["NamedTuple", "dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
    from typing import NamedTuple
else:
    import dataclasses
    from collections import namedtuple
    from dataclasses import MISSING, FrozenInstanceError, fields

    class _Named(type):
        """Makes a class of fields, and of what else a class's body says, a named tuple."""

        def __new__(cls, name: str, _bases: tuple[type, ...], body: dict[str, object]) -> type:
            names = tuple(body.get("__annotations__", ()))
            defaults = [body[field] for field in names if field in body]
            tuple_class = namedtuple(name, names, defaults=defaults, module=body["__module__"])  # noqa: PYI024 (this is how)
            for key in body.keys() - {*names, "__module__", "__classcell__"}:
                setattr(tuple_class, key, body[key])
            return tuple_class

    NamedTuple = type.__new__(_Named, "NamedTuple", (), {})

    def dataclass(cls: type | None = None, /, *, frozen: bool = False, eq: bool = True, **options: bool) -> object:
        """As `dataclasses.dataclass`; there are no slots and no order."""
        methods = {"__repr__": _repr}
        if eq:
            methods |= {"__eq__": _eq, "__hash__": _hash if frozen else None}
        if frozen:
            methods |= {"__setattr__": _setattr, "__delattr__": _delattr}

        def decorator(cls: type) -> type:
            own = methods | {"__init__": _init_and_more if hasattr(cls, "__post_init__") else _init}
            for name in own.keys() - vars(cls).keys():
                setattr(cls, name, own[name])
            dataclasses.dataclass(init=False, repr=False, eq=False, **options)(cls)
            cls.__names__ = frozenset(one.name for one in fields(cls))
            cls.__plain__ = {one.name: one.default for one in fields(cls) if one.default is not MISSING}
            return cls

        return decorator if cls is None else decorator(cls)

    def _init(self: object, /, *args: object, **named: object) -> None:
        cls = type(self)
        if not named and len(args) == len(cls.__names__) == len(cls.__match_args__):  # all by their places
            vars(self).update(zip(cls.__match_args__, args, strict=True))
            return
        if args:
            named = _placed(cls, args, named)
        if named.keys() != cls.__names__:
            named = _completed(cls, named)
        vars(self).update(named)

    def _init_and_more(self: object, /, *args: object, **named: object) -> None:
        _init(self, *args, **named)
        self.__post_init__()

    def _placed(cls: type, args: tuple[object, ...], named: dict[str, object]) -> dict[str, object]:
        """Arguments by the names of their places, and what was named."""
        names = cls.__match_args__[: len(args)]
        if len(names) < len(args) or named.keys() & set(names):
            raise TypeError(f"{cls.__qualname__} takes {', '.join(cls.__match_args__)} by their places, each once")
        return dict(zip(names, args, strict=True)) | named

    def _completed(cls: type, named: dict[str, object]) -> dict[str, object]:
        """With defaults for what was not given."""
        named = cls.__plain__ | named
        if named.keys() == cls.__names__:
            return named
        for one in fields(cls):
            if one.name not in named:
                if one.default_factory is MISSING:
                    raise TypeError(f"{cls.__qualname__} needs {one.name!r}")
                named[one.name] = one.default_factory()
        if unknown := named.keys() - cls.__names__:
            raise TypeError(f"{cls.__qualname__} has no {', '.join(sorted(unknown))}")
        return named

    def _repr(self: object) -> str:
        shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
        return f"{type(self).__qualname__}({shown})"

    def _compared(self: object) -> tuple[object, ...]:
        """What equal instances have in common."""
        return tuple(getattr(self, one.name) for one in fields(self) if one.compare)

    def _eq(self: object, other: object) -> bool:
        return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented

    def _hash(self: object) -> int:
        return hash(_compared(self))

    def _setattr(self: object, name: str, value: object) -> None:
        del self, value
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _delattr(self: object, name: str) -> None:
        del self
        raise FrozenInstanceError(f"cannot delete field {name!r}")
