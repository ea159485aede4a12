from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from mien.errors import OutputError
from mien.labels import EMOTIONS
from mien.show.palette import HEX
from mien.show.timeline import clock, save_figure, timeline
from show.tables import some_rows

EMPTY = some_rows([])


def words(figure: Figure) -> str:
    return " | ".join(text.get_text() for text in figure.findobj(Text) if text.get_visible())


def test_bands_are_as_thick_as_the_probabilities() -> None:
    rows = some_rows([0.0, 0.1, 0.2])
    bands = timeline(rows).axes[0].collections
    assert [band.get_label() for band in bands] == list(reversed(EMOTIONS))
    for band in bands:
        reached = rows.loc[
            1, [f"p_{label}" for label in EMOTIONS[: EMOTIONS.index(band.get_label()) + 1]]
        ].sum()
        corners = band.get_paths()[0].vertices
        assert corners[np.isclose(corners[:, 0], 0.1), 1].max() == pytest.approx(reached)


def test_a_label_that_the_network_has_not_is_left_out() -> None:
    assert "contempt" not in words(timeline(some_rows([0.0, 0.1]).assign(p_contempt=np.nan)))


def test_no_face_is_told() -> None:
    assert "no face found" in words(timeline(EMPTY, duration_s=3.9, coverage=0.0))
    assert "no face read" in words(timeline(some_rows([0.0, 0.1], label=None)))
    assert "no face" not in words(timeline(some_rows([0.0])))


def test_three_faces_are_drawn_and_the_others_counted() -> None:
    faces = [some_rows(np.arange(count) / 25, track=track) for track, count in enumerate([5, 50, 3, 40, 30])]
    table = pd.concat(faces).sort_values("time_s", kind="stable", ignore_index=True)
    said = words(timeline(table))
    assert [number for number in range(5) if f"face {number}" in said] == [1, 3, 4]
    assert "not drawn: 2 more faces, 8 of 128 rows" in said


def test_title_and_coverage_are_printed_as_they_are() -> None:
    said = words(timeline(some_rows([0.0, 0.1]), title="a$b$_{.mp4", coverage=0.873))
    assert "a$b$_{.mp4" in said
    assert "coverage 87\N{NO-BREAK SPACE}%" in said


@pytest.mark.parametrize(
    ("duration_s", "expected"), [(0.04, "0.01"), (19.7, "18"), (300.0, "4:30"), (7200.0, "1:50:00")]
)
def test_the_time_axis_is_read_like_a_clock(duration_s: float, expected: str) -> None:
    figure = timeline(some_rows([0.0, 0.01]), duration_s=duration_s)
    figure.draw_without_rendering()
    assert f"| {expected} |" in words(figure)
    assert figure.axes[-1].get_xlim() == pytest.approx((0, duration_s))
    assert 3 <= len(figure.axes[-1].get_xticks()) <= 16


def test_clock() -> None:
    assert [clock(time_s) for time_s in (0, 65, 3599.6, 3605)] == ["0:00", "1:05", "1:00:00", "1:00:05"]


@pytest.mark.parametrize("name", ["plot.png", "new/plot.svg", "plot.pdf"])
def test_it_is_saved_whole(tmp_path: Path, name: str) -> None:
    save_figure(timeline(some_rows(np.arange(50) / 25), title="视频.mp4"), tmp_path / name)
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [Path(name).name]
    assert (tmp_path / name).stat().st_size > 5000


@pytest.mark.parametrize(("fonts", "drawn"), [((), False), (("no such font", "DejaVu Sans Mono"), True)])
def test_a_character_that_the_font_lacks_comes_from_one_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fonts: tuple[str, ...], drawn: bool
) -> None:
    # Of the fonts that Matplotlib brings; those of the system differ by machine.
    monkeypatch.setattr("mien.show.timeline._OTHER_SCRIPTS", fonts)
    save_figure(timeline(some_rows([0.0]), title="a\N{ARC}.mp4"), tmp_path / "plot.svg")
    assert ('id="DejaVuSansMono-' in (tmp_path / "plot.svg").read_text()) == drawn


@pytest.mark.parametrize("rows", [EMPTY, some_rows([0.0]), some_rows(np.arange(9000) / 25)])
def test_short_and_long_ones_show_their_colours(tmp_path: Path, rows: pd.DataFrame) -> None:
    save_figure(timeline(rows), tmp_path / "plot.png")
    picture = np.asarray(Image.open(tmp_path / "plot.png").convert("RGB"))
    yellow = [int(HEX["happiness"][place : place + 2], 16) for place in (1, 3, 5)]
    assert ((picture == yellow).all(axis=2).sum() > 500) == bool(len(rows))


def test_a_name_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        save_figure(timeline(EMPTY), tmp_path / "file" / "plot.png")
    with pytest.raises(OutputError, match=r"expected a name in \.png, \.svg, \.pdf, received '\.xyz'"):
        save_figure(timeline(EMPTY), tmp_path / "plot.xyz")


def test_rows_that_do_not_belong_together() -> None:
    rows = some_rows([0.0, 0.1])
    with pytest.raises(ValueError, match="expected the rows of one source"):
        timeline(rows.assign(source=["a.mp4", "b.mp4"]))


@pytest.mark.exhaustive
def test_no_window_system_is_touched() -> None:
    code = "import sys, mien.show.timeline; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
