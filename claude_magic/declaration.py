"""How an option is declared: once, as a field of a dataclass.

From the declaration come the field, the flag of the magic, its help and completion, the default that
`%config` keeps, and the README's row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field, fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from claude_magic.errors import UsageError

__all__ = [
    "Option",
    "check",
    "described",
    "flag",
    "flags_of",
    "not_negative",
    "option",
    "options_of",
    "positive",
    "without_nul",
]

T = TypeVar("T")
_KEY = "option"


class Option(NamedTuple):
    """An option, as it was declared.

    Args:
        help: What it is for.
        flags: How it is given in a magic's line; () if it cannot be.
        metavar: What stands for its value in the help; None for the choices themselves.
        check: Raises for a value that cannot be, given what it is called and the value.
        is_path: A path; `check` says whether it is there, and only of one that is new.
        read: What a value in a line stands for.
        shown: What of a value in a line may be shown.
        suggested: Words that may be meant, or what gives those in use.
        scope: What it holds for: a "turn", a "session" from now on, or the magic itself.
        configured: `%config` keeps a default for the notebook.
        live: A running process takes a change, or it is none of the process's business.
        name: The field.
        kind: What a value is.
        many: There are several, one a flag.
        choices: The values that can be, if they are few.
        default: What holds if nothing is said.
        optional: None is a value.
    """

    help: str
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    check: Callable[[str, Any], None] | None = None
    is_path: bool = False
    read: Callable[[Any], Any] = lambda value: value
    shown: Callable[[str], str] = str
    suggested: tuple[str, ...] | Callable[[Any], Iterable[str]] = ()
    scope: str = ""
    configured: bool = False
    live: bool = False
    name: str = ""
    kind: type = str
    many: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None
    optional: bool = False

    @property
    def is_switch(self) -> bool:
        """It takes no value."""
        return self.kind is bool

    @property
    def flag(self) -> str:
        """The long one of its flags; what it is called where it has none."""
        return self.flags[-1] if self.flags else self.name

    @property
    def about(self) -> str:
        """What it is for, and whether it may be given again."""
        return f"{self.help}{' Repeatable.' * self.many}"

    def refuse(self, value: Any) -> None:
        """Raises UsageError for a value that cannot be; a path may be one that is not there yet."""
        if value is None or self.is_path:
            return
        if self.choices and value not in self.choices:
            known = ", ".join(self.choices)
            raise UsageError(f"{self.name.replace('_', ' ')} is {value!r}; choose one of {known}.")
        if self.check is not None:
            self.check(self.flag.removeprefix("--"), value)

    def must_be_there(self, path: str, name: str = "") -> None:
        """Raises for a path that is not there, named by its flag if it has no other name."""
        if self.check is not None:
            self.check(name or self.flag, path)

    def values(self, value: Any) -> tuple[Any, ...]:
        """The single values of one that may be several."""
        return () if value is None else tuple(value) if self.many else (value,)


def option(default: T, help: str, spelled: str = "", *, repr: bool = True, **declared: Any) -> T:  # noqa: A002  # as argparse and dataclasses call them
    """A field of a dataclass that declares an option.

    Args:
        default: Its default.
        help: What it is for.
        spelled: How it is given in a magic's line, as `-m, --model MODEL`; "" if it cannot be.
        repr: Whether its value may be shown.
        declared: More fields of `Option`.
    """
    metadata = {_KEY: Option(help, *_flags(spelled), default=default, **declared)}
    mutable = type(default).__hash__ is None
    how: Any = {"default_factory": lambda: default} if mutable else {"default": default}
    declaring: Any = field(repr=repr, metadata=metadata, **how)
    return declaring  # type: ignore[no-any-return]


def flag(spelled: str, help: str, **declared: Any) -> Option:  # noqa: A002
    """An option that only lines have: a switch, unless it is spelled with a value or has choices.

    Args:
        spelled: How it is given, as `-o, --to FILE`.
        help: What it is for.
        declared: More fields of `Option`.
    """
    flags, metavar = _flags(spelled)
    kind = str if metavar or "choices" in declared else bool
    name = flags[-1].removeprefix("--").replace("-", "_")
    return Option(help, flags, metavar, name=name, kind=kind, **declared)


@cache
def options_of(declaring: Any) -> tuple[Option, ...]:
    """The options that a dataclass declares, with what their fields say of them."""
    hints = get_type_hints(declaring)
    scope = getattr(declaring, "scope", "")
    return tuple(
        each.metadata[_KEY]._replace(name=each.name, scope=scope, **_typed(hints[each.name]))
        for each in fields(declaring)
        if _KEY in each.metadata
    )


def flags_of(*declaring: Any) -> tuple[Option, ...]:
    """The options that a line can give; one that several classes declare belongs to the first of them."""
    options: dict[str, Option] = {}
    for each in (each for cls in declaring for each in options_of(cls) if each.flags):
        options.setdefault(each.name, each)
    return tuple(options.values())


def described(declaring: type[T]) -> type[T]:
    """Adds to a dataclass's docstring what its options are for."""
    declares: Any = declaring
    lines = [f"    {each.name}: {each.help}" for each in options_of(declares)]
    head, raises, rest = (declaring.__doc__ or "").partition("    Raises:\n")
    declaring.__doc__ = "".join(
        [head, "    Args:\n", *(f"    {line}\n" for line in lines), "\n", raises, rest]
    )
    return declaring


def check(declaring: Any) -> None:
    """Looks at the values of a dataclass, but for paths, which may be gone and still be meant.

    Raises:
        UsageError: One cannot be.
    """
    cls: Any = type(declaring)
    for each in options_of(cls):
        each.refuse(getattr(declaring, each.name))


def positive(name: str, value: float) -> None:
    """Refuses what is not above 0, NaN too."""
    if not value > 0:
        raise UsageError(f"{name} is {value!r}; give a number above 0.")


def not_negative(name: str, value: float) -> None:
    """Refuses what is below 0, NaN too."""
    if not value >= 0:
        raise UsageError(f"{name} is {value!r}; give 0 or more.")


def without_nul(name: str, value: str) -> None:
    """Refuses what no command line can hold."""
    if "\0" in value:
        raise UsageError(f"{name.replace('-', '_')} holds a NUL character; remove it.")


def _flags(spelled: str) -> tuple[tuple[str, ...], str | None]:
    words = spelled.replace(",", "").split()
    flags = tuple(word for word in words if word.startswith("-"))
    return flags, words[-1] if len(words) > len(flags) else None


def _typed(hint: Any) -> dict[str, Any]:
    """What a type says: `tuple[str, ...]` of several, `Literal` of choices, `X | None` of an X or nothing."""
    kinds = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    kind, optional = kinds[0], NoneType in kinds
    if kind is Any:
        return {"optional": True}
    if get_origin(kind) is Literal:
        return {"choices": get_args(kind), "optional": optional}
    if get_origin(kind) is tuple:
        return {"many": True}
    return {"kind": kind, "optional": optional}
