"""Prints how much code the product is: `make figures`, or with the folder of another tree.

Code is what is neither blank nor a comment nor a docstring.
"""

from __future__ import annotations

import ast
import io
import statistics
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from places import ROOT

__all__ = ["code_lines", "figures", "function_lengths"]

SHORT = 60  # code lines; a module under it tells why it stands alone
_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(source: str) -> set[int]:
    """The numbers of the lines that are code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _LAYOUT and token.string:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            lines.difference_update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return lines


def function_lengths(source: str) -> list[int]:
    """The code lines of each function, with its head and without its decorators."""
    lines = code_lines(source)
    return [
        sum(node.lineno <= line <= (node.end_lineno or 0) for line in lines)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def figures(package: Path) -> Iterator[str]:
    """The figures of a package, line by line."""
    sources = {
        path.relative_to(package).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(package.rglob("*.py"))
    }
    modules = {name: len(code_lines(source)) for name, source in sources.items()}
    modules = {name: lines for name, lines in modules.items() if lines}
    functions = sorted(length for source in sources.values() for length in function_lengths(source))
    total = sum(modules.values())
    yield f"{total:,} code lines in {len(modules)} modules, {_page_lines(package):,} lines for pages"
    yield (
        f"{len(functions):,} functions: median {statistics.median(functions):g}, "
        f"p90 {functions[int(0.9 * len(functions))]}, longest {functions[-1]}"
    )
    short = sorted((lines, name) for name, lines in modules.items() if lines < SHORT)
    yield f"longest module: {max(modules.values())}; under {SHORT} lines: {len(short)}"
    yield from (f"{lines:>4} {name}" for lines, name in short)


def _page_lines(package: Path) -> int:
    """The lines of scripts and style sheets, comments too, that are not blank."""
    texts = [path.read_text(encoding="utf-8") for kind in ("*.js", "*.css") for path in package.rglob(kind)]
    return sum(bool(line.strip()) for text in texts for line in text.splitlines())


if __name__ == "__main__":
    print(*figures(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "claude_magic"), sep="\n")
