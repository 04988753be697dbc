"""An option or a magic is declared once; flag, help, completion, default and README row come from that."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from places import ROOT
from traitlets import TraitError
from traitlets.config import Config, Configurable

from claude_magic.declaration import Option, flags_of, option
from claude_magic.errors import UsageError
from claude_magic.magics.arguments import OPTIONS, Magic, Word, flag, magic, magics_of
from claude_magic.magics.completion import Completer
from claude_magic.magics.conversations import ConversationMagics
from claude_magic.magics.permissions import PermissionMagics
from claude_magic.magics.sessions import SessionMagics
from claude_magic.magics.tasks import TaskMagics
from claude_magic.magics.undo import UndoMagics
from claude_magic.notebook.settings import Settings, traits_of
from claude_magic.options import Options

README = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()


def cells(*texts: str) -> str:
    return f"| {' | '.join(text.replace('|', chr(92) + '|') for text in texts)} |"


def option_rows(options: Iterable[Option]) -> list[str]:
    """What the README's table has on options of a line."""
    values = {
        each: "" if each.is_switch else f" {each.metavar or '|'.join(each.choices)}" for each in options
    }
    return [
        cells(f"`{', '.join(each.flags)}{value}`", each.scope, each.about) for each, value in values.items()
    ]


def default_rows(declaring: Any) -> list[str]:
    """What the README's table has on defaults of a notebook."""
    traits = declaring.class_traits(config=True)
    return [
        cells(f"`{name}`", f"`{traits[name].default_value}`", traits[name].help) for name in sorted(traits)
    ]


def table(head: str) -> list[str]:
    begin = README.index(head) + 2
    return README[begin : README.index("", begin)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUp(Options):
    colour: Literal["red", "green"] = option(
        "red", "Colour of the answers.", "--colour COLOUR", configured=True
    )


class Family:
    @magic(Word("name", ("main",)), *flags_of(MadeUp), usage="[NAME] [--colour COLOUR]")
    async def made_up(self, given: Namespace) -> str:
        """Do something."""
        return str(given.colour)

    @magic(flag("--loud", "Say it."), usage="[--loud] PROMPT", prompt=True)
    def said(self, given: Namespace) -> tuple[bool, str]:
        """Say a prompt."""
        return given.loud, given.rest


MAGICS = {declared.name: declared for declared, _ in magics_of(Family())}


def completed(line: str) -> list[str]:
    completer = Completer(None, MAGICS.values(), None)  # type: ignore[arg-type]  # neither is asked
    found = completer.at([], line)
    assert found is not None
    return [word for word, _ in found.words if word.startswith(found.fragment)]


def test_an_option_declared_once_is_a_flag_with_help_and_completion_a_default_and_a_row_of_the_readme() -> (
    None
):
    assert MadeUp().colour == "red"
    assert MAGICS["made_up"].read("--colour green main").colour == "green"
    assert "--colour COLOUR" in MAGICS["made_up"].help()
    assert "Colour of the answers. From now on." in MAGICS["made_up"].help()
    assert completed("%made_up --col") == ["--colour"]
    assert completed("%made_up --colour ") == ["green", "red"]
    defaults: Any = type("Defaults", (Configurable,), traits_of(MadeUp))
    assert defaults(config=Config(Defaults={"colour": "green"})).colour == "green"
    assert cells("`colour`", "`red`", "Colour of the answers.") in default_rows(defaults)
    assert cells("`--colour COLOUR`", "session", "Colour of the answers.") in option_rows(flags_of(MadeUp))


def test_a_value_that_cannot_be_is_refused_wherever_it_is_given() -> None:
    defaults: Any = type("Defaults", (Configurable,), traits_of(MadeUp))()

    with pytest.raises(UsageError, match="colour is 'blue'; choose one of red, green"):
        MadeUp(colour="blue")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="colour is 'blue'; choose one of red, green"):
        MAGICS["made_up"].read("--colour blue")
    with pytest.raises(TraitError, match="red"):
        defaults.colour = "blue"
    with pytest.raises(TraitError, match=r"start_timeout is -1\.0; give a number above 0"):
        defaults.start_timeout = -1


def test_a_magic_is_called_with_its_line_as_declared() -> None:
    ((said, say),) = ((each, call) for each, call in magics_of(Family()) if each.name == "said")

    assert say(said.read("--loud  what's  this --loud")) == (True, "what's  this --loud")
    assert MAGICS["made_up"].read(" 'my name' --colour=green").name == "my name"
    assert MAGICS["made_up"].read(r"my\ name").name == "my name"
    assert {"main", "--colour"} <= set(completed("%made_up "))
    assert "main" not in completed("%made_up --colour red main "), "there is no second word"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("--nowhere", "Unknown option --nowhere."),
        ("--color green", "Unknown option --color. Did you mean --colour?"),
        ("a b", "'b' is a word too many."),
        ("--colour", "--colour needs a value."),
        ("'a", "The line has a quote that is not closed: 'a."),
    ],
)
def test_a_line_that_is_not_as_declared_is_answered_with_the_usage(line: str, what: str) -> None:
    with pytest.raises(UsageError) as raised:
        MAGICS["made_up"].read(line)

    assert str(raised.value) == f"{what} Usage: %made_up [NAME] [--colour COLOUR]"


def test_the_readme_has_the_options_as_they_are_declared() -> None:
    assert table("| option | for | |") == option_rows(OPTIONS)


def test_the_readme_has_the_defaults_as_they_are_declared() -> None:
    assert table("| `%config ClaudeMagics.…` | default | |") == default_rows(Settings)


def test_the_readme_has_every_magic_and_every_flag_of_its_own() -> None:
    declared: list[Magic] = [
        each.magic
        for family in (SessionMagics, ConversationMagics, TaskMagics, UndoMagics, PermissionMagics)
        for each in vars(family).values()
        if hasattr(each, "magic")
    ]
    assert len(declared) == 11
    for each in declared:
        rows = [row for row in README if row.startswith(f"| `%{each.name}")]
        own = [option.flags for option in each.options if option not in OPTIONS]
        assert rows, each.name
        assert [flags for flags in own if not any(name in rows[0] for name in flags)] == []
