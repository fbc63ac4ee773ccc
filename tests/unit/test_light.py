"""Light data classes and named tuples behave as those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import typing
from typing import TYPE_CHECKING, ClassVar

import pytest

from arenite import light

if TYPE_CHECKING:
    from collections.abc import Callable


def five(dataclass: Callable[..., Callable[[type], type]]) -> tuple[type, ...]:
    """Classes made by one of the two decorators."""

    @dataclass(frozen=True)
    class Point:
        x: int
        y: int = 2
        more: list[int] = dataclasses.field(default_factory=list, compare=False, repr=False)
        kind: ClassVar[str] = "point"

    @dataclass(frozen=True, kw_only=True)
    class Base:
        a: int

    @dataclass(frozen=True, kw_only=True)
    class Derived(Base):
        b: int = dataclasses.field(metadata={"rule": 1})

    @dataclass
    class Changing:
        x: int = 0

    @dataclass(eq=False)
    class Alone:
        x: int = 0

    @dataclass(frozen=True)
    class Checked:
        x: int = 0

        def __post_init__(self) -> None:
            if self.x < 0:
                raise ValueError(self.x)

    return Point, Base, Derived, Changing, Alone, Checked


OURS, THEIRS = five(light.dataclass), five(dataclasses.dataclass)


@light.dataclass(frozen=True)
class Travelling:
    x: int
    y: tuple[int, ...] = ()


def told(expression: str, classes: tuple[type, ...]) -> object:
    """What comes of an expression about the classes: a value, or an error's type."""
    try:
        return eval(expression, {"dataclasses": dataclasses, "copy": copy} | {cls.__name__: cls for cls in classes})
    except (TypeError, ValueError, dataclasses.FrozenInstanceError) as error:
        return type(error)


@pytest.mark.parametrize(
    "expression",
    [
        "repr(Point(1))",
        "(Point(1).x, Point(1).y, Point(1).more, Point(1).more is Point(1).more)",
        "(Point(1) == Point(1, 2), Point(1) == Point(2), Point(1) == Point(1, more=[3]), Point(1) == 1, Point(1) != Point(1))",
        "hash(Point(1)) == hash(Point(1, 2)) and len({Point(1), Point(1), Point(2)})",
        "Point()",
        "Point(1, 2, [], 4)",
        "Point(1, x=1)",
        "Point(1, z=1)",
        'setattr(Point(1), "x", 2)',
        'setattr(Point(1), "z", 2)',
        'delattr(Point(1), "x")',
        "Point.__match_args__",
        "[(f.name, f.default is dataclasses.MISSING) for f in dataclasses.fields(Point)]",
        "repr(dataclasses.replace(Point(1), y=5))",
        "dataclasses.asdict(Point(1))",
        "repr(copy.copy(Point(7)))",
        "(repr(Derived(a=1, b=2)), Derived(a=1, b=2) == Derived(b=2, a=1), Derived(a=1, b=2) == Base(a=1))",
        "Derived(1, b=2)",
        "Derived(a=1)",
        "[(f.name, dict(f.metadata)) for f in dataclasses.fields(Derived)]",
        "(Changing().x, Changing(3) == Changing(3), Changing.__hash__ is None)",
        "hash(Changing())",
        "(Checked(3).x, repr(Checked()), repr(dataclasses.replace(Checked(1), x=2)))",
        "Checked(-1)",
        "dataclasses.replace(Checked(1), x=-1)",
        "(Alone(1) == Alone(1), len({Alone(1), Alone(1)}), repr(Alone(1)))",
    ],
)
def test_they_behave_as_those_of_the_standard_library(expression: str) -> None:
    assert told(expression, OURS) == told(expression, THEIRS)


def test_values_can_be_changed_where_they_may() -> None:
    changing = OURS[3](1)
    changing.x = 4
    assert changing == OURS[3](4)


def test_what_a_class_says_itself_stays() -> None:
    @light.dataclass(frozen=True)
    class Named:
        x: int

        def __repr__(self) -> str:
            return "named"

    assert repr(Named(1)) == "named"


def test_values_travel() -> None:
    value = Travelling(1, (2, 3))
    assert pickle.loads(pickle.dumps(value)) == value


def named(base: type) -> type:
    """A named tuple made of one of the two bases."""

    class Place(base):  # type: ignore[misc]  # the two are told apart when this runs
        """Where something is."""

        x: int
        y: tuple[int, ...] = ()
        ORIGIN = 0

        @property
        def far(self) -> bool:
            """Whether it is."""
            return bool(self.x > 9)

        @classmethod
        def at(cls, x: int) -> object:
            """One there."""
            return cls(x)

        def __str__(self) -> str:
            return f"at {self.x}"

    return Place


class Moving(light.NamedTuple):
    """One that travels."""

    x: int
    y: tuple[int, ...] = ()


@pytest.mark.parametrize(
    "expression",
    [
        "(repr(Place(1)), str(Place(1)), Place.__doc__, Place.__name__, Place.__qualname__, Place.__module__)",
        "(Place(1) == (1, ()), hash(Place(1)) == hash((1, ())), Place(2) > Place(1), len(Place(1)))",
        "(Place._fields, Place._field_defaults, Place.__match_args__, list(Place.__annotations__), typing.get_type_hints(Place), Place.__mro__[1:])",
        "(Place(1, y=(2,)).y, Place(x=3).x, Place.at(10).far, Place.ORIGIN, Place._make([1, 2]), Place(1)._asdict())",
        "Place(1)._replace(x=5)",
        "Place(1)._replace(z=5)",
        "Place()",
        "Place(1, 2, 3, 4)",
        "Place(1, x=1)",
        "setattr(Place(1), 'x', 2)",
        "setattr(Place(1), 'z', 2)",
        "(hasattr(Place(1), '__dict__'), copy.copy(Place(7)))",
    ],
)
def test_named_tuples_do_so_too(expression: str) -> None:
    def told_of(base: type) -> str:
        try:
            return str(eval(expression, {"copy": copy, "typing": typing, "Place": named(base)}))
        except (TypeError, AttributeError, ValueError) as error:
            return f"{type(error)}: {error}"

    assert told_of(light.NamedTuple) == told_of(typing.NamedTuple)


def test_named_tuples_travel() -> None:
    value = Moving(1, (2, 3))
    assert pickle.loads(pickle.dumps(value)) == value
