from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_1samp

pytest.importorskip("keras")

from mien.expression.sidecar import Effort
from mien.train.compare.contest import Entry, Measured, Row
from mien.train.compare.plan import Question
from mien.train.compare.report import accuracy_picture, text, write_comparison
from mien.train.compare.table import HEAD, cells, differences, lines, with_spread

ASK = (Question("with, against without", "with", "without", ("accuracy", "ccc_valence", "kl")),)


def row(name: str, seed: int | None, accuracy: float, minutes: float | None = 12.0, **figures: float) -> Row:
    effort = None if minutes is None else Effort(epochs=3, core_minutes=minutes)
    found = Measured({"accuracy": accuracy, **figures}, 58_423, 5_500_000, 134_000, 0.2, effort)
    return Row(Entry(name, seed, Path(f"{name}.onnx")), found)


def test_runs_of_a_network_become_one_line_with_their_spread() -> None:
    values = [0.61, 0.64, 0.625]
    rows = [row("zhou", None, 0.65)] + [row("zhou", 7 + n, value, 10 + n) for n, value in enumerate(values)]
    runs, alone = lines(rows)
    assert (runs.name, runs.seeds, alone.seeds) == ("zhou", 3, 0)
    assert runs.mean("accuracy") == pytest.approx(np.mean(values))
    assert with_spread(runs, "accuracy") == "62.5 ± 1.5 %"
    assert runs.core_minutes == pytest.approx(11)
    assert with_spread(alone, "accuracy") == "65.0 %"
    assert with_spread(alone, "kl") == "-"
    written = dict(zip(HEAD, cells(runs), strict=True))
    assert (written["seeds"], written["weights"], written["MB"]) == ("3", "58 k", "0.13")
    assert dict(zip(HEAD, cells(alone), strict=True))["seeds"] == "as is"


def test_of_divergence_and_calibration_error_less_is_better() -> None:
    rows = [row("with", seed, 0.5, kl=0.3 + seed / 1000) for seed in (7, 8, 9)]
    rows += [row("without", seed, 0.4, kl=0.4 + seed / 999) for seed in (7, 8, 9)]
    verdicts = {each.figure: each.verdict for each in differences(rows, ASK)}
    assert verdicts == {"accuracy": "better", "kl": "better"}


def test_networks_taken_as_they_are_never_become_one() -> None:
    assert [line.name for line in lines([row("a", None, 0.5), row("a", None, 0.7)])] == ["a", "a"]


def test_names_in_the_picture_can_be_read_and_variants_stand_elsewhere() -> None:
    names = ["mien", "paper", "zhou", "edges-none"]
    rows = [row(name, 7, 0.6 + 0.001 * n) for n, name in enumerate(names)] + [row("shcnn", None, 0.7)]
    figure = accuracy_picture(lines(rows))
    figure.savefig(BytesIO())  # lays it out
    for axes in figure.axes:
        written = [(each.get_text(), each.get_window_extent()) for each in axes.texts]
        assert [name for name, _ in written] == ["mien", "paper", "zhou", "shcnn"]
        overlaps = [(a, b) for a, one in written for b, other in written if a < b and one.overlaps(other)]
        assert overlaps == []
    alone = accuracy_picture(lines(rows[3:4]))
    assert [each.get_text() for each in alone.axes[0].texts] == ["edges-none"]


def test_time_that_was_not_counted_is_not_told() -> None:
    [line] = lines([row("a", 7, 0.5, 10), row("a", 8, 0.5, None)])
    assert np.isnan(line.core_minutes)
    assert cells(line)[-1] == "-"


def test_a_gain_is_that_of_runs_with_the_same_seed() -> None:
    one, other = [0.60, 0.62, 0.64], [0.59, 0.60, 0.61]
    rows = [row("with", seed, value) for seed, value in zip((7, 8, 9), one, strict=True)]
    rows += [row("without", seed, value) for seed, value in zip((9, 8, 7), other[::-1], strict=True)]
    rows += [row("without", 10, 0.1), row("with", None, 0.9)]
    [found] = differences(rows, ASK)
    expected = np.subtract(one, other)
    assert found.gains == pytest.approx(expected)
    assert found.mean == pytest.approx(0.02)
    assert (found.low, found.high) == pytest.approx(ttest_1samp(expected, 0).confidence_interval(0.95))
    assert found.verdict == "no difference shown"


def test_the_verdict_follows_the_interval() -> None:
    def verdict(*gains: float) -> str:
        rows = [row("with", seed, 0.5 + gain) for seed, gain in enumerate(gains)]
        [found] = differences(rows + [row("without", seed, 0.5) for seed in range(len(gains))], ASK)
        return found.verdict

    assert verdict(0.100, 0.101, 0.102) == "better"
    assert verdict(-0.100, -0.101, -0.102) == "worse"
    assert verdict(0.1, -0.1, 0.1) == "no difference shown"
    assert verdict(0.3) == "one seed: unknown"
    assert differences([row("with", 7, 0.5)], ASK) == []


def test_everything_is_written(tmp_path: Path) -> None:
    rows = [row(name, seed, 0.6, ccc_valence=0.5) for name in ("edges", "edges-none") for seed in (7, 8)]
    rows.append(row("paper", None, 0.66, None))
    written = write_comparison(tmp_path / "new", rows, faces=3_579, flips=True)
    assert sorted(path.name for path in written) == [
        "ablations.png", "comparison.csv", "comparison.json", "comparison.md", "comparison.webp",
    ]  # fmt: skip
    assert all(path.stat().st_size > 200 for path in written)
    told = (tmp_path / "new" / "comparison.md").read_text()
    assert "3,579 faces, each averaged with its mirror image" in told
    assert "edges over every layer, against none" in told
    assert (
        told.index("| edges | 2 |")
        < told.index("<!-- figures: networks -->")
        < told.index("| paper | as is |")
    )
    assert "88.56 % on average" in told  # what papers print stands beside, with its remark
    assert len((tmp_path / "new" / "comparison.csv").read_text().splitlines()) == 6


def test_without_runs_nothing_is_asked() -> None:
    alone = text(lines([row("paper", None, 0.66)]), [], faces=1, flips=False)
    assert "What one thing gains" not in alone
    assert "On one budget" not in alone
