"""Scripts of the official test suite (`.wast`), played on an engine: what is behind `arenite wast`.

`convert` has wasm-tools turn a script into json and binary modules; `ScriptRunner` plays the commands and judges each.

    for result in ScriptRunner(engine, convert(Path("i32.wast"), folder)).run():
        print(f"{result.file}:{result.line}: {result.command}: {result.verdict.value} {result.message}")

`ScriptEngine` is the seam: the runner knows nothing else of the engine that plays, so another one can play the same script.
An engine that reads binaries cannot judge a module that stands in a script as text: such a command gets the verdict TEXT.
A command that needs an instance which could not be made is SKIPPED: the failure is its module's.

A value crosses to an engine as *bits*: an unsigned int for a number or a vector, None for a null reference, any other
object for a reference (a host's is the n of `ref.extern n`, a function's is the engine's own).  So every comparison is
bit for bit, and a NaN keeps its payload.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypedDict, TypeVar

from arenite.api.text import wasm_tools
from arenite.errors import AreniteError, DecodeError, InternalError, LinkError, Trap, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LANES = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "f32": 32, "f64": 64}
MANTISSA = {"f32": 23, "f64": 52}
NULLS = frozenset({"refnull", "nullref", "nullfuncref", "nullexternref", "nullexnref"})


class ScriptValue(TypedDict, total=False):
    """An argument, or the pattern of a result, as it stands in the json."""

    type: str
    value: str | list[str] | dict[str, int]
    lane_type: str
    values: list[ScriptValue]


def bits(value: ScriptValue) -> object:
    """What is handed to the engine for an argument."""
    match value["type"], value.get("value"):
        case "v128", list(lanes):
            width = LANES[value["lane_type"]]
            return sum((int(lane) % (1 << width)) << i * width for i, lane in enumerate(lanes))
        case ("i32" | "i64" | "f32" | "f64") as type_, str(number):
            return int(number) % (1 << LANES[type_])
        case _, "null":
            return None
        case "externref" | "anyref", str(number):
            return int(number)
    raise ValueError(f"no argument: {value}")


def matches(expected: ScriptValue, actual: object) -> bool:
    """Whether a result is as expected; a pattern may allow several.

    Spec: the interpreter's README, "Scripts" (result patterns).
    """
    type_, value = expected["type"], expected.get("value")
    if type_ == "either":
        return any(matches(choice, actual) for choice in expected["values"])
    if isinstance(value, list):
        lane_type = expected["lane_type"]
        width = LANES[lane_type]
        return isinstance(actual, int) and all(
            lane_matches(lane_type, lane, actual >> i * width & (1 << width) - 1) for i, lane in enumerate(value)
        )
    if type_ in LANES and isinstance(value, str):
        return isinstance(actual, int) and lane_matches(type_, value, actual)
    if value == "null" or type_ in NULLS:
        return actual is None
    if value is None or isinstance(value, dict):  # any reference of that type; an engine's do not tell the index in their module
        return actual is not None
    return actual == int(value)


def lane_matches(type_: str, pattern: str, actual: int) -> bool:
    """Whether a number's bits are as expected.  Spec: syntax-nan (canonical and arithmetic NaNs)."""
    if not pattern.startswith("nan:"):
        return actual == int(pattern) % (1 << LANES[type_])
    mantissa = MANTISSA[type_]
    quiet = 1 << mantissa - 1
    exponent = (1 << LANES[type_] - 1) - (1 << mantissa)
    magnitude = actual & (1 << LANES[type_] - 1) - 1
    if pattern == "nan:canonical":
        return magnitude == exponent | quiet
    return magnitude & (exponent | quiet) == exponent | quiet


M = TypeVar("M")
I = TypeVar("I")  # noqa: E741 - instances, beside M for modules


class Action(TypedDict, total=False):
    """A call of an exported function, or the reading of an exported global."""

    type: str
    module: str
    field: str
    args: list[ScriptValue]


Command = TypedDict(
    "Command",
    {
        "type": str,
        "line": int,
        "name": str,
        "as": str,
        "filename": str,
        "binary_filename": str,
        "module_type": str,
        "module": str,
        "instance": str,
        "text": str,
        "action": Action,
        "expected": list[ScriptValue],
    },
    total=False,
)


class Verdict(Enum):
    """What became of a command."""

    PASSED = "passed"
    FAILED = "failed"
    CRASHED = "crashed"  # the engine raised what it never must: a bug, whatever the script says
    SKIPPED = "skipped"  # needs an instance that could not be made
    TEXT = "text"  # about a module's text: not for an engine that reads binaries


@dataclass(frozen=True)
class Result:
    """A command of a script, judged."""

    file: Path
    line: int
    command: str
    verdict: Verdict
    message: str = ""


class Failed(Exception):  # noqa: N818 - an outcome, not an error
    """The engine did not do what the script says."""


class Skipped(Exception):  # noqa: N818
    """The command needs an instance that does not exist."""


class TextOnly(Exception):  # noqa: N818
    """The command is about a module's text."""


REFUSED = {  # assertion: the errors with which an engine may refuse the module; one pass over a body may see either kind first
    "assert_invalid": (ValidationError, DecodeError),
    "assert_malformed": (ValidationError, DecodeError),
    "assert_unlinkable": (LinkError,),
    "assert_uninstantiable": (Trap,),
}
UNCAUGHT = "uncaught exception"  # the message of a trap by an exception that nobody catches

SYNONYMS: dict[str, tuple[str, ...]] = {
    f"type mismatch: {wanted} but stack has [{found}]": ("type mismatch",)
    for wanted in ("instruction requires [i32]", "block requires []")
    for found in ("", "i32", "i64")
}
"""Words of the suite, and other words that say the same of the same bytes."""


def says(expected: str, actual: str) -> bool:
    """Whether a message is the one that a script expects: one begins with the other.

    The engine may say more ("unknown import: m.f"), and so does the suite at times ("uninitialized element 2").
    """
    accepted = (expected, *SYNONYMS.get(expected, ()))
    return actual != "" and any(actual.startswith(words) or words.startswith(actual) for words in accepted)


class ScriptEngine(Protocol[M, I]):
    """An engine with one store.  Values are bits; errors are those of `arenite.errors`."""

    name: str
    speaks_spec: bool
    """Whether its messages use the suite's words; else only the kind of an error is compared."""

    def compile(self, wasm: bytes) -> M:
        """Decode and validate.  Raises: DecodeError, ValidationError, Limit."""

    def instantiate(self, module: M) -> I:
        """Instantiate with what is registered.  Raises: LinkError, Trap, Limit."""

    def register(self, name: str, instance: I) -> None:
        """Offer the exports of `instance` to modules that come, as module `name`; a later one shadows an earlier one."""

    def invoke(self, instance: I, field: str, args: Sequence[object]) -> list[object]:
        """Call an exported function.  Raises: Trap."""

    def get(self, instance: I, field: str) -> object:
        """The value of an exported global."""


class ScriptRunner(Generic[M, I]):
    """Plays one converted script on one engine."""

    def __init__(self, engine: ScriptEngine[M, I], script: Path) -> None:
        self.engine = engine
        self.folder = script.parent
        source = json.loads(script.read_text("utf-8"))
        self.file = Path(source["source_filename"])
        self.commands: list[Command] = source["commands"]
        self.modules: dict[str, M] = {}
        self.instances: dict[str, I | None] = {}  # "" is the current one; None: it could not be made

        self.plays: dict[str, Callable[[Command], None]] = {
            "module": self._module,
            "module_definition": self._module_definition,
            "module_instance": self._module_instance,
            "register": self._register,
            "action": self._action,
            "assert_return": self._assert_return,
            "assert_trap": self._assert_trap,
            "assert_exhaustion": self._assert_trap,
            "assert_exception": self._assert_trap,
            **dict.fromkeys(REFUSED, self._assert_refused),
            "assert_invalid_custom": self._assert_custom,
            "assert_malformed_custom": self._assert_custom,
        }

    def run(self) -> Iterator[Result]:
        """Each command's result, in order."""
        for command in self.commands:
            yield Result(self.file, command["line"], command["type"], *self._judge(command))

    def _judge(self, command: Command) -> tuple[Verdict, str]:
        play = self.plays.get(command["type"])
        if play is None:
            return Verdict.FAILED, "a command that this runner does not know"
        try:
            play(command)
        except Failed as failure:
            return Verdict.FAILED, str(failure)
        except Skipped as reason:
            return Verdict.SKIPPED, str(reason)
        except TextOnly:
            return Verdict.TEXT, ""
        except Exception as error:  # noqa: BLE001 - the script goes on after a crash
            expected = isinstance(error, AreniteError) and not isinstance(error, InternalError)
            return Verdict.FAILED if expected else Verdict.CRASHED, f"{type(error).__name__}: {error}"
        return Verdict.PASSED, ""

    # modules and instances

    def _module(self, command: Command) -> None:
        name = command.get("name", "")
        self.instances[""] = self.instances[name] = None
        self.instances[""] = self.instances[name] = self.engine.instantiate(self._compiled(command))

    def _module_definition(self, command: Command) -> None:
        self.modules.pop(command.get("name", ""), None)
        self.modules[command.get("name", "")] = self._compiled(command)

    def _module_instance(self, command: Command) -> None:
        definition, name = command.get("module", ""), command.get("instance", "")
        self.instances[""] = self.instances[name] = None
        if definition not in self.modules:
            raise Skipped(f"no module {definition}")
        self.instances[""] = self.instances[name] = self.engine.instantiate(self.modules[definition])

    def _register(self, command: Command) -> None:
        self.engine.register(command["as"], self._instance(command.get("name", "")))

    def _compiled(self, command: Command) -> M:
        filename = command.get("binary_filename") or command["filename"]
        if filename.endswith(".wat"):
            raise TextOnly
        return self.engine.compile((self.folder / filename).read_bytes())

    def _instance(self, name: str) -> I:
        instance = self.instances.get(name)
        if instance is None:
            raise Skipped(f"no instance {name}".rstrip())
        return instance

    # actions

    def _action(self, command: Command) -> None:
        self._perform(command["action"])

    def _perform(self, action: Action) -> list[object]:
        instance = self._instance(action.get("module", ""))
        if action["type"] == "get":
            return [self.engine.get(instance, action["field"])]
        return self.engine.invoke(instance, action["field"], [bits(value) for value in action["args"]])

    def _assert_return(self, command: Command) -> None:
        actual, expected = self._perform(command["action"]), command["expected"]
        if len(actual) != len(expected) or not all(map(matches, expected, actual)):
            raise Failed(f"expected {json.dumps(expected)}, got {[show(value) for value in actual]}")

    def _assert_trap(self, command: Command) -> None:
        expected = command.get("text", UNCAUGHT)
        try:
            actual = self._perform(command["action"])
        except Trap as trap:
            self._compare(expected, trap)
        else:
            raise Failed(f"expected trap {expected!r}, got {[show(value) for value in actual]}")

    # refusals

    def _assert_refused(self, command: Command) -> None:
        """The module must be refused, in the stage that the assertion names."""
        kind, expected = command["type"], command["text"]
        try:
            module = self._compiled(command)
            if kind in {"assert_unlinkable", "assert_uninstantiable"}:
                self.engine.instantiate(module)
        except REFUSED[kind] as error:
            self._compare(expected, error)
        else:
            raise Failed(f"expected {expected!r}, and the module was accepted")

    def _assert_custom(self, command: Command) -> None:
        """An engine may read custom sections or not; if it refuses the module, then for the reason given."""
        try:
            self._compiled(command)
        except (ValidationError, DecodeError) as error:
            self._compare(command["text"], error)

    def _compare(self, expected: str, error: Exception) -> None:
        actual = getattr(error, "message", str(error))
        if self.engine.speaks_spec and not says(expected, actual):
            raise Failed(f"expected {expected!r}, got {type(error).__name__} {actual!r}")


def show(value: object) -> str:
    """A result, for a message."""
    return hex(value) if isinstance(value, int) else repr(value)


def convert(wast: Path, folder: Path) -> Path:
    """Convert a script; the path of its json, with the modules beside it in `folder`."""
    script = folder / f"{wast.stem}.json"
    wasm_tools("json-from-wast", wast, "--wasm-dir", folder, "-o", script)
    return script
