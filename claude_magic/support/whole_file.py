"""Files that are whole or as before, whenever somebody looks or the machine fails."""

from __future__ import annotations

import tempfile
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, text: str, *, mode: int | None = None, errors: str = "strict") -> None:
    """Puts a file, in UTF-8, in the place of what is there, in one step.

    Args:
        path: Where; its folder is there.
        text: What it holds then.
        mode: Its permissions; None for those of a private file.
        errors: What becomes of what UTF-8 cannot say, as for `open`.

    Raises:
        OSError: It cannot be written.
        UnicodeEncodeError: UTF-8 cannot say the text.
    """
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}-", encoding="utf-8", errors=errors, delete=False
    ) as file:
        try:
            file.write(text)
            file.close()
            if mode is not None:
                Path(file.name).chmod(mode)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
