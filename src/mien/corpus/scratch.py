"""A temporary folder for one input, which is removed after it, and after a kill by whoever starts next."""

from __future__ import annotations

import getpass
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final

from mien.errors import OutputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_OLD_S: Final = 86_400


def scratch_root() -> Path:
    """Return the folder that holds the temporary folders of this user."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # a number without a name, in a container
        who = "user"
    return Path(tempfile.gettempdir(), f"mien-corpus-{who}")


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a temporary folder, and remove it with all that is in it when the block ends.

    While it is in use its lock file is locked, which ends with the process, however that ends.
    """
    with ExitStack() as stack:
        with _alone():
            folder = Path(tempfile.mkdtemp(dir=scratch_root()))
            lock = stack.enter_context(folder.with_suffix(".lock").open("w"))
            _lock(lock)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.close()
            folder.with_suffix(".lock").unlink(missing_ok=True)


def sweep_scratch() -> None:
    """Remove the temporary folders of processes that were killed (on Windows, those of the day before)."""
    with _alone():
        for path in scratch_root().glob("*.lock"):
            with path.open("w") as lock:
                if fcntl is None:
                    if time.time() - path.with_suffix("").stat().st_mtime < _OLD_S:
                        continue
                elif not _lock(lock):
                    continue
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink(missing_ok=True)


@contextmanager
def _alone() -> Iterator[None]:
    """Hold off others that make or sweep such folders: one without its lock yet would be swept."""
    root = scratch_root()
    root.mkdir(mode=0o700, exist_ok=True)
    _check_ours(root)
    with (scratch_root() / "making").open("w") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _check_ours(root: Path) -> None:
    """Raise where somebody else made the folder, who could read interviews in it; nobody else may look in."""
    if fcntl is None:
        return
    there = root.lstat()
    if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.getuid():
        raise OutputError(f"{root}: belongs to somebody else, or is no folder; set TMPDIR to one of yours")
    if stat.S_IMODE(there.st_mode) != 0o700:
        root.chmod(0o700)


def _lock(file: IO[str]) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
