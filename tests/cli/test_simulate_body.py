"""`mien simulate body`: a made body is read back as what its truth says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.helpers import Run
from mien.errors import ConfigError

pytest.importorskip("neurokit2")
pytest.importorskip("edfio")

from mien.signals.figures import figures
from mien.signals.files import read_signals
from mien.signals.made import write_body


def test_it_is_read_as_its_truth_says(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "session.edf"
    ran = run("simulate", "body", "--out", path, "--minutes", "6", "--seed", "2")
    assert ran.code == 0, ran.err
    assert f"Next: mien signals {path} --rest 0-180" in " ".join(ran.out.split())
    truth = json.loads(path.with_suffix(".json").read_text())
    assert "no real person" in truth["made"]
    read = read_signals(path)
    assert [each.kind for each in read.signals] == ["ecg", "eda", "respiration"]
    found = figures(read)
    assert len({each.start_s for each in found}) == 6
    for stretch in truth["stretches"]:
        inside = {
            (each.measure, each.start_s): each.value
            for each in found
            if stretch["start_s"] <= each.start_s and each.end_s <= stretch["end_s"]
        }
        for (measure, _), value in inside.items():
            if measure in ("heart_rate", "breathing_rate"):
                assert value == pytest.approx(stretch[measure], rel=0.05)
    levels = [each.value for each in found if each.measure == "skin_level"]
    assert None not in levels
    assert max(levels[:3]) < min(levels[3:])  # type: ignore[type-var]


@pytest.mark.exhaustive
def test_the_same_seed_gives_the_same_body(tmp_path: Path) -> None:
    first, second, other = (tmp_path / f"{name}.edf" for name in "abc")
    for path, seed in ((first, 1), (second, 1), (other, 2)):
        write_body(path, minutes=2, seed=seed)
    assert first.read_bytes() == second.read_bytes() != other.read_bytes()


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ends in \.edf"):
        write_body(tmp_path / "x.csv")
    with pytest.raises(ConfigError, match="at least 2 minutes"):
        write_body(tmp_path / "x.edf", minutes=1)
