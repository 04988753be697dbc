"""What a magic's line and cell come to: the words, and the data of the notebook that goes before them."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from claude_magic.control_characters import one_line
from claude_magic.errors import UsageError
from claude_magic.foreground import caller_names
from claude_magic.magics.named_values import expand
from claude_magic.magics.schema_name import schema_named
from claude_magic.prompt import Attachment, Prompt
from claude_magic.support.paths import absolute, notebook_folder
from claude_magic.support.secret_names import looks_secret

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from claude_magic.kernel.cells.context import Context, Unseen
    from claude_magic.kernel.cells.log import Cell, CellLog
    from claude_magic.notebook.settings import Settings
    from claude_magic.session import Session
    from claude_magic.session.turn import Turn

__all__ = ["Draft", "Prompts"]

_EXPLAIN = "Explain this error: what went wrong, and how to fix it."
_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_LAST = "_"  # the last picture that a cell has shown


class Draft(NamedTuple):
    """A prompt as it was typed, with the values that it names.

    Args:
        words: The words, and the data that stands for names in them.
        variables: Values to be described, by name.
        pictures: Values to be sent as pictures, by name.
        failed: The cell whose error it is about.
    """

    words: Prompt
    variables: Mapping[str, object] = {}
    pictures: Mapping[str, object] = {}
    failed: Cell | None = None


class Prompts:
    """Makes the prompts of one notebook.

    Args:
        shell: The shell.
        log: The cells that it has run.
        settings: The notebook's settings.
    """

    def __init__(self, shell: InteractiveShell, log: CellLog, settings: Settings) -> None:
        self._shell = shell
        self._log = log
        self._settings = settings

    @property
    def names(self) -> list[str]:
        """The names of the notebook's variables, for completion."""
        hidden = self._shell.user_ns_hidden
        return [name for name in self._shell.user_ns if not name.startswith("_") and name not in hidden]

    # As it was typed; the names are those of the code that has called the magic

    def of_line_or_cell(self, arguments: Namespace, cell: str | None) -> Draft:
        """What `%claude` and `%%claude` are to send."""
        names = caller_names(self._shell.user_ns)
        rest = arguments.rest.strip()
        if cell is None:
            if not rest:
                raise UsageError(
                    "Usage: %claude [options] PROMPT, or a cell that begins with %%claude. See %claude?"
                )
            return self._draft(arguments, expand(arguments.rest, names), names)
        if rest:
            raise UsageError(
                f"The %%claude line holds more than options: {rest[:60]!r}. The prompt goes below it."
            )
        if cell.strip():
            words = Prompt(re.sub(r"\r?\n\Z", "", cell))  # IPython ends a cell with one
            return self._draft(arguments, words, names)
        if self._log.has_just_failed:
            return self._draft(arguments, Prompt(_EXPLAIN), names, self._log.failed)
        raise UsageError("The cell is empty. Write what you want to ask below %%claude. See %claude?")

    def of_error(self, arguments: Namespace) -> Draft:
        """What `%claude_explain` is to send."""
        if self._log.failed is None:
            raise UsageError(
                "There is no error to explain: no cell has failed since claude_magic was loaded."
            )
        names = caller_names(self._shell.user_ns)
        words = expand(arguments.rest, names) if arguments.rest.strip() else Prompt(_EXPLAIN)
        return self._draft(arguments, words, names, self._log.failed)

    def _draft(
        self, arguments: Namespace, words: Prompt, names: Mapping[str, object], failed: Cell | None = None
    ) -> Draft:
        if arguments.schema is not None:
            arguments.schema = schema_named(arguments.schema, names)
        variables = {name: self._value("-v", name, names) for name in arguments.var or ()}
        pictures = {name: self._picture(name, names) for name in arguments.image or ()}
        return Draft(words, variables, pictures, failed)

    def _picture(self, name: str, names: Mapping[str, object]) -> object:
        """What `-i` names: the last picture, a variable, or the path of a file."""
        if name == _LAST and (picture := self._log.last_picture) is not None:
            return picture
        if _NAME.fullmatch(name) and name.partition(".")[0] in names:
            return self._value("-i", name, names)
        path = absolute(name, notebook_folder())
        if not name.isidentifier() or path.exists():
            return path
        if name == _LAST:
            raise UsageError("-i _ is the last picture that a cell has shown, and none has shown one yet.")
        raise self._unknown("-i", name, names, "variable and no file")

    def _value(self, flag: str, name: str, names: Mapping[str, object]) -> object:
        """The value of a variable, or of an attribute of one; that of a secret is not looked at."""
        first, *attributes = name.split(".")
        if first not in names:
            raise self._unknown(flag, first, names, "variable")
        value = names[first]
        for attribute in [] if _is_secret(name) else attributes:
            try:
                value = getattr(value, attribute)
            except Exception as error:  # noqa: BLE001  # the user's own code
                reason = f"{type(error).__name__}: {error!s:.200}"
                raise UsageError(f"{flag} {name} cannot be had: {reason}") from None
        return value

    def _unknown(self, flag: str, name: str, names: Iterable[str], what: str) -> UsageError:
        from difflib import get_close_matches  # noqa: PLC0415  # load budget

        own = [each for each in names if not each.startswith("_") and each not in self._shell.user_ns_hidden]
        close = get_close_matches(name, own, n=1)
        hint = f"Did you mean {close[0]}?" if close else "%who lists the variables."
        return UsageError(f"{flag} {name!r:.80} is no {what}. {hint}")

    # As it is sent

    async def with_named(self, draft: Draft) -> Prompt:
        """A prompt with the data that it names.

        Raises:
            UsageError: What is to be a picture is none.
        """
        from claude_magic.kernel.cells.failures import failure  # noqa: PLC0415  # load budget
        from claude_magic.kernel.values.inspect import inspected  # noqa: PLC0415
        from claude_magic.kernel.values.pictures import image_of  # noqa: PLC0415

        attachments = [] if draft.failed is None else [await failure(draft.failed, self._shell.user_ns)]
        for name, value in draft.variables.items():
            if not _is_secret(name):
                attachments.append(Attachment(name, await inspected(name, value), f"{name} attached"))
        for name, value in draft.pictures.items():
            image = await image_of(name, value, self._shell)
            title = f"{one_line(name, 80)} attached"
            attachments.append(Attachment(f"picture {_safe(name)}", image.about, title, (image,)))
        notices = [*draft.words.notices, *_withheld(draft.variables)]
        return Prompt(draft.words.text, (*attachments, *draft.words.attachments), tuple(notices))

    async def with_cells(
        self, prompt: Prompt, arguments: Namespace, session: Session | None, failed: Cell | None = None
    ) -> tuple[Prompt, Unseen | None]:
        """A prompt with the cells that its session has not seen, and these cells; none go with a command.

        Args:
            prompt: The prompt.
            arguments: How it was asked for.
            session: The session; None for a new one.
            failed: A cell that goes with it anyway.
        """
        if (arguments.context or self._settings.context) == "none" or prompt.is_command:
            return prompt, None
        unseen = self._context.unseen(session)
        attachment = await self._context.attachment(unseen, without=failed)
        return (prompt if attachment is None else prompt.following(attachment)), unseen

    def sent(self, session: Session, turn: Turn, unseen: Unseen | None) -> None:
        """Notes which cells go with a turn."""
        if unseen is not None:
            self._context.sent(session, turn, unseen)

    @cached_property
    def _context(self) -> Context:
        from claude_magic.kernel.cells.context import Context  # noqa: PLC0415  # load budget

        return Context(self._log, self._shell.user_ns)


def _is_secret(name: str) -> bool:
    return any(map(looks_secret, name.split(".")))


def _withheld(names: Iterable[str]) -> Iterator[str]:
    secrets = [name for name in names if _is_secret(name)]
    if secrets:
        reason = "looks like a secret; give the value another name to send it"
        yield f"Not attached: {', '.join(secrets)} ({reason})."


def _safe(name: str) -> str:
    """A name as it may stand above data."""
    return one_line(re.sub(r"[\[\]@]", "", name), 80)
