"""What was made in a store, as Python knows it beside the arena.

A machine, its snapshots and its forks share one registry until one of them makes something: whoever is about to takes a copy
(`Machine.registry_to_change`).  So a fork costs the same however much there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arenite.layout.types import EXNREF, EXTERNREF
from arenite.machine.records.exceptions import Exceptions
from arenite.machine.records.references import References

if TYPE_CHECKING:
    from arenite.layout.types import FuncType
    from arenite.machine.records.objects import GlobalAddr, HostFunction, InstanceAddr, TableAddr, TagAddr
    from arenite.machine.records.python_exceptions import Binding


class Registry:
    """Instances, host functions and the host's objects, by number and by place.

    `thunks`: types of host functions in the order in which they came -> handle.   `instances`, `by_record`: all, and by their records.
    `tables`, `tags`: all, by their records.   `exceptions`: those that guests keep.   `bindings`: classes of Python's exceptions that guests may catch.
    `host_functions`, `host_names`: each function, and the import that it first served.   `host_function_at`: where a
    reference lies -> which function.   `externs`: globals that hold objects of the host's or exceptions; `references`: those objects.
    """

    __slots__ = (
        "bindings",
        "by_record",
        "exceptions",
        "externs",
        "host_function_at",
        "host_functions",
        "host_names",
        "instances",
        "references",
        "tables",
        "tags",
        "thunks",
    )

    def __init__(self) -> None:
        self.thunks: dict[FuncType, int] = {}
        self.instances: list[InstanceAddr] = []
        self.tables: dict[int, TableAddr] = {}
        self.tags: dict[int, TagAddr] = {}
        self.by_record: dict[int, InstanceAddr] = {}
        self.host_functions: list[HostFunction] = []
        self.host_names: list[tuple[str, str] | None] = []
        self.host_function_at: dict[int, int] = {}
        self.externs: dict[int, GlobalAddr] = {}
        self.references = References()
        self.exceptions = Exceptions()
        self.bindings: dict[type[BaseException], Binding] = {}

    def copy(self) -> Registry:
        """Another registry with these entries, to be changed apart from this one."""
        new = Registry()
        if self is NOTHING:  # of every store that is new
            return new
        for name in self.__slots__:
            setattr(new, name, getattr(self, name).copy())
        return new

    def born(self, first: Registry) -> Registry:
        """This one, in which there are host functions alone, with what is known of a first instance beside them, which it shares."""
        new = Registry.__new__(Registry)
        new.thunks, new.host_functions, new.host_function_at = self.thunks, self.host_functions, self.host_function_at
        new.references, new.exceptions, new.bindings = self.references, self.exceptions, self.bindings
        new.host_names, new.instances = first.host_names, first.instances
        new.by_record, new.tables, new.externs, new.tags = first.by_record, first.tables, first.externs, first.tags
        return new

    def add_instance(self, instance: InstanceAddr) -> None:
        """Note an instance."""
        for table in instance.tables:
            self.tables[table.at] = table
        for one in instance.globals:
            self.add_global(one)
        # from here on nothing is called, so an exception of a signal's handler cannot part them
        self.by_record[instance.at] = instance
        self.instances += [instance]

    def add_global(self, one: GlobalAddr) -> None:
        """Note a global, if what it holds is an object of the host's or an exception."""
        if one.type.content in (EXTERNREF, EXNREF):
            self.externs[one.at] = one

    def add_function(self, function: HostFunction, at: int, name: tuple[str, str] | None = None) -> int:
        """Note a host function whose reference lies at `at`; its number."""
        index = len(self.host_functions)
        self.host_functions += [function]  # as above
        self.host_names += [name]
        self.host_function_at[at] = index
        return index


NOTHING: Final = Registry()
"""What new stores share until something is made in them."""
