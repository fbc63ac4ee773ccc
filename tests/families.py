"""Texts with parameters, filled in from lists of choices: what generated programs are made from.

    Filler({"code": ["$sign$NUMBER"], "sign": ["-", "+"], "NUMBER": ["1", "($NUMBER)"], "n": [0, 9]}, random.Random(1)).text("$code")

`$name` is one choice, the same wherever it stands in a text; `$NAME` is chosen anew at each place.  Choices hold further ones; where that goes too deep it is
the first of the choices, which has none.  A list of two numbers is a range.  Each choice of a `$name` comes up before one comes again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

PARAMETER: Final = re.compile(r"\$([A-Za-z]+)")
DEEPEST: Final = 4


class Filler:
    """Fills texts in.  `choices`: for each name."""

    def __init__(self, choices: Mapping[str, Sequence[str | int]], choose: random.Random) -> None:
        self.choices, self.choose = choices, choose
        self._left: dict[str, list[str | int]] = {}

    def text(self, text: str) -> str:
        """The text with its parameters filled in; a name that has no choices stays as it is."""
        return self._filled(text, {}, 0)

    def _filled(self, text: str, chosen: dict[str, str], depth: int) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name not in self.choices:
                return found[0]
            if name.isupper():
                return self._filled(self._anew(name, depth), chosen, depth + 1)
            if name not in chosen:
                chosen[name] = self._filled(str(self._next(name)), chosen, depth)
            return chosen[name]

        return PARAMETER.sub(value, text)

    def _anew(self, name: str, depth: int) -> str:
        return str(self.choices[name][0] if depth >= DEEPEST else self.choose.choice(self.choices[name]))

    def _next(self, name: str) -> str | int:
        choices = self.choices[name]
        low, high = choices[0], choices[-1]
        if isinstance(low, int) and isinstance(high, int):
            return self.choose.randint(low, high)
        left = self._left.setdefault(name, [])
        if not left:
            left += self.choose.sample(choices, len(choices))
        return left.pop()
