"""WebAssembly to bytecode: validated instructions in, register code for every tier out, in one pass."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arenite.translate.module import Origins as Origins
    from arenite.translate.module import locate as locate
    from arenite.translate.module import structure as structure
    from arenite.translate.module import translate as translate
else:
    from arenite.lazy import lazily

    HOMES = {
        "Origins": "arenite.translate.module.Origins",
        "locate": "arenite.translate.module.locate",
        "structure": "arenite.translate.module.structure",
        "translate": "arenite.translate.module.translate",
    }
    __all__, __getattr__, __dir__ = lazily(__name__, HOMES)
