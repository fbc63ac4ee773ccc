"""A store's host modules: groups of host functions with a state of their own for each store, such as WASI.

Host functions are shared by all forks of a store, so they find their state here, by name, when they are called.  A fork begins with
the frozen state of its snapshot, from which each module is thawed when it is first asked for: an idle fork holds no descriptors.

A state is made of what JSON can say, of bytes, and of what travels in chunks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from arenite.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arenite.machine.run.chunks import Chunked

HostState: TypeAlias = "dict[str, HostState] | list[HostState] | str | bytes | int | float | bool | Chunked | None"


class HostModuleConfig(Protocol):
    """Options from which a store's host module is made.  One that takes part in snapshots has two methods more:

    - its module's `freeze() -> HostState`: what it holds for the guest, as data.  Raises: `SnapshotError` naming what cannot travel;
    - the options' `thaw(state, *, reseed)`: the module, in a frozen state; what the state only names (streams, directories) is what these
      options say.  `reseed`: random numbers and clocks are fresh; otherwise they go on as the frozen ones would have.
      Raises: `SnapshotError` naming what is no longer there.

    A module may have `hand_over() -> HostState` beside `freeze`: what it holds, for one with other options that takes its place here and now.
    """

    def open(self) -> object:
        """The module, in its first state."""


class Hosts:
    """Host modules by name."""

    def __init__(
        self,
        configs: Mapping[str, HostModuleConfig] | None = None,
        frozen: Mapping[str, HostState] | None = None,
        *,
        reseed: bool = True,
    ) -> None:
        self._configs: Mapping[str, HostModuleConfig] = configs or {}
        self._modules: dict[str, object] = {}
        self._frozen = frozen or {}
        self.reseed = reseed

    def set(self, name: str, config: HostModuleConfig) -> None:
        """Make a module in its first state."""
        module = config.open()
        self._close(name)
        self._configs = {**self._configs, name: config}
        self._modules[name] = module

    def rebind(self, name: str, config: HostModuleConfig) -> None:
        """Let a module's state go on with other options; one that has gone on already is not reseeded, one that there was none of begins.

        Raises: `SnapshotError`.
        """
        if name not in self._modules and name not in self._frozen:
            self.set(name, config)
            return
        hand_over = getattr(self._modules.get(name), "hand_over", None)
        state: HostState = self.freeze_one(name) if hand_over is None else hand_over()
        module = _thaw(name, config, state, reseed=self.reseed and name not in self._modules)
        self._close(name)
        self._configs = {**self._configs, name: config}
        self._modules[name] = module

    def get(self, name: str) -> object | None:
        """The module of that name; None when there is none.  Raises: `SnapshotError` when it cannot be thawed."""
        found = self._modules.get(name)
        if found is None and name in self._frozen:
            config = self._configs.get(name)
            if config is None:
                raise SnapshotError(f"the host module {name!r} has a frozen state, but nothing says what it goes on with")
            found = self._modules[name] = _thaw(name, config, self._frozen[name], reseed=self.reseed)
        return found

    def freeze(self) -> dict[str, HostState]:
        """The state of every module.  Raises: `SnapshotError`."""
        return {name: self.freeze_one(name) for name in sorted({*self._modules, *self._frozen})}

    def freeze_one(self, name: str) -> HostState:
        """The state of one module.  Raises: `SnapshotError`."""
        module = self._modules.get(name)
        if module is None:
            return self._frozen[name]
        freeze = getattr(module, "freeze", None)
        if freeze is None:
            raise SnapshotError(f"the host module {name!r} does not take part in snapshots: it has no method freeze")
        state: HostState = freeze()
        return state

    def fork(self, frozen: Mapping[str, HostState], *, reseed: bool) -> Hosts:
        """The modules of a fork: these options, the frozen states."""
        return Hosts(self._configs, frozen, reseed=reseed)

    def close(self) -> None:
        """Let every module give back what it holds."""
        for name in list(self._modules):
            self._close(name)

    def _close(self, name: str) -> None:
        close = getattr(self._modules.pop(name, None), "close", None)
        if close is not None:
            close()


def _thaw(name: str, config: HostModuleConfig, state: HostState, *, reseed: bool) -> object:
    """A module from a frozen state."""
    thaw = getattr(config, "thaw", None)
    if thaw is None:
        raise SnapshotError(f"the host module {name!r} does not take part in snapshots: its options have no method thaw")
    module: object = thaw(state, reseed=reseed)
    return module
