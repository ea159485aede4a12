"""Fewer cores allowed than there are: bound to some of them, or given a share of their time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mien.config import load_settings
from mien.processors import usable_cores

MANY = {f"core {number}" for number in range(64)}


@pytest.fixture(autouse=True)
def a_large_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: MANY, raising=False)


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("limit", "cores"),
    [("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("max 100000", 64), ("", 64)],
)
def test_a_share_by_version_2(tmp_path: Path, limit: str, cores: int) -> None:
    put(tmp_path / "proc/self/cgroup", "0::/system.slice/mien.service\n")
    put(tmp_path / "sys/fs/cgroup/system.slice/mien.service/cpu.max", f"{limit}\n")
    assert usable_cores(tmp_path) == cores


def test_the_group_above_counts_too(tmp_path: Path) -> None:
    put(tmp_path / "proc/self/cgroup", "0::/outer/inner\n")
    put(tmp_path / "sys/fs/cgroup/outer/inner/cpu.max", "800000 100000\n")
    put(tmp_path / "sys/fs/cgroup/outer/cpu.max", "300000 100000\n")
    assert usable_cores(tmp_path) == 3


def test_in_a_container_the_root_is_the_group(tmp_path: Path) -> None:
    put(tmp_path / "proc/self/cgroup", "0::/kubepods/pod1/abc\n")
    put(tmp_path / "sys/fs/cgroup/cpu.max", "400000 100000\n")
    assert usable_cores(tmp_path) == 4


@pytest.mark.parametrize(("mount", "quota", "cores"), [("cpu", "250000", 3), ("cpu,cpuacct", "-1", 64)])
def test_a_share_by_version_1(tmp_path: Path, mount: str, quota: str, cores: int) -> None:
    put(tmp_path / "proc/self/cgroup", "7:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/x\n")
    put(tmp_path / f"sys/fs/cgroup/{mount}/docker/abc/cpu.cfs_quota_us", f"{quota}\n")
    put(tmp_path / f"sys/fs/cgroup/{mount}/docker/abc/cpu.cfs_period_us", "100000\n")
    assert usable_cores(tmp_path) == cores


def test_the_cores_that_the_process_is_bound_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {5}, raising=False)
    assert usable_cores(tmp_path) == 1


def test_without_affinity_it_is_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores(tmp_path) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="binds a process to one core")
def test_one_core_is_one_thread_everywhere() -> None:
    """What a user on one core of many gets: the network's, OpenCV's and the batch's own count."""
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "import cv2; cv2.setNumThreads(8)\n"
        "from mien.config import load_settings\n"
        "from mien.pipeline import Pipeline\n"
        "from mien.analysis.batch import _useful_jobs\n"
        "from mien.analysis.task import Task\n"
        "settings = load_settings(crops=True)\n"
        "Pipeline(settings)\n"
        "tasks = [Task(f'{n}.mp4', 'video', f'{n}.mp4', str(n)) for n in range(9)]\n"
        "print(settings.thread_count, cv2.getNumThreads(), _useful_jobs(tasks))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["1", "1", "1"]


def test_a_number_that_was_chosen_is_taken() -> None:
    assert load_settings(threads=7).thread_count == 7
