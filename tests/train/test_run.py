"""A recipe that stands on others: each is trained once, with its part of the minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mien.errors import ConfigError, ModelError
from mien.expression.network import find_network
from mien.train import run
from mien.train.recipe import JointRecipe, change_recipe, parse_config, read_recipe

EPOCHS = {
    "mien-large": 36, "mien-alone": 40, "mien-mobilenet": 24, "mien-taught": 16,
    "mien-fine": 12, "mien-plain": 18, "mien": 16,
}  # fmt: skip


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[JointRecipe]:
    """What was trained, in order; a recipe is finished if the very same was trained."""
    done: list[JointRecipe] = []

    def train_alone(recipe: JointRecipe, data: Path, folder: Path, *_: Any, **__: Any) -> str:
        assert folder.name == recipe.name
        done.append(recipe)
        return recipe.name

    monkeypatch.setattr(run, "train_alone", train_alone)
    monkeypatch.setattr(run, "is_finished", lambda recipe, data, folder: recipe in done)
    return done


def asked(minutes: float | None, seed: int = 3) -> JointRecipe:
    recipe = change_recipe(read_recipe("mien"), minutes=minutes, seed=seed)
    assert isinstance(recipe, JointRecipe)
    return recipe


@pytest.mark.parametrize("minutes", [None, 0.05, 1, 7, 10, 20, 30, 60, 90, 600])
def test_each_is_trained_once_whatever_the_minutes(trained: list[JointRecipe], minutes: float | None) -> None:
    assert run.train(asked(minutes), Path("data"), folder=Path("runs/mien")) == "mien"
    assert [recipe.name for recipe in trained] == [
        "mien-mobilenet", "mien-large", "mien-alone", "mien-taught", "mien-fine", "mien-plain", "mien",
    ]  # fmt: skip
    assert {recipe.seed for recipe in trained} == {3}
    if minutes is None:
        assert all(recipe.fit.minutes is None for recipe in trained)
        return
    shares = {recipe.name: recipe.fit.minutes / minutes for recipe in trained if recipe.fit.minutes}
    assert shares == pytest.approx({name: epochs / 162 for name, epochs in EPOCHS.items()})


def test_the_same_command_trains_nothing_before_it_again(trained: list[JointRecipe]) -> None:
    for _ in range(2):
        run.train(asked(60), Path("data"), folder=Path("runs/mien"))
    assert [recipe.name for recipe in trained].count("mien-taught") == 1
    assert trained[-1] == trained[-2]


def test_a_recipe_that_stands_on_itself_is_refused(trained: list[JointRecipe]) -> None:
    circular = asked(None).model_copy(update={"starts_from": "mien"})
    with pytest.raises(ConfigError, match="builds on itself"):
        run.train(circular, Path("data"), folder=Path("runs/mien"))


def test_a_network_that_comes_with_mien_is_not_trained_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen: dict[str, Any] = {}
    monkeypatch.setattr(run, "train_alone", lambda *_, **networks: chosen.update(networks))
    (tmp_path / "mien.onnx").touch()
    mine = str(tmp_path / "mien.onnx")
    joint = {"kind": "joint", "name": "a", "starts_from": "mien.onnx", "taught_by": [mine, "mien.onnx"]}
    run.train(parse_config(joint, "a"), Path("data"), folder=tmp_path / "a")
    assert chosen == {"start": find_network("mien"), "teachers": [Path(mine), find_network("mien")]}
    labels = {"name": "a", "network": {"weights": "mien.onnx"}, "fit": {"teacher": "zhou"}}
    run.train(parse_config(labels, "a"), Path("data"), folder=tmp_path / "a")
    assert chosen == {"start": find_network("mien"), "teachers": [find_network("zhou")]}


def test_a_network_that_is_missing_is_told_before_anything_is_trained(trained: list[JointRecipe]) -> None:
    recipe = asked(None).model_copy(update={"taught_by": ("mien-plain", "gone.onnx")})
    with pytest.raises(ModelError, match=r"gone\.onnx: no such network; built in: "):
        run.train(recipe, Path("data"), folder=Path("runs/mien"))
    assert trained == []
