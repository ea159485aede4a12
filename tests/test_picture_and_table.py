"""What is drawn of a file is what its table says: clips, plots and the Files page, read back."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

import mien
from mien.analysis.one_input import marked_clip
from mien.labels import EMOTIONS, UNCERTAIN
from mien.recording import Recording
from mien.show.course import MOST_POINTS
from mien.table import PROBABILITIES, read_table, rows, table_frame
from mien.types import Faces, Frame, Image
from mien.web.uploads import preview
from show.read_back import read_panel, read_tag


def frames_of(clip: Path) -> list[Image]:
    with av.open(str(clip)) as opened:
        return [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]


def said(row: pd.Series[float]) -> tuple[str, int | None]:
    """What a tag has to say of a row."""
    uncertain = row["expression"] == UNCERTAIN
    return row["expression"], None if uncertain else round(100 * row["confidence"])


def a_face(probabilities: np.ndarray, confidence: float, *, expression: int | None = None) -> Faces:
    label = int(probabilities.argmax()) if expression is None else expression
    return Faces(
        np.array([[240.0, 120.0, 400.0, 300.0]]), track=[0], probabilities=[probabilities],
        expression=[label], confidence=[confidence], valence=[0.25], arousal=[0.5],
    )  # fmt: skip


def a_film(count: int) -> tuple[list[Frame], list[Faces]]:
    """A face whose expression changes from frame to frame; every fifth is uncertain."""
    rng, grey = np.random.default_rng(5), np.full((360, 640, 3), 128, np.uint8)
    shares = rng.dirichlet(np.full(8, 0.3), count)
    # The confidence is a figure of its own, not the highest probability.
    faces = [
        a_face(each, rng.uniform(), expression=-1 if place % 5 == 4 else None)
        for place, each in enumerate(shares)
    ]
    return [Frame(grey, place, place / 30, "film.mp4") for place in range(count)], faces


def a_table(count: int) -> pd.DataFrame:
    return table_frame(
        [row for frame, faces in zip(*a_film(count), strict=True) for row in rows(frame, faces)]
    )


@pytest.mark.exhaustive
def test_every_frame_of_a_clip_says_what_its_row_says(tmp_path: Path) -> None:
    table = a_table(6)
    with marked_clip(tmp_path / "clip.mp4", None) as mark:
        for frame, faces in zip(*a_film(6), strict=True):
            mark(frame, faces)
    for place, image in enumerate(frames_of(tmp_path / "clip.mp4")):
        row = table.iloc[place]
        assert read_tag(image, row["x"], row["y"]) == said(row)
        assert read_panel(image, table[list(PROBABILITIES)].to_numpy()) == place


@pytest.fixture(scope="module")
def analysed(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what `mien analyze --annotate` made of a face that grins, and is neutral in the end."""
    folder = tmp_path_factory.mktemp("analysed")
    mien.analyze(shared / "data" / "video" / "single_face.mp4", out=folder, annotate=True)
    return folder


@pytest.mark.exhaustive
def test_the_grin_and_the_last_frame_are_labelled_as_in_the_table(analysed: Path) -> None:
    table = read_table(analysed / "table.csv")
    frames = frames_of(analysed / "single_face.annotated.mp4")
    assert len(frames) == len(table)
    grin = int(table["p_happiness"].idxmax())
    change = int((table["expression"] != table["expression"].shift()).to_numpy()[1:].argmax()) + 1
    for place in (0, change - 1, change, grin, len(table) - 2, len(table) - 1):
        row = table.iloc[place]
        assert read_tag(frames[place], row["x"], row["y"]) == said(row)
    assert said(table.iloc[grin])[0] == "happiness"
    assert said(table.iloc[-1])[0] == "neutral"


def plotted(table: pd.DataFrame) -> tuple[dict[str, np.ndarray], str]:
    """The lower lines of a plot by their names, and all words in it."""
    record = {"source": "film.mp4", "kind": "video", "duration_s": None, "coverage": None}
    figure = Recording(table, {"recordings": [record]}).plot()
    lines = {str(line.get_label()): np.asarray(line.get_xydata()) for line in figure.axes[1].lines}
    return lines, " | ".join(text.get_text() for text in figure.findobj(Text))


def test_a_plots_lines_are_the_tables_columns() -> None:
    table = a_table(60).assign(valence=np.linspace(-1, 1, 60))
    lines, words = plotted(table)
    for name in ("valence", "arousal"):
        np.testing.assert_array_equal(lines[name][:60], table[["time_s", name]])
    assert "smoothed" not in words


def test_a_long_plot_says_that_it_is_smoothed() -> None:
    count = MOST_POINTS * 4
    table = pd.concat([a_table(4)] * MOST_POINTS, ignore_index=True).assign(time_s=np.arange(count) / 30)
    lines, words = plotted(table.assign(valence=np.arange(count) / count))
    assert set(lines) & {"valence", "arousal"} == set()
    assert "probability, smoothed\n(means of 0.13 s)" in words
    # Centred: a rising line stays where it is, but for the ends.
    times_s, means = lines["valence, smoothed"][10:-10].T
    np.testing.assert_allclose(means, times_s * 30 / count, atol=1e-6)


def files_timeline(table: pd.DataFrame, tmp_path: Path) -> dict[str, object]:
    """What the Files page gets of a table, through JSON."""
    table.to_csv(tmp_path / "table.csv", index=False)
    record = {"rows": len(table), "duration_s": None, "coverage": None}
    told: dict[str, object] = json.loads(json.dumps(preview.timeline(tmp_path / "table.csv", record, 1)))
    return told


def test_the_files_page_gets_the_tables_rows(tmp_path: Path) -> None:
    table = a_table(40)
    (face,) = files_timeline(table, tmp_path)["faces"]  # type: ignore[misc, attr-defined]
    assert face["read"]["expression"] == table["expression"].tolist()
    assert face["read"]["confidence"] == table["confidence"].tolist()
    assert face["smoothed_s"] is None
    drawn = np.array([each for each in face["probabilities"] if each is not None][:40])
    np.testing.assert_allclose(drawn, table[[f"p_{label}" for label in EMOTIONS]], atol=5e-4)
