"""Where a joint run starts: from chance, from an earlier run, or not at all where there is a checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.errors import ModelError
from mien.train.recipe import JointRecipe
from mien.train.run import first_weights
from mien.train.run_folder import LoopState, save_checkpoint
from small_joint import small_recipe, striped_faces

pytestmark = pytest.mark.training

FACES = striped_faces(7).images


def earlier_run(folder: Path, recipe: JointRecipe) -> tuple[Path, list[np.ndarray]]:
    model = recipe.build(landmarks=True, given_away=True)
    random = np.random.default_rng(3)
    model.set_weights([random.normal(size=weight.shape) for weight in model.get_weights()])
    path = folder / "earlier.keras"
    model.save(path)
    return path, model.get_weights()


def test_a_network_goes_on_from_an_earlier_run(tmp_path: Path) -> None:
    recipe = small_recipe()
    path, weights = earlier_run(tmp_path, recipe)
    prime, source = first_weights(recipe, tmp_path / "run", faces=FACES, start=path)
    model = recipe.build(landmarks=True)
    prime(model)
    assert source == str(path)
    for got, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_without_a_file_it_starts_from_chance(tmp_path: Path) -> None:
    prime, source = first_weights(small_recipe(), tmp_path, faces=FACES)
    model = small_recipe().build(landmarks=True)
    before = model.get_weights()
    prime(model)
    assert source == "random"
    assert all((got == old).all() for got, old in zip(model.get_weights(), before, strict=True))


def test_a_checkpoint_goes_before_the_file(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "checkpoint.npz", LoopState("x"), {})
    start = tmp_path / "missing.keras"
    assert first_weights(small_recipe(), tmp_path, faces=FACES, start=start)[1] == "the run's checkpoint"


def test_rubbish_and_another_network_are_refused_in_one_line(tmp_path: Path) -> None:
    recipe = small_recipe()
    (tmp_path / "rubbish.keras").write_bytes(b"no archive")
    for name in ("rubbish.keras", "missing.keras"):
        with pytest.raises(ModelError, match=rf"{name}: expected the \.keras file of an earlier run"):
            first_weights(recipe, tmp_path, faces=FACES, start=tmp_path / name)
    path, _ = earlier_run(tmp_path, recipe)
    wider = recipe.model_copy(update={"network": recipe.network.model_copy(update={"widths": (4, 8)})})
    prime, _ = first_weights(wider, tmp_path, faces=FACES, start=path)
    with pytest.raises(ModelError, match="holds another network than the recipe's"):
        prime(wider.build(landmarks=True))
