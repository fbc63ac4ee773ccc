"""`test = "verify"`: what the verifier says of a translation in which one op was changed.

;;! op = "i32.add"                     the first op of this name …
;;! change.dst = 4                     … gets other operands (labels as pcs)
;;! put = "unreachable"                … or becomes another op of its size, with `change` as operands
"""

from __future__ import annotations

from dataclasses import replace

from arenite.bytecode.encode import encode, ops
from arenite.bytecode.verify import verify_module
from arenite.errors import InternalError
from arenite.translate.module import translate


def show(wasm: bytes, options: dict[str, object]) -> str:
    module = translate(wasm)
    change = options.get("change", {})
    assert isinstance(change, dict)
    old = next(op for op in ops(module.bytecode, 0, len(module.bytecode)) if op.row.name == options["op"])
    name = str(options.get("put", options["op"]))
    targets = tuple(change.pop("targets", old.targets))
    values = {n: v for n, v in old.values.items() if n != "to" or not old.targets} if "put" not in options else {}
    new = encode(name, old.pc, targets, **(values | change))
    bytecode = module.bytecode[: old.pc] + new + module.bytecode[old.pc + len(new) :]
    try:
        verify_module(replace(module, bytecode=bytecode))
    except InternalError as error:
        return str(error)
    return "valid"
