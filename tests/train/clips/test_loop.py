"""Training on clips is interrupted: it goes on from the last whole epoch, and ends in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("keras")

from mien.errors import DatasetError
from mien.train.clip_recipe import ClipData, ClipFit, ClipRecipe
from mien.train.clips import run as clips_run
from mien.train.clips.faces import ClipFaces
from mien.train.clips.fit import fit
from mien.train.clips.loop import Place, fingerprint, train_epochs
from mien.train.clips.run import train_clips
from mien.train.clips.sentiment import Example, fit_sentiment
from mien.train.networks.happy_video import HappyVideo
from mien.train.networks.sentiment import Sentiment, SentimentFit
from mien.train.pace import Pace
from mien.train.run_folder import read_checkpoint

RECIPE = ClipRecipe(
    name="small",
    data=ClipData(frames=4),
    network=HappyVideo(widths=(4, 4), branch=2, units=4, dropout=0.3),
    fit=ClipFit(epochs=4, batch=4, learning_rate=0.01, patience=None),
)


def faces(count: int, seed: int) -> tuple[ClipFaces, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = np.arange(count) % 2 == 0
    crops = random.integers(0, 256, (count, 4, 64, 64)).astype(np.uint8)
    distances = (random.normal(0, 1, (count, 4, 67)) + truth[:, None, None]).astype(np.float32)
    half = np.full(count, 0.5)
    return ClipFaces(np.arange(count), crops, distances, half + 2, half, half), truth


LEARNT, UNSEEN = faces(12, 0), faces(8, 1)


def stops_after(epochs: int) -> Any:
    """A report that presses Ctrl-C in the epoch after so many."""

    def report(row: dict[str, float]) -> None:
        if row["epoch"] == epochs:
            raise KeyboardInterrupt

    return report


def same(first: Any, second: Any) -> bool:
    return all(map(np.array_equal, first.get_weights(), second.get_weights()))


def test_an_interrupted_training_ends_as_one_that_was_not(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(RECIPE, *LEARNT, UNSEEN, stops_after(2), folder=tmp_path)
    assert read_checkpoint(tmp_path / "checkpoint.npz")[0].epoch == 2
    kept, history = fit(RECIPE, *LEARNT, UNSEEN, folder=tmp_path, finished=True)
    assert len(history) == 2
    resumed, history = fit(RECIPE, *LEARNT, UNSEEN, folder=tmp_path)
    whole, all_at_once = fit(RECIPE, *LEARNT, UNSEEN)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert [row["validation_loss"] for row in history] == [row["validation_loss"] for row in all_at_once]
    assert same(resumed, whole)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 5
    best = 1 + int(np.argmin([row["validation_loss"] for row in history]))
    assert same(kept, whole) == (best <= 2)
    with pytest.raises(DatasetError, match="another recipe or other data"):
        fit(RECIPE, *faces(12, 5), UNSEEN, folder=tmp_path)


class Clock:
    """Stands for a network of which each batch takes a minute."""

    def __init__(self) -> None:
        self.now_s, self.batches = 0.0, 0
        self.optimizer, self.trainable_variables = self, []

    def build(self, variables: list[Any]) -> None:
        pass

    def get_weights(self) -> list[Any]:
        return []

    def set_weights(self, weights: list[Any]) -> None:
        pass

    def train_on_batch(self, inputs: Any, targets: Any, return_dict: bool) -> dict[str, float]:
        self.now_s, self.batches = self.now_s + 60, self.batches + 1
        return {"loss": 1.0}


@pytest.mark.parametrize(
    ("minutes", "batches", "epochs"), [(2.5, 3, 1), (12, 10, 1), (17, 17, 2), (60, 30, 3)]
)
def test_minutes_end_an_epoch_between_two_batches(
    monkeypatch: pytest.MonkeyPatch, minutes: float, batches: int, epochs: int
) -> None:
    clock = Clock()
    monkeypatch.setattr("mien.train.clips.loop.time.monotonic", lambda: clock.now_s)
    state = train_epochs(
        clock, clock, lambda random: [(None, None)] * 10, lambda: {"loss": 1.0},
        pace=Pace(3, 10, 0.1, 0.0, minutes=minutes), place=Place(), report=lambda row: None,
    )  # fmt: skip
    assert (clock.batches, state.epoch) == (batches, epochs)


def test_ctrl_c_leaves_a_network_and_the_same_call_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"")
    split = ["train"] * 12 + ["validation"] * 8 + ["test"] * 8
    rows = [
        {"path": "clip.mp4", "label": ("happiness", "neutral")[number % 2], "split": part,
         "person": f"{part}{number // 2}"}
        for number, part in enumerate(split)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "CLIPS.csv", index=False)
    monkeypatch.setattr(clips_run, "read_faces", lambda *these: faces(28, 2)[0])
    said: list[str] = []

    def press(line: str) -> None:
        said.append(line)
        if line.startswith("epoch 2") and sum(each.startswith("epoch 2") for each in said) == 1:
            raise KeyboardInterrupt

    call = {"folder": tmp_path / "run", "terms": "ours", "say": press}
    with pytest.raises(KeyboardInterrupt):
        train_clips(RECIPE, tmp_path / "CLIPS.csv", **call)
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left >= {"small.onnx", "small.json", "MODEL_CARD.md", "figures.json", "test.csv", "checkpoint.npz"}
    run = train_clips(RECIPE, tmp_path / "CLIPS.csv", **call)
    assert [line[:7] for line in said if line.startswith("epoch")] == [
        "epoch 1",
        "epoch 2",
        "epoch 3",
        "epoch 4",
    ]
    assert set(run.test) == {"features", "decisions", "frames", "distances", "mean", "maximum"}
    other = RECIPE.model_copy(update={"seed": 5})
    with pytest.raises(DatasetError, match=r"another recipe \(seed is 0 there, 5 here\)"):
        train_clips(other, tmp_path / "CLIPS.csv", **call)


def test_sentiment_goes_on_too(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    clips = [
        Example(random.normal(number % 3, 1, (5, 6)).astype(np.float32), number % 3, np.zeros(2, np.float32))
        for number in range(18)
    ]
    signs = np.array([-1.0, 0.0, 1.0], np.float32)

    def learn(report: Any, place: Place | None) -> Any:
        how = SentimentFit(epochs=3, batch=6)
        return fit_sentiment(Sentiment(units=4), how, clips, clips, signs=signs, report=report, place=place)

    place = Place(tmp_path, fingerprint("", (array for clip in clips for array in clip.learnt)))
    with pytest.raises(KeyboardInterrupt):
        learn(stops_after(1), place)
    rows: list[dict[str, float]] = []
    assert same(learn(rows.append, place), learn(lambda row: None, None))
    assert [row["epoch"] for row in rows] == [2, 3]
