from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mien.errors import DatasetError, OutputError
from mien.train.recipe import JointRecipe, LabelRecipe
from mien.train.run_folder import (
    Arrays,
    LoopState,
    claim,
    load_checkpoint,
    recipe_of,
    save_checkpoint,
)

STATE = LoopState("abc", epoch=3, best_epoch=2, best_score=0.5, seconds=1.5, history=[{"loss": 0.25}])
ARRAYS: dict[str, Arrays] = {"model": [np.eye(2, dtype=np.float32), np.array(7)], "average": [np.zeros(3)]}

any_array = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint32]), hnp.array_shapes(min_dims=0, max_side=3)
)


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.sampled_from(["model", "optimizer", "average", "a.b"]),
        st.lists(any_array, min_size=1, max_size=12),
    )
)
def test_what_was_saved_comes_back(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, Arrays]
) -> None:
    path = tmp_path_factory.mktemp("run") / "checkpoint.npz"
    save_checkpoint(path, STATE, arrays)
    state, found = load_checkpoint(path, "abc")
    assert state == STATE
    assert found.keys() == arrays.keys()
    for name, saved in arrays.items():
        assert len(found[name]) == len(saved)
        for before, after in zip(saved, found[name], strict=True):
            assert after.dtype == before.dtype
            np.testing.assert_array_equal(after, before)


def test_effort_counts_what_came_before_the_first_epoch() -> None:
    rows = [{"core_seconds": 60.0}, {"core_seconds": 120.0}]
    effort = LoopState("abc", epoch=2, history=rows, meeting_core_s=30.0).effort
    assert effort is not None
    assert (effort.epochs, effort.core_minutes) == (2, 3.5)
    assert LoopState("abc", epoch=1, history=[{}]).effort is None


def test_a_checkpoint_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "run" / "checkpoint.npz"
    for epoch in (1, 2):
        save_checkpoint(path, LoopState("abc", epoch=epoch), ARRAYS)
    assert load_checkpoint(path, "abc")[0].epoch == 2
    assert [file.name for file in path.parent.iterdir()] == ["checkpoint.npz"]


def test_another_run(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "checkpoint.npz", STATE, ARRAYS)
    with pytest.raises(
        DatasetError, match="holds a run of another recipe or other data; choose another --out"
    ):
        load_checkpoint(tmp_path / "checkpoint.npz", "other")


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "no state", "unknown state", "zeros"])
def test_damage(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(path, STATE, ARRAYS)
    whole = path.read_bytes()
    if damage == "no state":
        np.savez(path, **{"model.0": np.zeros(2)})
    elif damage == "unknown state":
        np.savez(path, state=np.array('{"epoch": 1}'))
    else:
        zeros = whole[:80] + b"\0" * 100 + whole[180:]
        path.write_bytes({"cut": whole[:-40], "empty": b"", "text": b"text", "zeros": zeros}[damage])
    with pytest.raises(DatasetError, match=r"checkpoint\.npz: damaged checkpoint .*remove the run's folder"):
        load_checkpoint(path, "abc")


def test_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="damaged checkpoint"):
        load_checkpoint(tmp_path / "none.npz", "abc")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        save_checkpoint(tmp_path / "file" / "checkpoint.npz", STATE, ARRAYS)


def test_a_folder_belongs_to_the_recipe_that_it_was_begun_by(tmp_path: Path) -> None:
    recipe = LabelRecipe(name="mine")
    claim(tmp_path, recipe)
    claim(tmp_path, recipe.model_copy(update={"seed": 3}))  # nothing was trained yet
    save_checkpoint(tmp_path / "checkpoint.npz", STATE, ARRAYS)
    with pytest.raises(DatasetError, match=r"another recipe \(seed is 3 there, 0 here\)"):
        claim(tmp_path, recipe)
    assert recipe_of(tmp_path) == recipe.model_copy(update={"seed": 3})


def test_a_recipe_that_an_earlier_version_wrote_is_the_same_recipe(tmp_path: Path) -> None:
    """It had no kind, its fit was called fine, and joint recipes had no patience."""
    label, joint = LabelRecipe(name="mine"), JointRecipe(name="mine")
    fields = label.model_dump(mode="json")
    del fields["kind"]
    fields["fine"] = fields.pop("fit")
    (tmp_path / "config.json").write_text(json.dumps(fields))
    assert recipe_of(tmp_path) == label
    fields = joint.model_dump(mode="json")
    del fields["fit"]["patience"]
    (tmp_path / "config.json").write_text(json.dumps(fields))
    assert recipe_of(tmp_path) == joint
    (tmp_path / "config.json").write_text("{}")
    assert recipe_of(tmp_path) is None
