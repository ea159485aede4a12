"""A training run on a table of clips: what it leaves, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("keras")

import mien
from cli.helpers import save_clip
from mien.errors import DatasetError
from mien.train.clips.sentiment_run import polarities, train_sentiment
from mien.train.networks.sentiment import Sentiment, SentimentFit
from mien.train.sentiment_recipe import SentimentData, SentimentRecipe


def table_of_scenes(folder: Path) -> Path:
    """Clips of eight places, in which it is dark all the time, or bright for a second."""
    rows = []
    for place in range(8):
        for bright in (False, True):
            path = folder / f"{place}-{bright}.mp4"
            second = 1 + place % 3
            frames = [
                np.full((32, 32, 3), 220 if bright and number // 2 == second else 30 + place, np.uint8)
                for number in range(10)
            ]
            save_clip(path, frames, rate_hz=2)
            onset = second if bright else np.nan
            rows.append(
                {
                    "path": path.name, "label": "positive" if bright else "neutral", "person": f"P{place}",
                    "onset_s": onset, "offset_s": onset + 1, "valence": float(bright), "arousal": 0.0,
                    "split": ("train", "train", "train", "train", *["validation"] * 2, *["test"] * 2)[place],
                }
            )  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "clips.csv", index=False)
    return folder / "clips.csv"


RECIPE = SentimentRecipe(
    name="mine",
    data=SentimentData(input="scene", size_px=16, frames_per_second=2),
    network=Sentiment(width=4, features=4, units=4),
    fit=SentimentFit(epochs=3, batch=4, learning_rate=0.02),
)


def test_a_network_of_ones_own_scenes(tmp_path: Path) -> None:
    table = table_of_scenes(tmp_path)
    run = train_sentiment(RECIPE, table, folder=tmp_path / "run", terms="ours")
    assert run.network == tmp_path / "run" / "mine.onnx"
    assert "planted seconds found" in (tmp_path / "run" / "mine.md").read_text()
    assert set(run.metrics) == {"validation", "test"}
    found = mien.sentiment(tmp_path / "7-True.mp4", network=run.network)
    assert found.seen == "scene"
    assert len(found.course) == 5
    kept = list((tmp_path / "run" / "seconds").iterdir())
    assert len(kept) == 16
    before = {path: path.stat().st_mtime_ns for path in kept}
    train_sentiment(RECIPE, table, folder=tmp_path / "run")
    assert {path: path.stat().st_mtime_ns for path in kept} == before


def test_a_clip_without_a_face_teaches_nothing_and_is_counted(tmp_path: Path) -> None:
    lines: list[str] = []
    recipe = RECIPE.model_copy(update={"data": SentimentData(frames_per_second=2)})
    with pytest.raises(DatasetError, match="no readable clips of two categories"):
        train_sentiment(recipe, table_of_scenes(tmp_path), folder=tmp_path / "run", say=lines.append)
    assert "16 clips without anything to read are left out" in lines


def test_a_label_without_a_polarity_is_asked_for() -> None:
    with pytest.raises(DatasetError, match="the label bored has no polarity"):
        polarities(["neutral", "bored"], {})
    assert polarities(["neutral", "bored"], {"bored": "negative"}) == ("neutral", "negative")
