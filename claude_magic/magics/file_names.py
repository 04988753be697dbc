"""The files that `@` may name, listed in a thread and only so long as a person waits for Tab."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from threading import Thread

__all__ = ["file_names"]

_WAIT = 0.15  # seconds; a folder on a network may take any time
_LOOKED_AT = 5000
_SHOWN = 200


def file_names(folder: str, typed: str) -> list[str]:
    """What may stand for a path that has been begun; a folder ends with a slash.

    Args:
        folder: Where relative paths begin; "" for the working directory.
        typed: What has been typed of the path.
    """
    found: list[list[str]] = []
    thread = Thread(target=lambda: found.append(_listed(folder, typed)), daemon=True)
    thread.start()
    thread.join(_WAIT)
    return found[0] if found else []


def _listed(folder: str, typed: str) -> list[str]:
    parent, slash, begun = typed.rpartition("/")
    try:
        with os.scandir(Path(folder, f"{parent}{slash}").expanduser()) as entries:
            names = [
                f"{parent}{slash}{entry.name}{'/' * entry.is_dir()}"
                for entry in islice(entries, _LOOKED_AT)
                if entry.name.startswith(begun) and (begun or entry.name[0] != ".")
            ]
    except (OSError, ValueError, RuntimeError):  # RuntimeError: no such home
        return []
    return sorted(name for name in names if name.isprintable() and '"' not in name)[:_SHOWN]
