"""Lines per package and per file, so that growth is seen.

python tools/size.py            packages, and the longest files and functions
"""

from __future__ import annotations

import ast
from collections import Counter
from itertools import islice
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "arenite"
LONGEST = 5


def functions(path: Path) -> list[tuple[int, str]]:
    """Each function of a file: its lines, and where it stands."""
    tree = ast.parse(path.read_text("utf-8"))
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
        for node in found
    ]


def main() -> None:
    """Print the tables."""
    sizes = {path: len(path.read_text("utf-8").splitlines()) for path in SOURCE.rglob("*.py")}
    packages = Counter[str]()
    files = Counter[str]()
    for path, lines in sizes.items():
        package = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        packages[package] += lines
        files[package] += 1
    for package, lines in packages.most_common():
        print(f"{package:12} {lines:6} lines {files[package]:4} files")
    print(f"{'all':12} {packages.total():6} lines {files.total():4} files")
    print(
        f"\nfiles: median {median(sizes.values()):.0f} lines, nine in ten up to {quantiles(sizes.values(), n=10)[-1]:.0f}; longest:"
    )
    for path, lines in islice(sorted(sizes.items(), key=lambda item: -item[1]), LONGEST):
        print(f"{lines:6} {path.relative_to(ROOT)}")
    print("\nlongest functions:")
    for lines, where in sorted((found for path in sizes for found in functions(path)), reverse=True)[:LONGEST]:
        print(f"{lines:6} {where}")


if __name__ == "__main__":
    main()
