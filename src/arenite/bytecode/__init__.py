"""The one portable register bytecode: the table of ops with their meanings, its encoding, its text form, its verifier."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arenite.bytecode.ops import ROWS as ROWS
    from arenite.bytecode.ops import TABLE as TABLE
else:
    from arenite.lazy import lazily

    HOMES = {"ROWS": "arenite.bytecode.ops.ROWS", "TABLE": "arenite.bytecode.ops.TABLE"}
    __all__, __getattr__, __dir__ = lazily(__name__, HOMES)
