"""A temporary folder for one input, which is removed after it, and after a kill by whoever starts next."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mien.errors import OutputError
from mien.files import lock_file


def scratch_root() -> Path:
    """Return the folder that holds the temporary folders of this user."""
    ours = "mien-corpus" if sys.platform == "win32" else f"mien-corpus-{os.getuid()}"
    return Path(tempfile.gettempdir(), ours)


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a temporary folder, and remove it with all that is in it when the block ends.

    While it is in use its lock file is locked, which ends with the process, however that ends.
    """
    with ExitStack() as stack:
        with _alone():
            folder = Path(tempfile.mkdtemp(dir=scratch_root()))
            lock = stack.enter_context(folder.with_suffix(".lock").open("w"))
            with suppress(OSError):  # a disk without locks, on which nothing is swept either
                lock_file(lock)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.close()
            folder.with_suffix(".lock").unlink(missing_ok=True)


def sweep_scratch() -> None:
    """Remove the temporary folders of processes that were killed."""
    with _alone():
        for path in scratch_root().glob("*.lock"):
            with path.open("w") as lock:
                try:
                    lock_file(lock)
                except OSError:
                    continue
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink(missing_ok=True)


@contextmanager
def _alone() -> Iterator[None]:
    """Hold off others that make or sweep such folders: one without its lock yet would be swept."""
    root = scratch_root()
    root.mkdir(mode=0o700, exist_ok=True)
    _check_ours(root)
    with (root / "making").open("w") as file:
        lock_file(file, wait=True)
        yield


def _check_ours(root: Path) -> None:
    """Raise where somebody else made the folder, who could read interviews in it; nobody else may look in."""
    if sys.platform == "win32":
        return
    there = root.lstat()
    if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.getuid():
        raise OutputError(f"{root}: belongs to somebody else, or is no folder; set TMPDIR to one of yours")
    if stat.S_IMODE(there.st_mode) != 0o700:
        root.chmod(0o700)
