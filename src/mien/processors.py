"""How many processor cores this process may use, which can be fewer than the machine has."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def usable_cores(root: Path = Path("/")) -> int:
    """Count the cores that this process may keep busy, at least 1.

    That is the least of the machine's cores, the ones that the process is bound to (`taskset`, `docker run
    --cpuset-cpus`) and the share of time that its control group grants (`docker run --cpus`, Kubernetes'
    limits, systemd's CPUQuota). More threads than that would only wait for each other.

    Args:
        root: where /proc and /sys are.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([bound, *(math.ceil(quota) for quota in _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Yield the cores' worth of time that each control group above this process grants.

    Linux: Documentation/admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst (version 1).
    """
    for folder in _groups(root):
        limit = _words(folder / "cpu.max")
        if len(limit) != 2:
            limit = _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        if len(limit) == 2 and all(word.isdecimal() and int(word) for word in limit):  # not "max", nor -1
            yield int(limit[0]) / int(limit[1])


def _groups(root: Path) -> Iterator[Path]:
    """Yield the folders of the process's control groups, up to the root.

    In a container the path may be the one outside of it, which isn't there: its root is the process's group.
    """
    for line in _lines(root / "proc/self/cgroup"):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            mounts = [root / "sys/fs/cgroup"]
        elif "cpu" in controllers.split(","):
            mounts = [root / "sys/fs/cgroup" / name for name in ("cpu", controllers)]
        else:
            continue
        inside = PurePosixPath(path.lstrip("/"))
        for mount in mounts:
            yield from (mount / part for part in (inside, *inside.parents))


def _words(file: Path) -> list[str]:
    return " ".join(_lines(file)).split()


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
