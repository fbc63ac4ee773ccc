"""A snapshot file as it is known once it has been saved (`saving`) or opened (`opening`).

Example:  parent: Opened | Saved = opening.load(Path("s.arn"))
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from arenite.light import dataclass
from arenite.machine.space.image import ARENA
from arenite.snapshot import pages as paging
from arenite.snapshot.layout import layout_digest
from arenite.snapshot.older import converted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from arenite.machine.space.image import Image
    from arenite.snapshot.checked import Fields
    from arenite.snapshot.contents import Chunks
    from arenite.snapshot.limits import FileLimits
    from arenite.snapshot.private import Seal
    from arenite.snapshot.travel import Sizes

LONGEST_CHAIN: Final = 100  # deltas of deltas


@dataclass(frozen=True)
class Embedded:
    """A module of a snapshot.  `wasm`, `bytecode`: as they travel along, compressed; None where they do not.  `size`: of the file."""

    digest: str
    name: str
    bytecode_digest: str
    wasm: Callable[[], bytes] | None
    bytecode: Callable[[], bytes] | None
    size: int = 0


@dataclass(frozen=True)
class Saved:
    """A frozen machine that has been saved: what a delta needs of its parent.

    `image`, `chunks`: what is in the file, and with its parents; `held`, `line`, `seal`: as of `Opened`.
    """

    id: str
    path: Path
    image: Image
    modules: tuple[Embedded, ...]
    line: tuple[Path | None, ...]
    held: int
    seal: Seal | None
    chunks: Chunks

    def in_layout(self, layout: str) -> Image | None:
        """The image as a delta of it wants it; None for a layout that is not the present one."""
        return self.image if layout == layout_digest() else None


@dataclass(frozen=True)
class Opened:
    """A snapshot file whose manifest has been read; its pages lie in the file still.

    `layout`, `stored`: of the file's records, and its pages in it.  `delta`: in a delta, by region, the numbers of the pages that it has
    instead of its parent's.
    `line`: where it lies, and, of a delta, where its parent lies, and so on; None for one that came as bytes.
    `held`: bytes that its pages take where they are not mapped, with those of its parents.  `seal`: where a key was given.
    `chunks`: what host modules hold, with those of its parents.
    """

    kind: str
    id: str
    path: Path | None
    name: str
    manifest: Fields
    sizes: Sizes
    layout: str
    stored: Image
    delta: tuple[Sequence[int], ...]
    modules: tuple[Embedded, ...]
    line: tuple[Path | None, ...]
    held: int
    limits: FileLimits
    seal: Seal | None
    chunks: Chunks

    @functools.cached_property
    def image(self) -> Image:
        """Its pages in the present layout.  Raises: `Limit`."""
        found = self.in_layout(layout_digest())
        assert found is not None, "the steps lead to the present layout"
        return found

    def in_layout(self, layout: str) -> Image | None:
        """The image as a delta that was written in a layout wants it; None for one that is older than the file's own, or unknown."""
        return converted(self.stored, self.sizes, self.manifest, self.layout, layout, self.allow)

    def allow(self, size: int) -> None:
        """Whether so many bytes may be taken beside those that are held.  Raises: `Limit`."""
        self.limits.check_pages(self.name, self.held + size)


def module_key(module: Embedded) -> tuple[str, str]:
    """What tells modules apart."""
    return module.digest, module.bytecode_digest


def context_sum(image: Image) -> str:
    """The checksum of the store context, the head of the arena, which is looked at whenever a snapshot is opened."""
    return paging.digest(image.page(ARENA, 0)).hex()
