"""Types: of values, functions, and what modules import and export; and which match which.

    values      value types, which are ints
    functions   function types
    externs     types of tables, memories, globals, tags; limits; imports and exports
    matching    which type may stand where another is wanted

Example:  FuncType((I32, I32), (I64,))
"""

from arenite.layout.types.externs import (
    ALL_PAGE_BITS,
    MAX_PAGES,
    MAX_TABLE,
    PAGE_BITS,
    PAGE_SIZE,
    ExportType,
    ExternType,
    GlobalType,
    ImportType,
    Limits,
    MemoryType,
    TableType,
    TagType,
)
from arenite.layout.types.functions import FuncType
from arenite.layout.types.matching import match, match_all, match_extern, match_func, match_limits
from arenite.layout.types.values import (
    BOTTOM,
    EXNREF,
    EXTERNREF,
    F32,
    F64,
    FUNCREF,
    I32,
    I64,
    MAX_U32,
    MAX_U64,
    NAMES,
    NUMERIC,
    REFERENCES,
    UPPER,
    V128,
    VECTORS,
    slots,
    type_name,
)

__all__ = [
    "ALL_PAGE_BITS",
    "BOTTOM",
    "EXNREF",
    "EXTERNREF",
    "F32",
    "F64",
    "FUNCREF",
    "I32",
    "I64",
    "MAX_PAGES",
    "MAX_TABLE",
    "MAX_U32",
    "MAX_U64",
    "NAMES",
    "NUMERIC",
    "PAGE_BITS",
    "PAGE_SIZE",
    "REFERENCES",
    "UPPER",
    "V128",
    "VECTORS",
    "ExportType",
    "ExternType",
    "FuncType",
    "GlobalType",
    "ImportType",
    "Limits",
    "MemoryType",
    "TableType",
    "TagType",
    "match",
    "match_all",
    "match_extern",
    "match_func",
    "match_limits",
    "slots",
    "type_name",
]
