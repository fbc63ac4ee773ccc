"""A module's first instance in a store of its own, made once and mapped ever after.

What instantiation leaves in the cage of a store that has nothing else depends on little: the module, the types and places of its host
functions, the engine's options.  So when a module is instantiated like that for the second time, the cage is kept as an image, before
the start function runs; the next stores of that kind begin as private mappings of it, as forks do.

    instance = births.prepare(machine, code, imports)

Nobody can tell the difference, other than by the time it takes: the bytes, places and numbers are the same.
"""

from __future__ import annotations

import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from arenite.errors import Limit
from arenite.layout.raw import RAW
from arenite.light import dataclass
from arenite.machine.frozen.freeze import capture
from arenite.machine.records import instantiate
from arenite.machine.records.objects import FuncAddr
from arenite.machine.space.absent import Unborn
from arenite.machine.space.cage import Cage
from arenite.machine.space.spares import Spares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arenite.bytecode.module import ModuleCode
    from arenite.layout.types import FuncType
    from arenite.machine.machine import Machine
    from arenite.machine.records.objects import Addr, InstanceAddr
    from arenite.machine.records.quota import Quota
    from arenite.machine.records.registry import Registry
    from arenite.machine.space.image import Image
    from arenite.machine.space.window import Window, Windows

KEYS: Final = 4  # of one module
MOST: Final = 128  # of a process, the newest: each holds a file descriptor

Key: TypeAlias = "tuple[Windows, int, int, list[FuncType], list[int], Quota]"


@dataclass(eq=False)
class Birth:
    """How a store of one kind begins.  `registry`: what is known of it, but for its host functions."""

    key: Key
    image: Image
    modules: tuple[ModuleCode, ...]
    window: Window
    registry: Registry
    instance: InstanceAddr
    heap: int
    elements: int | None
    spares: Spares
    births: weakref.ref[Births]

    def give(self, machine: Machine) -> InstanceAddr:
        """Let an unborn machine of this kind begin like that.  Raises: `Limit` when the system refuses its cage."""
        unborn, registry, window, heap = machine.cage, machine.registry, machine.window, machine.heap
        try:
            space, lease = self.spares.take()
            cage = Cage.of(self.image, self.key[2], space)
            machine.registry_shared = True
            machine.registry = registry.born(self.registry)
            machine.modules, machine.window, machine.elements = self.modules, self.window, self.elements
            machine.heap = self.heap
            machine.cage = cage  # from here on it is born
            self.spares.lend(machine, cage.space, lease)
        except BaseException:
            if machine.cage is unborn:
                machine.registry, machine.modules, machine.window, machine.elements = registry, (), window, 0
                machine.heap = heap
            raise
        return self.instance

    def forget(self) -> None:
        """Let the next store of this kind be made by hand, and a birth of it."""
        births = self.births()
        if births is not None:
            births.forget(self)


_alive: dict[weakref.ref[Birth], None] = {}
"""All of the process, the oldest first; each takes itself out when its module goes."""


def _gone(birth: weakref.ref[Birth]) -> None:
    """Its module is gone."""
    _alive.pop(birth, None)


class Births:
    """The births of one module; they go with it."""

    def __init__(self) -> None:
        self._found: list[Birth] = []
        self._seen: list[Key] = []  # kinds of which there has been one

    def prepare(self, machine: Machine, code: ModuleCode, imports: Sequence[Addr]) -> InstanceAddr:
        """`instantiate.prepare`, by a birth where there is one for this kind of store.  Raises: as that."""
        key = _key(machine, imports)
        if key is None:
            return instantiate.prepare(machine, code, imports)
        for birth in self._found.copy():  # another thread may take some out
            if birth.key == key:
                return birth.give(machine)
        instance = instantiate.prepare(machine, code, imports)
        if key in self._seen:
            self._keep(key, machine, instance)
        elif len(self._seen) < KEYS:
            self._seen.append(key)
        return instance

    def _keep(self, key: Key, machine: Machine, instance: InstanceAddr) -> None:
        """Make a birth of a machine in which nothing has run yet; where the system has no room for it, there is none."""
        if any(birth.key == key for birth in self._found):
            return
        registry = machine.registry.copy()  # the machine may change its own
        registry.host_functions = []
        try:
            image = capture(machine.cage)
        except (OSError, Limit):
            return
        ranges = [(start, start + size) for start, size, _ in image.mappings] + list(image.behind)
        spares = Spares(ranges, sum(image.sizes))
        birth = Birth(
            key,
            image,
            machine.modules,
            machine.window,
            registry,
            instance,
            machine.heap,
            machine.elements,
            spares,
            weakref.ref(self),
        )
        _alive[weakref.ref(birth, _gone)] = None  # an exception may come between any two lines: none is kept that is not counted
        self._found.append(birth)
        while len(_alive) > MOST:
            with suppress(RuntimeError, StopIteration):  # another thread was here
                oldest = next(iter(_alive))
                if (former := oldest()) is not None:
                    former.forget()
                _alive.pop(oldest, None)

    def forget(self, birth: Birth) -> None:
        """Give up one of these; stores that began with it go on."""
        with suppress(ValueError):  # another thread was here
            self._found.remove(birth)


def _key(machine: Machine, imports: Sequence[Addr]) -> Key | None:
    """What the cage of a machine depends on, with its first instance in it; None: on more than can be said."""
    unborn: object = machine.cage
    if RAW or not isinstance(unborn, Unborn) or machine.tier.portable or machine.modules:
        return None
    places = []
    for item in imports:
        if not isinstance(item, FuncAddr):
            return None
        places.append(item.at)
    types = [function.type for function in machine.registry.host_functions]
    return machine.windows, machine.stack_limit, unborn.areas, types, places, machine.quota
