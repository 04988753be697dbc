"""Top-level calls of waiting magics become awaits, and those in functions name the variables of their lines.

The promise: pure, text in and text out; line numbers stay, and so does every byte that is not part of such
a call. What cannot be parsed, and what stands where `await` is no syntax, comes back as it went in.
Imports nothing from the package and nothing of IPython.
"""

from __future__ import annotations

import ast
import keyword
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator

__all__ = ["AWAITED", "BARE", "capture_names", "rewrite", "without_comments_above"]

AWAITED = "_await_"
"""Put before a magic's name: the variant whose coroutine is awaited and gives the value."""
BARE = "_await_bare_"
"""Put before a magic's name: the variant of a statement that is nothing but the magic; it has no value."""

_RUNNERS = ("run_line_magic", "run_cell_magic")
# In these, `await` is no syntax, or belongs to somebody else's coroutine; and a Python before 3.12
# gives wrong positions inside an f-string.
_ELSEWHERE = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.ClassDef,
    ast.GeneratorExp,
    ast.JoinedStr,
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_FIELD = re.compile(r"\{([^\W\d]\w*)\}")
# The tokenizer's line ends. A form feed is none, though `str.splitlines` takes it for one.
_LINE_END = re.compile(r"\r\n?|\n")

_ABOVE = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n)+(?=%%(?P<name>\w+))")

_Position = Callable[[int | None, int | None], int]
_Edit = tuple[int, int, str]


def rewrite(source: str, names: Collection[str]) -> str:
    """Turns top-level `get_ipython().run_line_magic(NAME, …)` and `run_cell_magic` into awaits.

    Args:
        source: A cell as IPython has transformed it.
        names: The magics that wait.

    Returns:
        The cell with `(await get_ipython().run_line_magic('_await_NAME', …))`, or with `_await_bare_NAME`
        where the call is a whole statement; `source` itself if there is nothing to do.
    """
    if not any(name in source for name in names):
        return source
    tree = _parse(source)
    if tree is None:
        return source
    position = _positions(source)
    return _apply(
        source, (edit for call, bare in _calls(tree, names) for edit in _edits(call, position, bare=bare))
    )


def capture_names(source: str, names: Collection[str]) -> str:
    """Has functions see the variables that the lines of their magics name in braces.

    A function's frame has of the functions around it only what its code names, and a line is a string. So the
    call becomes `((lambda: (x,)) and get_ipython()).run_line_magic(…)`: code that names `x` and never runs.

    Args:
        source: A cell as IPython has transformed it.
        names: The magics in whose lines `{x}` stands for a variable.
    """
    if "{" not in source or not any(name in source for name in names):
        return source
    tree = _parse(source)
    if tree is None:
        return source
    position = _positions(source)
    return _apply(source, (edit for call in _inner_calls(tree, names) for edit in _mentions(call, position)))


def without_comments_above(lines: list[str], names: Collection[str]) -> list[str]:
    """A cell without the comments above its magic: to IPython only the first line can be a cell magic.

    Args:
        lines: A cell as it is written.
        names: The magics whose cells may have comments above them.
    """
    source = "".join(lines)
    above = _ABOVE.match(source)
    if above is None or above["name"] not in names:
        return lines
    return source[above.end() :].splitlines(keepends=True)


def _apply(source: str, edits: Iterable[_Edit]) -> str:
    for start, end, text in sorted(edits, reverse=True):
        source = source[:start] + text + source[end:]
    return source


def _parse(source: str) -> ast.Module | None:
    with warnings.catch_warnings():
        # IPython parses the cell again and gives the warnings then.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            return None


def _calls(tree: ast.Module, names: Collection[str]) -> Iterator[tuple[ast.Call, bool]]:
    """The calls to rewrite, each with whether it is a statement of its own."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _ELSEWHERE):
                continue
            if isinstance(child, ast.Call) and _is_magic(child, names):
                yield child, isinstance(node, ast.Expr)
            stack.append(child)


def _inner_calls(tree: ast.Module, names: Collection[str]) -> Iterator[ast.Call]:
    """The calls within functions; without recursion, since a long sum is a deep tree."""
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, inside = stack.pop()
        if isinstance(node, ast.JoinedStr):
            continue
        if inside and isinstance(node, ast.Call) and _is_magic(node, names):
            yield node
        inside |= isinstance(node, _FUNCTIONS)
        stack += ((child, inside) for child in ast.iter_child_nodes(node))


def _mentions(call: ast.Call, position: _Position) -> Iterator[_Edit]:
    match call:
        case ast.Call(func=ast.Attribute(value=shell), args=[_, ast.Constant(value=str() as line)]):
            fields = [name for name in dict.fromkeys(_FIELD.findall(line)) if not keyword.iskeyword(name)]
            if fields:
                start = position(shell.lineno, shell.col_offset)
                end = position(shell.end_lineno, shell.end_col_offset)
                yield start, start, f"((lambda: ({', '.join(fields)},)) and "
                yield end, end, ")"


def _is_magic(call: ast.Call, names: Collection[str]) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Call(func=ast.Name("get_ipython"), args=[], keywords=[]), attr=runner):
            name = call.args[0] if call.args else None
            return runner in _RUNNERS and isinstance(name, ast.Constant) and name.value in names
    return False


def _edits(call: ast.Call, position: _Position, *, bare: bool) -> Iterator[_Edit]:
    def span(node: ast.expr) -> tuple[int, int]:
        return position(node.lineno, node.col_offset), position(node.end_lineno, node.end_col_offset)

    start, end = span(call)
    yield start, start, "(await "
    name = call.args[0]
    assert isinstance(name, ast.Constant)  # noqa: S101  # _is_magic has seen it
    yield *span(name), repr((BARE if bare else AWAITED) + str(name.value))
    if len(call.args) == 3 and isinstance(call.args[2], ast.Constant) and call.args[2].value == "":
        # IPython refuses an empty cell itself, by the magic's name; with a blank line the magic is asked.
        yield *span(call.args[2]), repr("\n")
    yield end, end, ")"


def _positions(source: str) -> _Position:
    """From a line and a column in UTF-8 bytes, as `ast` counts, to an index into `source`."""
    starts = [0, *(match.end() for match in _LINE_END.finditer(source))]

    def position(line: int | None, column: int | None) -> int:
        assert line is not None  # noqa: S101  # parsed nodes have positions
        start = starts[line - 1]
        # A character takes at least a byte, so that many characters are enough.
        before = source[start : start + (column or 0)].encode()[:column]
        return start + len(before.decode())

    return position
