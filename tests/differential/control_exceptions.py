"""What `control` makes of exceptions, in the standard's form or in the older one.

    tags = some_tags(rng, vectors=True)      actions(body)      close(body)

Tags carry up to many values; what is thrown in a function may be caught by those that call it, through calls of every kind; catches name labels
anywhere around; exceptions are kept in locals and thrown again, by `throw_ref` or `rethrow`; `delegate` leads to any block around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from differential import control
from differential.binary import u, vec

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from differential.control import Body, Types

STANDARD, OLDER = "standard", "older"
TRY, CATCH, THROW, RETHROW, THROW_REF, DELEGATE, CATCH_ALL, TRY_TABLE = 0x06, 0x07, 0x08, 0x09, 0x0A, 0x18, 0x19, 0x1F
CARRIED: Final[tuple[Types, ...]] = ((), ("i32",), ("i32",), ("i64", "f32"), ("f64", "funcref", "i32"))  # besides what is random


def some_tags(rng: random.Random, *, vectors: bool) -> list[Types]:
    """What the tags of a module carry."""
    return [
        rng.choice(CARRIED) if rng.random() < 0.7 else control.some_types(rng, vectors=vectors) for _ in range(rng.randint(1, 4))
    ]


def actions(body: Body) -> list[tuple[int, Callable[[], None]]]:
    """What the form of the module allows, with weights."""
    if body.plan.exceptions == STANDARD:
        return [(3, lambda: throw(body)), (6, lambda: try_table(body)), (1, lambda: throw_ref(body))]
    return [(3, lambda: throw(body)), (8, lambda: enter(body, TRY, *block_types(body))), (2, lambda: rethrow(body))]


def throw(body: Body) -> None:
    """Seldom outside of blocks: nothing would come after it."""
    if len(body.frames) == 1 and body.rng.random() < 0.8:
        return
    tag = body.rng.randrange(len(body.plan.tags))
    carried = body.plan.tags[tag]
    body.need(carried)
    body.op(carried, (), THROW, *u(tag))
    body.dead()


def throw_ref(body: Body) -> None:
    """Throw again, or trap."""
    if "exnref" in body.stack[body.frames[-1].height :] or body.rng.random() < 0.3:
        body.need(("exnref",))
        body.op(("exnref",), (), THROW_REF)
        body.dead()


def rethrow(body: Body) -> None:
    """What any catch around has caught."""
    found = [depth for depth in range(len(body.frames)) if body.frames[-1 - depth].kind in {CATCH, CATCH_ALL}]
    if found:
        body.emit(RETHROW, *u(body.rng.choice(found)))
        body.dead()


def enter(body: Body, kind: int, params: Types, results: Types, *immediates: int) -> None:
    """Open a block of known types."""
    body.need(params)
    body.emit(kind, *u(body.plan.type(params, results)), *immediates)
    body.frames.append(control.Frame(kind, params, results, len(body.stack) - len(params)))


def block_types(body: Body) -> tuple[Types, Types]:
    """Types for a block that catches: some of what is on the stack, and what may be wanted behind it."""
    rng = body.rng
    count = min(len(body.stack) - body.frames[-1].height, rng.choice((0, 0, 0, 1, 2, 5)))
    params = tuple(body.stack[len(body.stack) - count :])
    return params, control.some_types(rng, vectors=body.plan.vectors) if rng.random() < 0.6 else body.signature.results


def try_table(body: Body) -> None:
    """Blocks that handlers lead to, and inside of them one that catches, by those labels or by any others that fit."""
    rng, tags = body.rng, body.plan.tags
    wanted = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        tag = rng.randrange(len(tags)) if rng.random() < 0.75 else -1
        reference = rng.random() < 0.3
        pushed = (*(tags[tag] if tag >= 0 else ()), *(("exnref",) if reference else ()))
        enter(body, control.BLOCK, (), pushed)
        wanted.append((tag, reference, pushed))
    params, results = block_types(body)
    body.need(params)
    catches = []
    for tag, reference, pushed in rng.sample(wanted, len(wanted)):
        fitting = [depth for depth in range(len(body.frames)) if body.frames[-1 - depth].label == pushed]
        kind = (0 if tag >= 0 else 2) + reference
        catches.append(bytes([kind]) + (u(tag) if tag >= 0 else b"") + u(rng.choice(fitting)))
    enter(body, TRY_TABLE, params, results, *vec(catches))


def close(body: Body) -> bool:
    """Go on with a catch instead of ending the innermost block, or end it with `delegate`; whether that was done."""
    rng = body.rng
    frame = body.frames[-1]
    if frame.kind not in {TRY, CATCH} or rng.random() < (0.4 if frame.kind == CATCH else 0.05):
        return False
    body.yields()
    del body.stack[frame.height :]
    if frame.kind == TRY and rng.random() < 0.15:
        body.frames.pop()
        body.emit(DELEGATE, *u(rng.randrange(len(body.frames))))
        body.stack += frame.results
        return True
    frame.dead = False
    if rng.random() < 0.3:
        frame.kind = CATCH_ALL
        body.emit(CATCH_ALL)
    else:
        frame.kind = CATCH
        tag = rng.randrange(len(body.plan.tags))
        body.emit(CATCH, *u(tag))
        body.stack += body.plan.tags[tag]
    return True
