"""What a process gives up before it opens a stranger's file.

| | Linux | macOS | Windows |
| --- | --- | --- | --- |
| wall-clock time, kept by the parent | yes | yes | yes |
| ends with its parent | yes | yes | yes |
| address space | yes | no: the system takes the limit and does not keep it | no |
| processor time, size of a file, open files, no core dumps, low priority | yes | yes | no |
| writes only in its folder, starts no program, connects nowhere by TCP | kernel 5.19; TCP 6.7 | no | no |

Where memory is not limited, a picture's pixels (the setting max_megapixels) and the time still are.
"""

from __future__ import annotations

import ctypes
import math
import os
import struct
import sys
from pathlib import Path
from typing import Final

from mien.processors import usable_cores

MOST_CORES: Final = 4
"""FFmpeg's threads, and with them its memory, grow with the cores that it sees."""

_OPEN_FILES: Final = 256
_NICENESS: Final = 10
_MB: Final = 1 << 20


def confine(folder: Path, *, memory_mb: int, seconds: float, file_mb: int) -> None:
    """Limit this process for good; called once, before any thread is started.

    Args:
        folder: the only one that may still be written.
        memory_mb: most address space, in MiB.
        seconds: most time; of the processor's, so much for each core.
        file_mb: largest file that can be written, in MiB.
    """
    if sys.platform == "win32":
        return
    import resource

    cores = min(MOST_CORES, usable_cores())
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: math.ceil(seconds) * cores,
        resource.RLIMIT_FSIZE: file_mb * _MB,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    if sys.platform == "linux":
        limits[resource.RLIMIT_AS] = memory_mb * _MB
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])
    for name, most in limits.items():
        hard = resource.getrlimit(name)[1]
        lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(name, (lowest, lowest))
    os.umask(0o077)
    os.nice(_NICENESS)
    if sys.platform == "linux":
        _lock_down(folder)


# Linux: include/uapi/linux/landlock.h and prctl.h. The three system calls have one number everywhere.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_SAY_VERSION = _PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38
_EXECUTE, _WRITE_FILE, _MOVE, _TRUNCATE = 1 << 0, 1 << 1, 1 << 13, 1 << 14
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_FILES_AND_FOLDERS = sum(1 << bit for bit in (4, 5, 7, 8))
"""Removed and made; links, devices, pipes and sockets are not."""
_TCP = 0b11
_MOVE_SINCE, _TRUNCATE_SINCE, _TCP_SINCE = 2, 3, 4


def _lock_down(folder: Path) -> None:
    """Have the kernel refuse programs, TCP, and writing outside the folder; an old kernel refuses less."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(number: int, *arguments: bytes | int | None) -> int:
        result: int = libc.syscall(number, *arguments)
        if result < 0:
            raise OSError(ctypes.get_errno(), "cannot lock down with Landlock")
        return result

    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    version = libc.syscall(_CREATE_RULESET, None, 0, _SAY_VERSION)
    if version < _MOVE_SINCE:
        return
    changes = _WRITE_FILE | _MOVE | (_TRUNCATE if version >= _TRUNCATE_SINCE else 0)
    rules = struct.pack("=Q", _EXECUTE | _REMOVE_AND_MAKE | changes)
    if version >= _TCP_SINCE:
        rules += struct.pack("=Q", _TCP)
    ruleset = call(_CREATE_RULESET, rules, len(rules), 0)
    place = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", _FILES_AND_FOLDERS | changes, place), 0)
    call(_RESTRICT_SELF, ruleset, 0)
    os.close(place)
    os.close(ruleset)
