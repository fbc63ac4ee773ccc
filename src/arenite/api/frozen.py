"""A store at one moment as data: written to files, read from them, and linked to what it refers to.

frozen = FrozenStore.open("booted.arn", engine).link(linker).frozen()
"""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from arenite.api.engine import Engine
from arenite.api.hosts import WASI
from arenite.api.numbers import expect
from arenite.errors import SnapshotError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self

    from arenite.api.linker import Linker
    from arenite.api.module import Module
    from arenite.machine.frozen.freeze import FrozenMachine
    from arenite.machine.run.hosts import HostModuleConfig
    from arenite.snapshot import file as files
    from arenite.snapshot import saving
    from arenite.snapshot.describing import Dump
    from arenite.snapshot.travel import Load


@functools.cache
def default_engine() -> Engine:
    """The engine of snapshots that are opened without one."""
    return Engine()


class FrozenStore:
    """A store at one moment, in memory or in a file.  `Snapshot` is what users hold: it makes stores of it."""

    def __init__(
        self,
        engine: Engine,
        frozen: FrozenMachine | None,
        opened: files.Opened | None = None,
        epochs_left: int = 0,
        load: Load | None = None,
    ) -> None:
        self.engine = engine
        self.epochs_left = epochs_left
        self.quota = engine.quota
        self._frozen = frozen
        self._opened = opened
        self._saved: files.Saved | None = None
        self._load = load

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        engine: Engine | None = None,
        *,
        parent: FrozenStore | None = None,
        verify: bool = False,
        load: Load | None = None,
        key: bytes | None = None,
        trusted: bool = True,
    ) -> Self:
        """The snapshot in a file.  Its pages are mapped, not read, so this takes the same time whatever its size.

        `parent`: of a delta; by default the file of its parent in the same folder.  `verify`: read and check all pages now.
        `load`: makes the host's objects that the guest held of the bytes that `save(dump=)` made of them.
        `key`: the file, and that of its parent, must have been saved with this key and be what was saved; they are read whole and used
        from a private copy.  Without a key one that was saved with a key opens too, and nothing is known of who wrote it.
        `trusted=False`: the file is copied first, since whoever supplied it may still change or cut it; the copy takes memory
        (`max_snapshot_memory`) and a few seconds for 1 GiB.
        Raises: `TypeError`, `ValueError` for a key that is not 16 to 64 bytes; `SnapshotError` when the file is none that can be opened
        here; `Limit` when it asks for more than the engine allows (`max_snapshot_…`, and what any store may have), before that is taken.
        """
        from arenite.snapshot import opening  # noqa: PLC0415 (a process that only runs guests needs nothing of files)
        from arenite.snapshot.limits import FileLimits  # noqa: PLC0415 (as above)
        from arenite.snapshot.private import checked_key  # noqa: PLC0415 (as above)

        engine = default_engine() if engine is None else engine
        expect(engine, Engine)
        above = None if parent is None else parent.known()
        limits = FileLimits.of(engine.config)
        opened = opening.load(
            Path(path),
            above,
            limits=limits,
            verify=verify,
            portable=engine.tier.portable,
            key=checked_key(key),
            trusted=trusted,
        )
        return cls(engine, None, opened, load=load)

    @classmethod
    def loads(cls, data: bytes, engine: Engine | None = None, *, load: Load | None = None, key: bytes | None = None) -> Self:
        """The snapshot in bytes that `dumps` made.  `load`, `key`, errors: as of `open`."""
        from arenite.snapshot import opening  # noqa: PLC0415 (as above)
        from arenite.snapshot.limits import FileLimits  # noqa: PLC0415 (as above)
        from arenite.snapshot.private import checked_key  # noqa: PLC0415 (as above)

        engine = default_engine() if engine is None else engine
        expect(engine, Engine)
        limits = FileLimits.of(engine.config)
        opened = opening.loads(data, limits=limits, portable=engine.tier.portable, key=checked_key(key))
        return cls(engine, None, opened, load=load)

    def dumps(self, *, embed: bool = True, dump: Dump | None = None, key: bytes | None = None) -> bytes:
        """The packed form: compressed, each chunk of memory once.  Raises: as `save`."""
        from arenite.snapshot import saving  # noqa: PLC0415 (as above)

        return saving.dumps(self.frozen(), self._form(packed=True, embed=embed, dump=dump, key=key))

    def __reduce__(self) -> tuple[Callable[[bytes], Self], tuple[bytes]]:
        return type(self).loads, (self.dumps(),)

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        parent: FrozenStore | None = None,
        packed: bool = False,
        embed: bool = True,
        dump: Dump | None = None,
        progress: saving.ProgressCallback | None = None,
        key: bytes | None = None,
    ) -> None:
        """Write it to a file, which appears when it is complete; one of that name is replaced, not written to.

        By default the *image* form, which is mapped back at once.  `packed`: small, for shipping.  `parent`: only the pages that are not
        the parent's, which must have been saved or opened.  `embed`: the modules travel along; otherwise whoever opens the file
        must have them.  `dump`: makes bytes of the host's objects that the guest holds.  `progress`: called with (bytes done, in all).
        `key`: 16 to 64 bytes; whoever opens the file with the same key knows that it is what was saved.  It is put together in memory
        then.  A delta's parent must have been saved or opened with that key too.
        Raises: `SnapshotError` naming what cannot travel, or why the file cannot be written, `Limit` when an engine with these options
        would not open it; no file appears then.
        """
        from arenite.snapshot import saving  # noqa: PLC0415 (as above)

        if packed and parent is not None:
            raise SnapshotError("a delta is not packed: give packed or parent, not both")
        form = self._form(packed=packed, embed=embed, dump=dump, key=key)
        form = replace(form, parent=None if parent is None else parent.known(), progress=progress or saving.nothing)
        self._saved = saving.save(self.frozen(), Path(path), form)

    def _form(self, *, packed: bool, embed: bool, dump: Dump | None, key: bytes | None) -> saving.Form:
        """How to save, by the engine's options."""
        from arenite.snapshot import saving  # noqa: PLC0415 (as above)
        from arenite.snapshot.limits import FileLimits  # noqa: PLC0415 (as above)
        from arenite.snapshot.private import checked_key  # noqa: PLC0415 (as above)

        limits, portable = FileLimits.of(self.engine.config), self.engine.tier.portable
        return saving.Form(packed=packed, embed=embed, dump=dump, limits=limits, portable=portable, key=checked_key(key))

    def link(
        self,
        linker: Linker | None = None,
        *,
        wasi: HostModuleConfig | None = None,
        modules: Iterable[Module] = (),
        hosts: Mapping[str, HostModuleConfig] | None = None,
    ) -> Self:
        """Find what a snapshot out of a file refers to: its modules (those that travel along, the engine's, `modules`) and its imports.

        `linker`: host functions by name, and classes that are bound to tags (`Linker.bind_tag`); without one, functions of the host modules
        that come with arenite.  `wasi`: where it offers WASI, what forks go on with that are not given their own; `hosts`: the same of any
        host modules, by name, as `Store.set_host` takes them.
        Called by the first `fork` if it was not before.  A snapshot of this process has everything already.
        Raises: `LinkError` naming the first that is missing or of another type, `SnapshotError`.
        """
        if self._opened is not None:
            from arenite.api.resolver import EngineResolver  # noqa: PLC0415 (as above)
            from arenite.snapshot import opening  # noqa: PLC0415 (as above)

            if linker is None:
                from arenite.api.linker import Linker  # noqa: PLC0415 (as above)

                linker = Linker(self.engine)
                linker.define_hosts()
            known = {}
            for module in modules:
                module.check_features(self.engine.config.features)
                known[module.code.digest.hex()] = module.code
            configs = dict(hosts or {}) | ({} if wasi is None else {WASI: wasi})
            found = opening.bind(self._opened, EngineResolver(known, self.engine, linker, configs, self._load))
            for instance in found.registry.instances:
                linker.bind_tags(found.registry, instance.code.imports, instance.tags)
            self._frozen = found
        return self

    def frozen(self, hosts: Mapping[str, HostModuleConfig] | None = None) -> FrozenMachine:
        """The frozen machine."""
        if self._frozen is None:
            self.link(hosts=hosts)
        assert self._frozen is not None
        return self._frozen

    def known(self) -> files.Opened | files.Saved:
        """As the parent of a delta."""
        found = self._saved or self._opened
        if found is None:
            raise SnapshotError("the parent of a delta must have been saved before")
        return found
