"""Training on clips: the table, the split, what is varied, the figures, and a whole small run."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from mien.errors import ConfigError, DatasetError
from mien.train.clip_recipe import ClipRecipe
from mien.train.clips.figures import ClipFigures, auc, best_threshold
from mien.train.clips.table import read_clip_table, split_people
from mien.train.recipe import change_recipe, read_any_recipe, read_recipe

PEOPLE = [f"p{number:02}" for number in range(10)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "clip.mp4").write_bytes(b"")
    rows = [
        {"path": "clip.mp4", "label": label, "person": person}
        for person in PEOPLE
        for label in ("happiness", "neutral")
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "CLIPS.csv", index=False)
    return tmp_path / "CLIPS.csv"


def changed(table: Path, /, **columns: object) -> Path:
    pd.read_csv(table).assign(**columns).to_csv(table, index=False)
    return table


def test_people_are_split_and_always_in_the_same_way(table: Path) -> None:
    read = read_clip_table(table, label="happiness")
    assert read.groupby("person")["split"].nunique().eq(1).all()
    assert read.drop_duplicates("person")["split"].value_counts().to_dict() == {
        "train": 6,
        "validation": 2,
        "test": 2,
    }
    assert split_people(PEOPLE, 0.2, 0.2) == split_people(PEOPLE, 0.2, 0.2)
    assert Path(read["path"][0]).is_absolute()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": "neutral"}, "all clips have the label neutral"),
        (
            {"label": ["surprise", "neutral"] * 10},
            "no clip has the label happiness; there are neutral, surprise",
        ),
        ({"split": ["train", "test"] * 10}, "person p00 is on both sides"),
        ({"split": "practice"}, "expected train, validation, test, received 'practice'"),
        ({"split": ["train"] * 10 + ["test"] * 10}, "the part validation needs clips of two labels"),
        ({"path": "gone.mp4"}, "20 clips are missing, such as .*gone.mp4"),
        ({"person": [None, *["a"] * 19]}, "row 2 is not complete"),
    ],
)
def test_what_is_wrong_with_a_table_is_one_line(
    table: Path, columns: dict[str, object], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        read_clip_table(changed(table, **columns), label="happiness")


def test_somebody_may_be_called_none_and_so_may_a_label(table: Path) -> None:
    names = ["None", "NA", "nan", "null", *PEOPLE[4:]]
    rows = [f"clip.mp4,{label},{name}," for name in names for label in ("happiness", "None")]
    table.write_text("\n".join(["path,label,person,start_s", *rows, "clip.mp4,None,p09,NA"]) + "\n", "utf-8")
    read = read_clip_table(table, label="happiness")
    assert read["person"].tolist() == [name for name in names for _ in range(2)] + ["p09"]
    assert set(read["label"]) == {"happiness", "None"}
    assert read["start_s"].isna().all()
    assert read["start_s"].dtype == float


def test_a_table_without_its_columns_or_rows_is_said(table: Path, tmp_path: Path) -> None:
    pd.read_csv(table).drop(columns="person").to_csv(table, index=False)
    with pytest.raises(DatasetError, match="person missing"):
        read_clip_table(table)
    table.write_text("path,label,person\n")
    with pytest.raises(DatasetError, match="no clips"):
        read_clip_table(table)
    with pytest.raises(DatasetError, match="can't be read as a table"):
        read_clip_table(tmp_path / "none.csv")


def test_figures_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    truth = random.random(60) < 0.5
    score = np.round(truth * 0.3 + random.random(60), 1)  # with ties
    person = np.repeat(PEOPLE, 6)
    found = ClipFigures.of(score, truth, person, 0.65)
    assert found.auc == pytest.approx(roc_auc_score(truth, score))
    assert found.accuracy == ((score >= 0.65) == truth).mean()
    assert found.auc_interval is not None
    assert found.auc_interval[0] < found.auc < found.auc_interval[1]
    assert auc(score[truth], truth[truth]) is None
    threshold = best_threshold(score, truth)
    assert ((score >= threshold) == truth).mean() >= max(((score >= each) == truth).mean() for each in score)


def test_a_recipe_of_clips_is_read_and_changed_but_is_none_of_faces() -> None:
    recipe = read_any_recipe("happy-video")
    assert isinstance(recipe, ClipRecipe)
    changed_recipe = change_recipe(recipe, epochs=2, minutes=0.5)
    assert (changed_recipe.fit.epochs, changed_recipe.fit.minutes, changed_recipe.seed) == (
        2,
        0.5,
        recipe.seed,
    )
    with pytest.raises(ConfigError, match=r"learns from clips: mien train CLIPS\.csv"):
        read_recipe("happy-video")
