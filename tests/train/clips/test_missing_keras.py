"""Training on clips without Keras: said before the clips are read, which may take hours."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.errors import ConfigError, DatasetError
from mien.pipeline import Pipeline
from mien.train.clips.micro_run import train_micro
from mien.train.clips.run import train_clips
from mien.train.clips.sentiment_run import train_sentiment
from mien.train.recipe import read_any_recipe

pytestmark = pytest.mark.training


@pytest.mark.parametrize(
    ("recipe", "train"),
    [("happy-video", train_clips), ("video-sentiment", train_sentiment), ("micro", train_micro)],
)
def test_what_is_missing_is_said_before_the_clips_are_read(
    recipe: str, train: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setattr(Pipeline, "__init__", lambda self, settings: pytest.fail("clips are read"))
    table = tmp_path / "CLIPS.csv"
    with pytest.raises(DatasetError):  # of the table first: it may be that alone
        train(read_any_recipe(recipe), table, folder=tmp_path / "run")
    rows = [
        f"{number}.mp4,{('happiness', 'surprise')[number % 2]},P{number},{split},0.1,0.2"
        for number, split in enumerate(("train", "train", "validation", "validation", "test", "test"))
    ]
    table.write_text("path,label,person,split,onset_s,apex_s\n" + "\n".join(rows))
    for number in range(6):
        (tmp_path / f"{number}.mp4").write_bytes(b"")
    with pytest.raises(ConfigError, match="training needs Keras and its backend"):
        train(read_any_recipe(recipe), table, folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()
