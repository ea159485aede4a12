from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras")
pytest.importorskip("skimage")

from mien.errors import DatasetError
from mien.train.data.negatives import Negatives
from mien.train.evaluate.validation import landmark_errors, validation_figures
from mien.train.export.write import deploy, outputs_of
from mien.train.fit import Progress, first_state, fit, kept_network, predict
from mien.train.recipe import JointRecipe
from small_joint import SIZE_PX, small_recipe, striped_faces

TRAIN, VALIDATION = striped_faces(50, 0), striped_faces(21, 1)


class Stop(Exception):  # noqa: N818
    pass


def fitted(folder: Path, recipe: Any = None, report: Any = lambda progress: None) -> Any:
    folder.mkdir(exist_ok=True)
    return fit(recipe or small_recipe(), TRAIN, VALIDATION, folder=folder, report=report)


TIMES = {"seconds": 0, "core_seconds": 0}


def test_a_resumed_run_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    def stop_after_one(progress: Progress) -> None:
        if progress.epoch == 2 and progress.row is None:
            raise Stop

    whole, state = fitted(tmp_path / "whole")
    with pytest.raises(Stop):
        fitted(tmp_path / "cut", report=stop_after_one)
    resumed, resumed_state = fitted(tmp_path / "cut")
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(state.history, resumed_state.history, strict=True):
        assert one | TIMES == other | TIMES
    assert (tmp_path / "cut" / "log.csv").read_text().count("\n") == 3

    kept, kept_state = kept_network(small_recipe(), TRAIN, tmp_path / "cut")
    assert kept_state.epoch == 2
    for one, other in zip(kept.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)

    with pytest.raises(DatasetError, match="another recipe"):
        fitted(tmp_path / "cut", small_recipe(learning_rate=0.02))
    network = {"architecture": "residual", "widths": [5, 6], "blocks": [1]}
    other = JointRecipe.model_validate(small_recipe().model_dump() | {"network": network})
    with pytest.raises(DatasetError, match="another network"):
        kept_network(other, TRAIN, tmp_path / "cut")


def test_it_learns(tmp_path: Path) -> None:
    _, state = fitted(tmp_path, small_recipe(epochs=6, average=0.9, mixup=0.0, wild=0.0))
    assert state.history[-1]["loss"] < 0.9 * state.history[0]["loss"]


def test_too_few_faces_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"fit\.batch"):
        fitted(tmp_path, small_recipe(batch=64))


def test_what_is_given_away_answers_like_what_was_trained() -> None:
    for landmarks in (True, False):
        model, _ = first_state(small_recipe(), striped_faces(14, landmarks=landmarks))
        random = np.random.default_rng(0)
        model.set_weights([weight + random.uniform(0, 0.05, weight.shape) for weight in model.get_weights()])
        deployed = deploy(model, small_recipe())
        expected, received = (predict(one, VALIDATION.images) for one in (model, deployed))
        names = ("votes", "fer2013", "presence", *(("landmarks",) if landmarks else ()))
        assert outputs_of(deployed) == names
        for name in names:
            np.testing.assert_allclose(received[name], expected[name], rtol=1e-5, atol=1e-4)


def test_landmark_errors_by_hand() -> None:
    there = np.zeros((3, 68, 2), np.float32)
    there[:, 45, 0] = 0.5  # the eyes' outer corners are half a side apart
    said = there + np.array([0.03, 0.04], np.float32)
    there[2] = np.nan
    assert landmark_errors(said.reshape(3, 136), there) == pytest.approx([0.1, 0.1])


def test_figures_of_answers_that_are_known() -> None:
    votes = np.log(VALIDATION.votes + 1e-9).astype(np.float32)  # type: ignore[operator]
    classes = 9 * np.eye(7, dtype=np.float32)[VALIDATION.targets]

    def answers(images: Any) -> Any:
        if len(images) != len(VALIDATION):
            return {"presence": np.full((len(images), 1), -1.0)}
        points = np.nan_to_num(VALIDATION.landmarks).reshape(len(images), 136)  # type: ignore[call-overload]
        presence = np.ones((len(images), 1))
        return {"votes": votes, "fer2013": classes, "presence": presence, "landmarks": points}

    figures = validation_figures(answers, VALIDATION, Negatives("validation", SIZE_PX))
    assert (figures["validation_accuracy"], figures["ferplus"], figures["ferplus_all"]) == (1, 1, 1)
    assert figures["kl"] == pytest.approx(0, abs=1e-6)
    assert figures["landmarks"] == pytest.approx(0, abs=1e-6)
    assert figures["presence"] == 1


def test_both_layouts_share_weights() -> None:
    shapes = [
        [
            weight.shape
            for weight in small_recipe().network.build(size_px=SIZE_PX, layout=layout).get_weights()
        ]
        for layout in ("channels_first", "channels_last")
    ]
    assert shapes[0] == shapes[1]


def test_with_patience_the_best_epoch_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accuracies, averages = iter([0.2, 0.5, 0.4, 0.3]), []

    def measured(model: Any, average: Any, *_: Any) -> dict[str, float]:
        averages.append(average)
        return {"validation_accuracy": next(accuracies), "validation_loss": 1.0}

    monkeypatch.setattr("mien.train.fit._measured", measured)
    model, state = fitted(tmp_path, small_recipe(epochs=9, patience=2))
    assert (state.epoch, state.best_epoch) == (4, 2)
    for one, other in zip(model.get_weights(), averages[1], strict=True):
        np.testing.assert_array_equal(one, other)
