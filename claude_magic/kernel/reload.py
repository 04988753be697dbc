"""A module of this kernel, loaded anew: whoever has its functions, classes and names has them new.

The promise: a file that cannot be executed leaves the module as it was. What is replaced in objects that are
alive is IPython's business (`IPython.extensions.autoreload`); it clears the module, and so loses a package's
submodules, and ends at the first object that cannot be changed, so that is done here.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import linecache
import os
import re
import sys
import traceback
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from claude_magic.control_characters import one_line
from claude_magic.kernel.values.bounded import without_secrets

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Reloader", "modules_in"]

_ROOT = __name__.partition(".")[0]
_STAYS = {
    "__builtins__",
    "__doc__",
    "__file__",
    "__loader__",
    "__name__",
    "__package__",
    "__path__",
    "__spec__",
}
_INSTALLED = re.compile(r"[\\/](site|dist)-packages[\\/]")
_SOURCES = {".pyx", ".pxd", ".c", ".cc", ".cpp", ".cxx", ".rs"}
_REASON_LENGTH = 200


def modules_in(path: Path) -> list[ModuleType]:
    """The modules of this kernel that a file holds, or that are compiled from it; nothing is imported."""
    real = Path(os.path.realpath(path))
    names = {path.name, real.name}
    compiled = tuple(f"{path.stem}{end}" for end in EXTENSION_SUFFIXES) if path.suffix in _SOURCES else ()
    wanted = real.parent if compiled else real
    return [
        module
        for module in _modules()
        for folder, name in (os.path.split(_file(module)),)  # to resolve two thousand paths takes long
        if name in compiled or (name in names and not compiled)
        if os.path.realpath(folder if compiled else _file(module)) == str(wanted)
    ]


class Reloader:
    """Loads modules anew, and remembers what they have given to others.

    Args:
        shell: Whose names are brought up to date.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._objects: dict[tuple[str, str], list[weakref.ref[Any]]] = {}  # by module and name, all that were
        self._loaded: dict[str, float] = {}  # by module, the time of the file that was loaded last

    def reload(self, modules: Iterable[ModuleType]) -> str:
        """Loads modules anew; says what came of it, in one line.

        Raises:
            KeyboardInterrupt: A module was interrupted; it is as it was.
        """
        return "; ".join(self._reload(module) for module in modules)

    def changed_since(self, time: float) -> list[str]:
        """The person's own modules whose files were changed at a time or later, and not loaded since.

        Args:
            time: In seconds since 1970.
        """
        return sorted(
            module.__name__
            for module in _modules()
            if (changed := _mtime(module)) >= time and _is_the_persons(module)
            if self._loaded.get(module.__name__) != changed and self._autoreload(module) is None
        )

    def _reload(self, module: ModuleType) -> str:
        name = module.__name__
        if reason := _reason_to_leave(module):
            return f"not reloaded: {reason}"
        if (autoreload := self._autoreload(module)) is not None:
            return _by_autoreload(autoreload, module)
        try:
            rest = self._renew(module)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a module raises, the old one stays
            return f"{name} not reloaded, the old code stays: {_line(error)}"
        return f"reloaded {name}" + (f"; existing objects keep the old {', '.join(rest)}" if rest else "")

    def _renew(self, module: ModuleType) -> list[str]:
        """Executes a module's file in its namespace; the names whose older objects stay as they are."""
        before, changed = dict(vars(module)), _mtime(module)
        _execute(module, before)
        self._loaded[module.__name__] = changed
        self._remember(module.__name__, before)
        for name, value in before.items():
            if issubclass(type(value), ModuleType) and value.__name__ == f"{module.__name__}.{name}":
                vars(module).setdefault(name, value)
        new = list(vars(module).items())
        rest = [name for name, value in new if not self._replace(module.__name__, name, value)]
        for namespace, sources in self._users(module):
            _rebind(namespace, sources, module, before)
        return rest

    def _remember(self, module: str, namespace: Mapping[str, Any]) -> None:
        for name, value in namespace.items():
            # A look at other objects, by `isinstance` too, may run whatever they please.
            is_code = issubclass(type(value), (FunctionType, type))
            if is_code and value.__module__ == module:
                known = [each for each in self._objects.get((module, name), ()) if each() is not None]
                self._objects[module, name] = [*known, weakref.ref(value)]

    def _replace(self, module: str, name: str, new: Any) -> bool:
        """Puts a function's or class's new code into all that went by the name; False if one is unlike it."""
        from IPython.extensions.autoreload import update_generic  # noqa: PLC0415  # with the first reload

        succeeds = True
        for reference in self._objects.get((module, name), ()):
            old = reference()
            if old is None or old is new:
                continue
            try:
                update_generic(old, new)
            except Exception:  # noqa: BLE001  # closures, slots and what compares in its own way
                succeeds = False
        return succeeds

    def _users(self, module: ModuleType) -> Iterator[tuple[dict[str, Any], Iterable[str]]]:
        """The notebook, and the person's own modules: each namespace with the code that made it."""
        yield self._shell.user_ns, _executed()
        for other in _modules():
            if other is not module and _is_the_persons(other):
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    yield vars(other), [Path(_file(other)).read_text("utf-8")]

    def _autoreload(self, module: ModuleType) -> Any:
        """The `%autoreload` that would load a module before the next cell, if one would."""
        magic = self._shell.magics_manager.magics["line"].get("autoreload")
        reloader: Any = getattr(getattr(magic, "__self__", None), "_reloader", None)
        name = module.__name__
        if not getattr(reloader, "enabled", False) or name in reloader.skip_modules:
            return None
        known = reloader.modules_mtimes.get(name)
        is_due = known is not None and _mtime(module) > known
        return reloader if is_due and (reloader.check_all or name in reloader.modules) else None


def _execute(module: ModuleType, before: Mapping[str, Any]) -> None:
    """Executes the file; if that fails, the module has what it had before."""
    cached = getattr(module.__spec__, "cached", None)
    with contextlib.suppress(OSError):  # two edits in one second, of one length, are the same file to Python
        os.unlink(cached or "")  # noqa: PTH108  # "" is no path
    namespace = vars(module)
    try:
        for name in namespace.keys() - _STAYS:
            del namespace[name]
        importlib.reload(module)
    except BaseException:
        namespace.clear()
        namespace.update(before)
        raise


def _rebind(
    namespace: dict[str, Any], sources: Iterable[str], module: ModuleType, before: Mapping[str, Any]
) -> None:
    """Gives the names that `from module import …` has bound, and nobody since, the module's new values."""
    new = vars(module)
    package = str(namespace.get("__package__") or "")
    for name, bound in {each for source in sources for each in _imports(source, module, package)}:
        pairs = [(each, each) for each in before] if name == "*" else [(name, bound)]
        for original, target in pairs:
            is_bound = original in before and target in namespace and namespace[target] is before[original]
            if is_bound and original in new:
                namespace[target] = new[original]


def _imports(source: str, module: ModuleType, package: str) -> Iterator[tuple[str, str]]:
    """The names that some code imports from a module, each with what it calls it."""
    tail = re.escape(module.__name__.rpartition(".")[2])
    if not re.search(rf"\b{tail}\s+import\b|\bfrom\s+\.+\s*import\b", source):
        return
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and _absolute(node, package) == module.__name__:
            yield from ((each.name, each.asname or each.name) for each in node.names)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _by_autoreload(reloader: Any, module: ModuleType) -> str:
    """Has `%autoreload` do now what it would do before the next cell."""
    name, file = module.__name__, _file(module)
    reloader.check()
    if file in getattr(reloader, "failed", ()):
        return f"{name} not reloaded by %autoreload, which says why"
    return f"reloaded {name} by %autoreload"


def _reason_to_leave(module: ModuleType) -> str:
    """Why a module is left alone; "" if it is not."""
    reasons = (words for applies, words in _REASONS if applies(module))
    return next(reasons, "").format(name=module.__name__)


def _executed() -> list[str]:
    """What was compiled without a file: cells, and the code that Claude has run among their variables."""
    entries = list(linecache.cache.values())
    return ["".join(entry[2]) for entry in entries if len(entry) == 4 and entry[1] is None]


def _is_ours(module: ModuleType) -> bool:
    return module.__name__.partition(".")[0] == _ROOT


def _is_the_persons(module: ModuleType) -> bool:
    others = (_is_ours, _is_installed, _is_of_python)
    return _file(module).endswith(".py") and not any(applies(module) for applies in others)


def _is_compiled(module: ModuleType) -> bool:
    return _file(module).endswith(tuple(EXTENSION_SUFFIXES))


def _is_installed(module: ModuleType) -> bool:
    return _INSTALLED.search(_file(module)) is not None


def _is_of_python(module: ModuleType) -> bool:
    return not _is_installed(module) and _file(module).startswith(_python_folders())


@cache
def _python_folders() -> tuple[str, ...]:
    import sysconfig  # noqa: PLC0415  # load budget

    return tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib"))


def _modules() -> list[ModuleType]:
    return [module for module in list(sys.modules.values()) if issubclass(type(module), ModuleType)]


def _file(module: ModuleType) -> str:
    """Where a module comes from; one that loads itself when it is first used is not used by this."""
    file = object.__getattribute__(module, "__dict__").get("__file__")
    return file if isinstance(file, str) else ""


def _mtime(module: ModuleType) -> float:
    try:
        return os.stat(_file(module)).st_mtime  # noqa: PTH116  # quick
    except (OSError, ValueError):
        return 0.0


def _line(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        words = f"{type(error).__name__} in line {error.lineno}: {error.msg}"
    else:
        words = traceback.format_exception_only(error)[-1]
    return one_line(without_secrets(words), _REASON_LENGTH)


_RESTART = "restart the kernel to use the change"
_REASONS: tuple[tuple[Callable[[ModuleType], object], str], ...] = (
    (
        lambda module: module.__name__ in {"__main__", "__mp_main__"},
        "it is the program that runs here; restart it to use the change",
    ),
    (_is_ours, f"{_ROOT} is at work; {_RESTART}"),
    (_is_compiled, f"{{name}} is compiled; build it and {_RESTART}"),
    (_is_of_python, f"{{name}} belongs to Python; {_RESTART}"),
    (_is_installed, f"{{name}} is installed; {_RESTART}"),
    (lambda module: not Path(_file(module)).exists(), "the file of {name} is gone; what was loaded stays"),
    (lambda module: getattr(module.__spec__, "_initializing", False), "{name} is just being imported"),
)
