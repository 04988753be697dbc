"""How a magic is declared: what its line may hold. Its parser, its help and its completion come from that."""

from __future__ import annotations

import keyword
import re
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeVar

from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.magic import no_var_expand
from IPython.core.magic_arguments import MagicArgumentParser

from claude_magic.declaration import Option, flag, flags_of
from claude_magic.errors import UsageError
from claude_magic.foreground import MagicKind
from claude_magic.magics.prompt_line import split_flags, split_words
from claude_magic.options import Options, TurnOptions

__all__ = [
    "OPTIONS",
    "SESSION",
    "InUse",
    "Magic",
    "Word",
    "flag",
    "flag_values",
    "magic",
    "magics_of",
    "session_changes",
    "sessions",
    "turn_options",
]

F = TypeVar("F", bound=Callable[..., Any])
_NAME = re.compile(r"\w[\w.-]*")


class _Named(Protocol):
    @property
    def names(self) -> Iterable[str]: ...


class InUse(Protocol):
    """What has names that a line may hold."""

    @property
    def sessions(self) -> _Named:
        """The notebook's sessions."""

    @property
    def conversations(self) -> _Named:
        """The conversations that were listed."""

    @property
    def variables(self) -> _Named:
        """The notebook's variables."""

    @property
    def tasks(self) -> _Named:
        """The kernel's tasks."""

    @property
    def tools(self) -> _Named:
        """The person's own tools."""

    @property
    def permissions(self) -> _Named:
        """The permission rules that were listed."""

    @property
    def tools_to_allow(self) -> Iterable[str]:
        """What may be allowed or refused."""


class Word(NamedTuple):
    """A word of a line that is no flag's.

    Args:
        name: What the word is called in the line that was read.
        suggested: Words that may be meant, or what gives those in use.
    """

    name: str
    suggested: tuple[str, ...] | Callable[[InUse], Iterable[str]] = ()


def variables(in_use: InUse) -> Iterable[str]:
    """Suggests the notebook's variables."""
    return in_use.variables.names


def sessions(in_use: InUse) -> Iterable[str]:
    """Suggests the notebook's sessions."""
    return in_use.sessions.names


def _variable(name: str, value: str) -> None:
    if not value.isidentifier() or keyword.iskeyword(value):
        raise UsageError(f"--{name} {value!r} is no variable name. Use for instance: --{name} answer")


def _session(name: str, value: str) -> None:
    if not _NAME.fullmatch(value):
        raise UsageError(f"--{name} {value!r} is no name: use letters, digits, and between them _ . -")


def _name_with_dots(name: str, value: list[str] | None) -> None:
    for each in value or ():
        if not all(part.isidentifier() for part in each.split(".")):
            raise UsageError(f"--{name} {each!r:.80} is no variable name. Use for instance: --{name} df")


SESSION = flag(
    "-s, --session NAME",
    "Which of the notebook's sessions; `main` if left out.",
    check=_session,
    suggested=sessions,
)
OPTIONS = (
    SESSION,
    flag("-b, --background", "Go on at once; the answer fills in under the cell."),
    flag("--task NAME", "A task of this name: a session of its own, in the background."),
    flag("--worktree", "The task works in a git worktree of its own."),
    flag("-o, --out NAME", "Put the Result into this variable.", check=_variable),
    flag(
        "-v, --var NAME",
        "Attach a description of this variable.",
        check=_name_with_dots,
        suggested=variables,
        many=True,
    ),
    flag(
        "-i, --image NAME|PATH",
        "Attach a picture: a figure, image, array, file; `_` for the last one that a cell has shown.",
        suggested=variables,
        many=True,
    ),
    flag(
        "--context",
        "Send the cells that were run since the last prompt, or none.",
        choices=("auto", "none"),
    ),
    flag("--cell", "Put the answer's Python code into a new cell below."),
    flag("--replace", "Put the answer's Python code into this cell, in the place of the prompt."),
    flag("--busy", "While a turn runs: wait, or refuse.", choices=("queue", "refuse"), default="queue"),
    flag("--dry-run", "Show what would be sent; send nothing."),
    *flags_of(TurnOptions, Options),
)
"""The options of `%claude` and `%%claude`."""


class Magic:
    """A magic, as declared.

    Args:
        function: What the magic does; its docstring says what for.
        words: The words that its line may hold beside flags.
        options: The flags that it may hold.
        usage: How it is used.
        kind: Whether it is a line magic, a cell magic, or both.
        prompt: The line ends with a prompt, which is left as it was typed; flags come before it.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        words: Sequence[Word],
        options: Sequence[Option],
        *,
        usage: str,
        kind: MagicKind,
        prompt: bool,
    ) -> None:
        self.name = function.__name__
        self.words = words
        self.options = options
        self.usage = f"%{self.name} {usage}"
        self.kind: MagicKind = kind
        self.takes_prompt = prompt
        self._about = function.__doc__
        self._switches = [name for each in options if each.is_switch for name in each.flags]
        self._valued = [name for each in options if not each.is_switch for name in each.flags]

    @cached_property
    def parser(self) -> MagicArgumentParser:
        """Reads the flags. Made when it is first wanted, as the help is: with both 1.3 ms for 40 options."""
        parser = MagicArgumentParser(self.name, usage=self.usage.removeprefix("%"), description=self._about)
        for each in self.options:
            parser.add_argument(*each.flags, **_argparse(each))
        return parser

    def parse_argstring(self, line: str, *, partial: bool = False) -> Any:
        """What IPython's completer asks of a magic's parser."""
        return self.parser.parse_argstring(line, partial=partial)

    def help(self) -> str:
        """What `%name?` shows."""
        return str(self.parser.format_help())

    def read(self, line: str) -> Namespace:
        """What a line holds: each option and word by its name, and the prompt as `rest`.

        Raises:
            UsageError: In one line, what is wrong with it.
        """
        if self.takes_prompt:
            flags, rest = split_flags(line, self._switches, self._valued)
            return self._parse(flags, [], rest)
        try:
            return self._parse(*split_words(line, self._switches, self._valued))
        except UsageError as error:
            end = "" if str(error).endswith((".", "?")) else "."
            raise UsageError(f"{error}{end} Usage: {self.usage}") from None

    def _parse(self, flags: list[str], words: list[str], rest: str = "") -> Namespace:
        if len(words) > len(self.words):
            raise UsageError(f"{words[len(self.words)][:60]!r} is a word too many.")
        try:
            arguments: Namespace = self.parser.parse_args(flags)
        except IPythonUsageError as error:
            hint = " See %claude? for the options." if self.takes_prompt else ""
            raise UsageError(f"{str(error).splitlines()[-1].strip()}.{hint}") from None
        for each in self.options:
            each.refuse(getattr(arguments, each.name))
        for index, word in enumerate(self.words):
            setattr(arguments, word.name, words[index] if index < len(words) else None)
        arguments.rest = rest
        return arguments


def magic(
    *parameters: Word | Option, usage: str, kind: MagicKind = "line", prompt: bool = False
) -> Callable[[F], F]:
    """Declares a method as a magic of its name, called with the line as read and the cell, if there is one.

    Args:
        parameters: The words and the options that its line may hold.
        usage: How it is used.
        kind: Whether it is a line magic, a cell magic, or both.
        prompt: The line ends with a prompt.
    """
    words = [each for each in parameters if isinstance(each, Word)]
    options = [each for each in parameters if isinstance(each, Option)]

    def declare(function: F) -> F:
        method: Any = function
        method.magic = Magic(function, words, options, usage=usage, kind=kind, prompt=prompt)
        method.parser, method.has_arguments = method.magic, True  # by which IPython completes a prompt
        method.getdoc = method.magic.help  # for `?`
        return no_var_expand(function)  # type: ignore[no-any-return]

    return declare


def magics_of(family: object) -> Iterator[tuple[Magic, Callable[..., Any]]]:
    """The magics that an object's class declares, and the object's functions, called with a line as read."""
    for name, member in vars(type(family)).items():
        if isinstance(declaration := getattr(member, "magic", None), Magic):
            yield declaration, getattr(family, name)


def flag_values(arguments: Namespace) -> dict[str, str]:
    """The options that were given, as flag and value, to be shown with the turn."""
    values = {}
    for each in OPTIONS:
        value = getattr(arguments, each.name, None)
        if each.many and value:
            values[each.flag] = ", ".join(map(each.shown, value))
        elif value is True:
            values[each.flag] = ""
        elif value and value != each.default:
            values[each.flag] = f"{value:g}" if isinstance(value, float) else str(value)
    return values


def turn_options(arguments: Namespace) -> TurnOptions:
    """What holds for the one turn."""
    return TurnOptions(**_fields(arguments, "turn"))


def session_changes(arguments: Namespace) -> dict[str, Any]:
    """What changes for the session: the fields of `Options` that were given."""
    changes = _fields(arguments, "session")
    Options(**changes)  # says at once what is wrong with a value, or not there
    return changes


def _fields(arguments: Namespace, scope: str) -> dict[str, Any]:
    values = {each: getattr(arguments, each.name) for each in OPTIONS if each.scope == scope}
    return {
        each.name: tuple(map(each.read, value)) if each.many else each.read(value)
        for each, value in values.items()
        if value is not None
    }


def _argparse(each: Option) -> dict[str, Any]:
    scope = {"turn": " For this turn.", "session": " From now on."}.get(each.scope, "")
    about: dict[str, Any] = {"dest": each.name, "help": f"{each.about}{scope}".replace("%", "%%")}
    if each.is_switch:
        return about | {"action": "store_true"}
    if each.metavar is None:
        return about | {"choices": each.choices, "default": each.default}
    return about | {"metavar": each.metavar, "type": each.kind, "action": "append" if each.many else "store"}
