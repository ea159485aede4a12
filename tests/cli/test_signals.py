"""`mien signals`, and the figures that it prints."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from mien.cli import main
from mien.errors import ConfigError
from mien.signals.figures import figures
from mien.signals.files import read_signals
from needs import package
from signals.bodies import beat_times, ecg

package("neurokit2")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("signals") / "x.csv"
    heart = ecg(beat_times(72, 400), 400)
    eda = 2 + 0.3 * np.sin(heart.times_s / 40)
    lines = [f"{t:.3f},{a:.4f},{b:.4f}" for t, a, b in zip(heart.times_s, heart.values, eda, strict=True)]
    path.write_text("time_s,ECG_mV,EDA_uS\n" + "\n".join(lines))
    return path


@pytest.mark.main_path
def test_a_file_is_shown_and_its_figures_written(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "figures.csv"
    assert main(["signals", str(table), "--out", str(out), "--rest", "0-360"]) == 0
    printed = capsys.readouterr().out
    assert "6:40, 0 marks" in printed
    assert "ECG_mV: heart_rate (1/min)" in printed
    assert "6 of 6" in printed
    with out.open() as file:
        rows = list(csv.DictReader(file))
    rates = [float(row["value"]) for row in rows if row["measure"] == "heart_rate"]
    assert rates == pytest.approx([72] * 6, abs=1)
    assert {"skin_level", "rmssd_ms", "arousal"} <= {row["measure"] for row in rows}


def test_figures_become_edf_that_mien_reads_back(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.edf"
    assert main(["signals", str(table), "--out", str(out), "--rest", "0-360"]) == 0
    read = {each.name: each for each in read_signals(out).signals}
    assert read["heart rate"].kind == "rate"
    assert np.nanmedian(read["heart rate"].values) == pytest.approx(72, abs=1)
    assert len(read["heart rate"]) == 360
    assert {"skin level", "Q skin level", "body arousal"} <= set(read)


def test_five_minutes_of_rest_will_do_though_the_pulse_begins_late(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head, *lines = table.read_text().splitlines()
    cut = [
        line if float(line.split(",")[0]) > 40 else f"{line.split(',')[0]},,2" for line in lines[: 301 * 250]
    ]
    late = tmp_path / "late.csv"
    late.write_text("\n".join([head, *cut]))
    assert main(["signals", str(late), "--rest", "0-300"]) == 0
    assert "arousal (0 rest, 1 task): in 4 of 5 windows" in capsys.readouterr().out


def test_what_gives_no_figure_becomes_no_edf(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, out = tmp_path / "short.csv", tmp_path / "figures.edf"
    table.write_text("time_s,EDA_uS\n" + "".join(f"{n / 4},{2 + n % 3}\n" for n in range(40)))
    assert main(["signals", str(table), "--kind", "EDA_uS=other", "--out", str(out)]) == 2
    assert "gives no figure" in capsys.readouterr().err
    assert not out.exists()


def test_json(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["signals", str(table), "--json", "--window", "300", "--kind", "EDA_uS=other"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in told["signals"]] == ["ecg", "other"]
    assert {each["measure"]: each["value"] for each in told["figures"]}["sdnn_ms"] > 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kind", "ecg"], "expected NAME=KIND"),
        (["--rest", "300"], "expected seconds FROM-TO"),
        (["--window", "1"], "expected a window of 10 to 3600 s"),
        (["--time-unit", "min"], "expected a unit of time"),
    ],
)
def test_wrong_use(table: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["signals", str(table), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_figures_of_a_prefix_are_the_same(table: Path) -> None:
    read = read_signals(table)
    with pytest.raises(ConfigError):
        figures(read, 60, 0)
    whole = figures(read, 60, 60)
    shorter = type(read)(tuple(each.between(0, 200) for each in read.signals))
    part = figures(shorter, 60, 60)
    assert part
    assert list(part) == list(whole[: len(part)])


def test_marks_are_listed_with_their_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{i},{2 + i % 5 / 10},{'clap' if i % 20 == 7 else ''}" for i in range(400)]
    (tmp_path / "x.csv").write_text("time_s,Channel 1,event\n" + "\n".join(rows))
    assert main(["signals", str(tmp_path / "x.csv"), "--kind", "Chan*=eda"]) == 0
    printed = capsys.readouterr().out
    assert "mark #2 at 27.0 s: clap" in printed
    assert "and 10 more marks; --json has all" in printed
    assert "Channel 1: skin_level" in printed


def test_a_board_is_needed_for_a_file_without_a_header(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.csv").write_text("1\t2\t3\n4\t5\t6\n")
    assert main(["signals", str(tmp_path / "x.csv")]) == 1
    assert "if BrainFlow wrote it, say of which board with --board" in capsys.readouterr().err


def test_the_file_that_is_read_is_never_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "body.csv"
    table.write_text("time_s,eda\n" + "\n".join(f"{i / 4},{2 + i % 7 / 100}" for i in range(400)))
    before = table.read_bytes()
    for out, words in (
        ("body.csv", "--out: body.csv is the file that is read"),
        ("body.xdf", "--out: expected a name that ends in .csv or .edf, received body.xdf"),
    ):
        assert main(["signals", "body.csv", "--out", out]) == 2
        assert words in capsys.readouterr().err
    assert table.read_bytes() == before
    assert not (tmp_path / "body.edf").exists()
    assert main(["signals", ""]) == 2
    assert "which file?" in capsys.readouterr().err
    (tmp_path / "x.edf").write_bytes(b"0")
    assert main(["signals", "x.edf", "--time-unit", "s"]) == 2
    assert "a time unit is said only of tables" in capsys.readouterr().err
    assert main(["signals", "body.csv", "--rest", "0-inf"]) == 2
    assert "--rest: expected seconds FROM-TO" in capsys.readouterr().err
    assert main(["signals", "body.csv"]) == 0
    assert "arousal: not known; it needs pulse" in capsys.readouterr().out
