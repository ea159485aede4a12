from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import comb
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("keras")

from mien.errors import DatasetError
from mien.train import fit as fitting
from mien.train.backend import load_keras
from mien.train.data import FaceSet
from mien.train.evaluate.validation import validation_figures
from mien.train.fit import Progress, compile_model, fit, kept_network, predict, prepared, train_step
from mien.train.networks import mobilenet
from mien.train.pace import Pace, moving_average
from mien.train.pictures import HostPictures
from mien.train.recipe import LabelRecipe
from mien.train.run_folder import CHECKPOINT, LoopState
from mien.train.targets import Batch, TrainingTargets, batches
from small_joint import striped_faces

keras = load_keras()
SIZE_PX = 24
RECIPE = LabelRecipe.model_validate(
    {
        "name": "tiny",
        "data": {"size_px": SIZE_PX},
        "network": {"last_block": 1, "stem_stride": 2, "dense": 8, "weights": "random"},
        "head": {"epochs": 1, "batch": 16},
        "fit": {"epochs": 3, "batch": 8, "learning_rate": 0.02, "votes_weight": 0.5, "average": 0.8},
        "augment": {"rotation_deg": 5},
    }
)


def changed(recipe: LabelRecipe = RECIPE, **parts: dict[str, Any]) -> LabelRecipe:
    fields = recipe.model_dump()
    for name, values in parts.items():
        fields[name].update(values)
    return LabelRecipe.model_validate(fields)


def stripes(count: int, seed: int, *, votes: bool = True) -> FaceSet:
    """Two classes that nobody can mistake: stripes along the rows, and along the columns."""
    random = np.random.default_rng(seed)
    targets = np.arange(count) % 2
    wave = np.sign(np.sin(np.arange(SIZE_PX) * 1.3 + random.uniform(0, 6, (count, 1))))
    along_rows = np.repeat(wave[:, :, None], SIZE_PX, axis=2)
    pictures = np.where(targets[:, None, None] == 0, along_rows, along_rows.transpose(0, 2, 1))
    noisy = 128 + 60 * pictures + random.normal(0, 8, pictures.shape)
    counts = np.zeros((count, 10), np.int64)
    counts[np.arange(count), targets] = 10
    counts[:3] = [0] * 8 + [4, 6]
    return FaceSet(
        images=noisy.clip(0, 255).astype(np.uint8),
        targets=targets.astype(np.int64),
        labels=("rows", "columns"),
        usage=np.full(count, ""),
        names=np.array([str(place) for place in range(count)]),
        votes=counts if votes else None,
    )


TRAIN, VALIDATION = stripes(44, 0), stripes(20, 1)


@pytest.fixture(scope="module")
def imagenet() -> Any:
    """What starts a network from weights of the form of ImageNet's file, from chance."""
    random = np.random.default_rng(0)
    shapes = {"conv1": (3, 3, 3, 32), "conv_dw_1": (3, 3, 32, 1), "conv_pw_1": (1, 1, 32, 64)}
    weights: mobilenet.Weights = {}
    for name, shape in shapes.items():
        weights[f"{name}.kernel"] = random.normal(0, 0.2, shape).astype(np.float32)
        channels = 64 if name == "conv_pw_1" else 32
        for statistic in ("gamma", "beta", "moving_mean", "moving_variance"):
            value = float(statistic in ("gamma", "moving_variance"))
            weights[f"{name}_bn.{statistic}"] = np.full(channels, value, np.float32)
    return lambda model: mobilenet.load_imagenet(model, weights, "made up")


@dataclass(frozen=True)
class Finished:
    """A run that nobody interrupted."""

    folder: Path
    model: Any
    state: LoopState
    progress: list[Progress]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, imagenet: Any) -> Finished:
    folder, progress = tmp_path_factory.mktemp("run"), []
    model, state = fit(RECIPE, TRAIN, VALIDATION, folder=folder, prime=imagenet, report=progress.append)
    return Finished(folder, model, state, progress)


def rows(state: LoopState) -> list[dict[str, float]]:
    """The history, but for the time that it took."""
    return [
        {key: value for key, value in row.items() if not key.endswith("seconds")} for row in state.history
    ]


def stop_after(epochs: int, steps: int = 0) -> Callable[[Progress], None]:
    """What Ctrl-C does: an exception, some steps after some epochs."""
    left = [epochs, steps]

    def report(progress: Progress) -> None:
        if left[0] > 0:
            left[0] -= progress.row is not None
        elif left[1] > 0:
            left[1] -= 1
        if left == [0, 0]:
            raise KeyboardInterrupt

    return report


class TestALittleRun:
    def test_it_learns_two_classes_that_nobody_can_mistake(self, finished: Finished) -> None:
        assert finished.state.best_score == 1
        held_back = stripes(30, 2)
        found = predict(finished.model, held_back.images)["logits"].argmax(axis=1)
        assert (found == held_back.targets).mean() > 0.9

    def test_the_history_has_a_row_for_each_epoch(self, finished: Finished) -> None:
        history = finished.state.history
        assert [row["epoch"] for row in history] == [1, 2, 3]
        assert finished.state.epoch == 3
        assert finished.state.seconds == pytest.approx(sum(row["seconds"] for row in history))
        assert history[-1]["loss"] < history[0]["loss"]
        assert max(row["validation_accuracy"] for row in history) == finished.state.best_score

    def test_the_given_network_is_that_of_the_best_epoch(self, finished: Finished) -> None:
        best = finished.state.history[finished.state.best_epoch - 1]
        assert validation_figures(
            lambda images: predict(finished.model, images), VALIDATION
        ) == pytest.approx({key: best[key] for key in ("validation_accuracy", "validation_loss")}, abs=1e-5)
        again, state = kept_network(RECIPE, TRAIN, finished.folder)
        assert state == finished.state
        for one, other in zip(again.get_weights(), finished.model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_progress_is_told_after_every_step_and_every_epoch(self, finished: Finished) -> None:
        steps, epochs = len(TRAIN) // RECIPE.fit.batch, RECIPE.fit.epochs
        told = finished.progress
        assert len(told) == epochs * (steps + 1)
        assert [one.row for one in told if one.row] == finished.state.history
        done = [one.done for one in told]
        assert done == sorted(done)
        assert done[-1] == 1
        assert all(one.left_s >= 0 for one in told)
        assert {one.epoch for one in told} == {1, 2, 3}

    def test_a_finished_run_is_only_read(self, finished: Finished, imagenet: Any) -> None:
        def report(_: Progress) -> None:
            raise AssertionError("nothing is left to do")

        _, state = fit(RECIPE, TRAIN, VALIDATION, folder=finished.folder, prime=imagenet, report=report)
        assert state == finished.state

    def test_a_run_that_was_stopped_goes_on_with_the_same_result(
        self, tmp_path: Path, finished: Finished, imagenet: mobilenet.Weights
    ) -> None:
        with pytest.raises(KeyboardInterrupt):
            fit(
                RECIPE,
                TRAIN,
                VALIDATION,
                folder=tmp_path,
                prime=imagenet,
                report=stop_after(epochs=1, steps=3),
            )
        assert kept_network(RECIPE, TRAIN, tmp_path)[1].epoch == 1
        model, state = fit(RECIPE, TRAIN, VALIDATION, folder=tmp_path, prime=imagenet)
        for row, expected in zip(rows(state), rows(finished.state), strict=True):
            assert row == pytest.approx(expected, rel=1e-5, abs=1e-6)
        for one, other in zip(model.get_weights(), finished.model.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("recipe", "faces"),
        [
            (changed(fit={"learning_rate": 0.01}), TRAIN),
            (RECIPE, stripes(44, 5)),
            (RECIPE, replace(TRAIN, targets=1 - TRAIN.targets)),
        ],
    )
    def test_a_checkpoint_of_another_run(
        self, finished: Finished, recipe: LabelRecipe, faces: FaceSet
    ) -> None:
        with pytest.raises(DatasetError, match="a run of another recipe or other data"):
            fit(recipe, faces, VALIDATION, folder=finished.folder)

    def test_a_damaged_checkpoint(self, tmp_path: Path) -> None:
        (tmp_path / CHECKPOINT).write_bytes(b"PK\x03\x04 and then nothing")
        with pytest.raises(DatasetError, match="damaged checkpoint"):
            fit(RECIPE, TRAIN, VALIDATION, folder=tmp_path)

    def test_fewer_faces_than_a_batch(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"at least one batch of faces .*\(8\), received 7"):
            fit(RECIPE, stripes(7, 0), VALIDATION, folder=tmp_path)

    def test_the_best_network_before_any_epoch(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError):
            kept_network(RECIPE, TRAIN, tmp_path)


def test_training_stops_when_validation_no_longer_improves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accuracies = iter([0.0, 0.5, 0.75, 0.75, 0.6, 0.9])
    kept: list[list[NDArray[np.float32]]] = []

    def measured(model: Any, average: Any, *_: Any) -> dict[str, float]:
        kept.append(average)
        return {"validation_accuracy": next(accuracies), "validation_loss": 1.0}

    monkeypatch.setattr(fitting, "_measured", measured)
    recipe = changed(fit={"patience": 2, "epochs": 9}, head={"epochs": 0})
    faces = stripes(8, 0, votes=False)
    model, state = fit(recipe, faces, VALIDATION, folder=tmp_path)
    assert (state.epoch, state.best_epoch, state.best_score) == (5, 3, 0.75)
    for one, other in zip(model.get_weights(), kept[2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert set(model.output) == {"logits"}


def test_a_first_epoch_that_gets_nothing_right_still_leaves_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worst = {"validation_accuracy": 0.0, "validation_loss": 9.0}
    monkeypatch.setattr(fitting, "_measured", lambda *_: worst)
    recipe = changed(fit={"epochs": 1}, head={"epochs": 0})
    _, state = fit(recipe, stripes(8, 0, votes=False), VALIDATION, folder=tmp_path)
    assert (state.best_epoch, state.best_score) == (1, 0)


def batch_of(*places: int, recipe: LabelRecipe = RECIPE) -> Batch:
    chosen = np.array(places)
    return Batch(TRAIN.images[chosen], *TrainingTargets.of(TRAIN, recipe).take(chosen))


class TestTargetsOfATeacher:
    FACES = striped_faces(46)
    SAID: ClassVar = {
        "votes": np.random.default_rng(0).dirichlet(np.ones(10), 46).astype(np.float32),
        "fer2013": np.random.default_rng(1).dirichlet(np.ones(7), 46).astype(np.float32),
    }

    def test_targets_are_the_weighed_mean_of_people_and_teacher(self) -> None:
        recipe = changed(fit={"teacher_share": 0.7})
        made = TrainingTargets.of(self.FACES, recipe, self.SAID)
        targets, weights = made.targets, made.weights
        label = np.eye(7)[self.FACES.targets]
        np.testing.assert_allclose(targets["logits"], 0.3 * label + 0.7 * self.SAID["fer2013"], atol=1e-6)
        people = self.FACES.votes[:, :8] / self.FACES.votes[:, :8].sum(axis=1, keepdims=True).clip(1)  # type: ignore[index]
        teacher = self.SAID["votes"][:, :8] / self.SAID["votes"][:, :8].sum(axis=1, keepdims=True)
        voted = weights["votes"] == 1
        assert 0 < voted.sum() < 46
        np.testing.assert_allclose(targets["votes"][voted], (0.3 * people + 0.7 * teacher)[voted], atol=1e-6)
        np.testing.assert_allclose(targets["votes"][voted].sum(axis=1), 1, atol=1e-5)

    def test_a_teacher_of_other_classes_is_refused(self) -> None:
        with pytest.raises(DatasetError, match="a teacher knows only the classes anger, disgust"):
            TrainingTargets.of(TRAIN, RECIPE, self.SAID)


class TestBatches:
    def test_votes_are_shares_of_the_eight_emotions_and_masked_where_there_are_none(self) -> None:
        batch = batch_of(0, 3, 4)
        np.testing.assert_array_equal(batch.weights["votes"], [0, 1, 1])
        np.testing.assert_array_equal(batch.targets["votes"][0], np.zeros(8))
        np.testing.assert_allclose(batch.targets["votes"][1:].sum(axis=1), 1)
        np.testing.assert_array_equal(batch.targets["logits"], [[1, 0], [0, 1], [1, 0]])

    def test_without_votes_there_is_one_target(self) -> None:
        unvoted = changed(fit={"votes_weight": 0})
        batch = batch_of(0, 3, recipe=unvoted)
        assert (set(batch.targets), set(batch.weights)) == ({"logits"}, {"logits"})

    def test_an_epoch_takes_each_face_at_most_once_in_an_order_of_its_own(self) -> None:
        numbers = RECIPE.augment.model_dump(exclude={"interpolation"})
        plain = changed(augment=dict.fromkeys(numbers, 0))
        numbered = replace(
            TRAIN, images=np.repeat(np.arange(44, dtype=np.uint8), SIZE_PX**2).reshape(TRAIN.images.shape)
        )
        orders = []
        for seed in (0, 0, 1):
            pictures, random = HostPictures(numbered.images), np.random.default_rng(seed)
            found = list(batches(TrainingTargets.of(numbered, plain), plain, pictures, random))
            assert [len(batch.images) for batch in found] == [8] * 5
            orders.append([int(image[0, 0]) for batch in found for image in batch.images])
        assert len(set(orders[0])) == 40
        assert orders[0] == orders[1] != orders[2]

    def test_the_loss_is_that_of_the_label_and_of_the_votes_where_there_are_some(self) -> None:
        """The formula: smoothed cross-entropy, plus the weight times the votes' masked cross-entropy."""
        still = changed(network={"dropout": 0.0})
        keras.utils.set_random_seed(0)
        model = still.build(classes=2)
        compile_model(model, keras.optimizers.SGD(0.0), still)
        batch = batch_of(*range(8))
        outputs = model(prepared(batch.images), training=True)
        surprise = {
            name: -np.array(keras.ops.convert_to_numpy(keras.ops.log_softmax(outputs[name])))
            for name in ("logits", "votes")
        }
        smoothed = batch.targets["logits"] * 0.9 + 0.1 / 2
        label = (smoothed * surprise["logits"]).sum(axis=1).mean()
        votes = (batch.targets["votes"] * surprise["votes"]).sum(axis=1) * batch.weights["votes"]
        expected = label + 0.5 * votes.mean()
        for _ in range(2):  # of this batch alone, not a mean since the beginning
            assert train_step(model, batch) == pytest.approx(expected, rel=1e-4)


class TestRates:
    @given(st.integers(1, 50), st.integers(2, 20), st.floats(1e-5, 1))
    def test_a_rise_to_the_top_and_a_cosine_down_to_nothing(
        self, steps: int, epochs: int, top: float
    ) -> None:
        pace = Pace(epochs, steps, top, 0.9)
        rates = [pace.rate(done, 0.0) for done in range(steps * epochs + 1)]
        assert rates[0] == pytest.approx(top / steps)
        assert (rates[steps - 1], rates[steps]) == (pytest.approx(top), pytest.approx(top))
        assert rates[-1] == pytest.approx(0, abs=1e-9)
        assert rates[:steps] == sorted(rates[:steps])
        assert rates[steps:] == sorted(rates[steps:], reverse=True)
        rest = steps * (epochs - 1)
        assert rest % 2 or rates[steps + rest // 2] == pytest.approx(top / 2, rel=1e-6)

    def test_a_single_epoch_is_all_rise(self) -> None:
        assert Pace(1, 5, 0.1, 0.9).rate(4, 0.0) == pytest.approx(0.1)

    def test_time_that_runs_out_brings_the_rate_down_and_the_run_to_its_end(self) -> None:
        pace = Pace(100, 10, 0.1, 0.9, minutes=10)
        assert pace.rate(5, 500.0) == pytest.approx(0.06)  # the first epoch rises, whatever the time
        assert pace.rate(20, 1.0) == pytest.approx(Pace(100, 10, 0.1, 0.9).rate(20, 1.0))
        assert pace.rate(20, 303.0) == pytest.approx(
            0.05, rel=1e-9
        )  # half way from the first epoch to the end
        assert pace.rate(20, 600.0) == pytest.approx(0, abs=1e-12)
        assert pace.share_done(20, 900.0) == 1
        state = LoopState("x", epoch=5, best_epoch=5, seconds=500)
        assert pace.goes_on(state)
        state.seconds = 560  # the next epoch would end at 672
        assert not pace.goes_on(state)
        assert pace.goes_on(LoopState("x"))


class TestMovingAverage:
    @given(st.integers(1, 80))
    def test_the_start_is_forgotten_by_the_closed_form(self, steps: int) -> None:
        """The product of (1 + t) / (10 + t) over t < n is 1 / C(n + 9, 9)."""
        average = [np.ones(1)]
        for step in range(steps):
            average = moving_average(average, [np.zeros(1)], 0.999, step)
        assert average[0][0] == pytest.approx(1 / comb(steps + 9, 9))

    @given(st.floats(0, 0.9), st.integers(1, 40))
    def test_later_it_falls_with_its_momentum(self, momentum: float, steps: int) -> None:
        average = [np.ones(2, np.float32), np.ones((1, 3), np.float32)]
        for step in range(1000, 1000 + steps):
            average = moving_average(average, [np.zeros_like(array) for array in average], momentum, step)
        for array in average:
            np.testing.assert_allclose(array, momentum**steps, rtol=1e-3, atol=1e-7)
            assert array.dtype == np.float32

    def test_of_what_stands_still_it_is_the_same(self) -> None:
        still = [np.array([3.0, -1.0])]
        np.testing.assert_allclose(moving_average(still, still, 0.9, 5)[0], still[0])


def fingerprint_of(recipe: LabelRecipe, faces: FaceSet) -> str:
    return TrainingTargets.of(faces, recipe).fingerprint(recipe, faces.images)


def test_fingerprints_tell_runs_apart() -> None:
    base = fingerprint_of(RECIPE, TRAIN)
    assert fingerprint_of(changed(), stripes(44, 0)) == base
    assert fingerprint_of(changed(fit={"epochs": 4}), TRAIN) != base
    assert fingerprint_of(RECIPE, TRAIN.take(np.arange(40))) != base
    assert fingerprint_of(RECIPE, replace(TRAIN, targets=1 - TRAIN.targets)) != base
    votes = np.zeros((len(TRAIN), 10), np.int64)
    assert fingerprint_of(RECIPE, replace(TRAIN, votes=votes)) != base


def test_a_stopped_run_has_logged_the_epochs_that_it_finished(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(RECIPE, TRAIN, VALIDATION, folder=tmp_path, report=stop_after(2, steps=1))
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "1", "2"]
    assert len(list((tmp_path / "tensorboard").iterdir())) == 2
