"""What makes a pid a process: the time it was created.

Pids are used again, so a pid that was written down names a process only together with its creation time. On
Linux that is read from /proc in ticks since boot, with the boot's id: the wall clock may be set meanwhile.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["creation_time", "is_same_process", "memory"]

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_START_FIELD = 19  # the 22nd field of /proc/PID/stat, counted from behind the name


def creation_time(pid: int) -> str:
    """The creation time of a process, to be compared only; "" if there is none or it is a zombie."""
    if pid <= 0:
        return ""
    return _from_proc(pid) if _BOOT.exists() else _from_psutil(pid)


def is_same_process(pid: int, created: str) -> bool:
    """The process that had this pid and creation time still runs."""
    return created != "" and creation_time(pid) == created


def memory(pid: int, created: str) -> int | None:
    """The bytes that a process holds in memory; None if it is gone."""
    import psutil  # noqa: PLC0415  # load budget

    try:
        size = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return None
    return size if is_same_process(pid, created) else None


def _from_proc(pid: int) -> str:
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if state in b"ZX" else f"{_BOOT.read_text().strip()}:{fields[_START_FIELD - 1].decode()}"


def _from_psutil(pid: int) -> str:
    import psutil  # noqa: PLC0415  # load budget

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return ""
