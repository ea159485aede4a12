from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.helpers import Run
from mien.cli import bench


def test_each_stage_is_measured(run: Run, tiny_network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "FRAMES", 4)
    report = json.loads(run("bench", "--network", tiny_network, "--runs", 1, "--json").out)
    assert list(report["ms_per_frame"]) == [
        "decode", "find: detect", "find: refine", "quality", "crop",
        "expression, 1 face", "expression, 5 faces", "whole", "draw", "encode",
    ]  # fmt: skip
    assert all(ms > 0 for ms in report["ms_per_frame"].values())
    assert report["frames_per_second"] == pytest.approx(
        1000 / report["ms_per_frame"]["whole"], rel=0.01, abs=0.05
    )
    assert report["frame_wh"] == [640, 360]


def test_a_detector_that_cannot_refine(run: Run, tiny_network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "FRAMES", 2)
    ran = run("bench", "--network", tiny_network, "--detector", "haar", "--runs", 1)
    assert ran.code == 0
    assert "find: detect" in ran.out
    assert "find: refine" not in ran.out
    assert "frames per second" in ran.out
