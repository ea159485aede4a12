"""Tables of micro-expressions as they are given out: their columns, classes, people and frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from mien.errors import ConfigError, DatasetError
from mien.train.clips.micro_run import figures_table, megc_figures, varied
from mien.train.clips.micro_table import frame_in, read_micro
from mien.train.micro_recipe import MicroRecipe
from mien.train.recipe import change_recipe, read_any_recipe, read_recipe

CASME2 = """\
Subject,Filename,,OnsetFrame,ApexFrame,OffsetFrame,,Action Units,Estimated Emotion
1,EP02_01f,,46,59,86,,12,happiness
1,EP03_02,,131,161,201,,4,others
2,EP02_01f,,10,/,30,,4+7,disgust
2,EP09_01,,5,9,11,,14,repression
"""
SAMM = """\
The SAMM dataset,,,,,,,,,
Column,Description,,,,,,,,
Subject,Filename,Code,Onset Frame,Apex Frame,Offset Frame,Duration,Micro,Action Units,Estimated Emotion
006,006_1_2,1,5562,5588,5632,71,1/2,4,Anger
007,007_3_1,3,100,900,140,41,1/2,12,Surprise
007,007_3_2,3,200,210,240,41,1/2,12,Other
"""
SMIC = """\
Subject,Filename,,OnsetF,OffsetF,FirstF,LastF
1,s1_ne_01,,835057,835083,835040,835100
3,s3_po_02,,10,20,1,40
3,s3_sur_01,,50,61,40,80
"""


def given_out(folder: Path) -> Path:
    for name, text, frames in (
        ("CASME2", CASME2, ("sub01/EP02_01f", "sub01/EP03_02", "sub02/EP02_01f", "sub02/EP09_01")),
        ("SAMM", SAMM, ("006/006_1_2", "007/007_3_1", "007/007_3_2")),
        ("SMIC", SMIC, ("s01/s1_ne_01", "s03/s3_po_02", "s03/s3_sur_01")),
    ):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}-coding.csv").write_text(text)
        for each in frames:
            (folder / name / "frames" / each).mkdir(parents=True)
    (folder / "readme.csv").write_text("a,b\n1,2\n")
    return folder


def test_all_three_are_read_with_the_classes_of_the_challenge(tmp_path: Path) -> None:
    found = read_micro(given_out(tmp_path), {})
    assert [(each.database, each.person, each.label, each.onset, each.apex) for each in found] == [
        ("casme2", "casme2/01", "positive", 46, 59),
        ("casme2", "casme2/02", "negative", 10, 20),  # no apex: the middle
        ("casme2", "casme2/02", "negative", 5, 9),
        ("samm", "samm/06", "negative", 5562, 5588),
        ("samm", "samm/07", "surprise", 100, 120),  # an apex behind the offset: the middle
        ("smic", "smic/01", "negative", 835057, 835070),
        ("smic", "smic/03", "positive", 10, 15),
        ("smic", "smic/03", "surprise", 50, 55),
    ]
    # The same name of two people: each has the folder below their own.
    assert [each.path.parent.name for each in found[:2]] == ["sub01", "sub02"]


def test_a_spreadsheet_is_read_like_its_csv(tmp_path: Path) -> None:
    import pandas as pd

    pytest.importorskip("openpyxl")
    given_out(tmp_path)
    table = tmp_path / "SAMM" / "SAMM-coding.csv"
    wanted = read_micro(table, {})
    rows = [line.split(",") for line in table.read_text().splitlines()]
    pd.DataFrame(rows).to_excel(table.with_suffix(".xlsx"), header=False, index=False)
    assert read_micro(table.with_suffix(".xlsx"), {}) == wanted


def test_whole_pictures_go_before_cut_ones_and_frames_are_found_by_number(tmp_path: Path) -> None:
    given_out(tmp_path)
    cut = tmp_path / "CASME2" / "Cropped" / "sub01" / "EP02_01f"
    cut.mkdir(parents=True)
    chosen = read_micro(tmp_path, {})[0].path
    assert "Cropped" not in str(chosen)
    for name in ("img46.jpg", "img146.jpg", "006_00059.jpg"):
        (chosen / name).write_bytes(b"")
    assert [frame_in(chosen, number) for number in (46, 59, 47)] == [
        chosen / "img46.jpg",
        chosen / "006_00059.jpg",
        None,
    ]


def test_ones_own_clips_and_labels(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    rows = ["path,label,person,onset_s,apex_s", "a.mp4,anger,P1,0.5,0.6", "a.mp4,neutral,P1,,"]
    rows += ["a.mp4,tense,P2,1,1.1", "a.mp4,happiness,P2,1,1.1"]
    (tmp_path / "CLIPS.csv").write_text("\n".join(rows))
    with pytest.raises(DatasetError, match=r"the label 'tense' has no class.*tense = \"negative\""):
        read_micro(tmp_path / "CLIPS.csv", {})
    found = read_micro(tmp_path / "CLIPS.csv", {"tense": "negative"})
    assert [(each.person, each.label) for each in found] == [
        ("clips/P1", "negative"), ("clips/P2", "negative"), ("clips/P2", "positive"),
    ]  # fmt: skip


@pytest.mark.parametrize(("between", "decimal"), [(";", ","), ("\t", "."), (",", ".")])
def test_the_tables_of_spreadsheets_are_read(tmp_path: Path, between: str, decimal: str) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    rows = [
        ["path", "label", "person", "onset_s", "apex_s"],
        ["a.mp4", "anger", "P1", f"0{decimal}5", f"0{decimal}625"],
        ["a.mp4", "surprise", "P2", "1", f"1{decimal}125"],
        [],
    ]
    (tmp_path / "CLIPS.csv").write_text("\n".join(between.join(each) for each in rows) + "\n")
    found = read_micro(tmp_path / "CLIPS.csv", {})
    assert [(each.onset, each.apex) for each in found] == [(0.5, 0.625), (1, 1.125)]


def test_semicolons_below_an_explanation_with_commas(tmp_path: Path) -> None:
    given_out(tmp_path)
    table = tmp_path / "SAMM" / "SAMM-coding.csv"
    wanted = read_micro(table, {})
    _, *rows = table.read_text().splitlines()
    explained = "The SAMM dataset: surprise, anger, fear"
    table.write_text("\n".join([explained, *(row.replace(",", ";") for row in rows)]))
    assert read_micro(table, {}) == wanted


@pytest.mark.parametrize("times", ["0.5,", ",0.5", "0.5,0.4", "soon,0.5", "-1,0.5"])
def test_a_movement_without_its_times_is_no_silent_gap(tmp_path: Path, times: str) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    rows = ["path,label,person,onset_s,apex_s", "a.mp4,happiness,P1,1,1.1", f"a.mp4,surprise,P2,{times}"]
    (tmp_path / "CLIPS.csv").write_text("\n".join(rows))
    with pytest.raises(
        DatasetError, match=r"a\.mp4: expected onset_s and a later apex_s in seconds, received"
    ):
        read_micro(tmp_path / "CLIPS.csv", {})


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no table of micro-expressions"):
        read_micro(tmp_path, {})
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DatasetError, match="expected the columns path, label"):
        read_micro(tmp_path / "x.csv", {})
    (tmp_path / "c.csv").write_text(CASME2)
    with pytest.raises(DatasetError, match="none of the folders of frames"):
        read_micro(tmp_path / "c.csv", {})
    (tmp_path / "sub01" / "EP02_01f").mkdir(parents=True)
    with pytest.raises(DatasetError, match="at least two people, received casme2/01"):
        read_micro(tmp_path / "c.csv", {})
    with pytest.raises(DatasetError, match="can't be read"):
        read_micro(tmp_path / "gone.csv", {})


def test_uf1_and_uar_are_those_of_scikit_learn_on_pooled_answers() -> None:
    random = np.random.default_rng(0)
    truth, said = random.integers(0, 3, 60), random.integers(0, 3, 60)
    people = np.repeat([f"p{number}" for number in range(10)], 6)
    found = megc_figures(truth, said, people)
    assert found.uf1 == pytest.approx(f1_score(truth, said, average="macro"))
    assert found.uar == pytest.approx(recall_score(truth, said, average="macro"))
    assert (found.count, found.people) == (60, 10)
    two = truth < 2
    assert megc_figures(truth[two], said[two], people[two]).recall["surprise"] is None
    assert figures_table({"all": found})[2].startswith("| all | 0.")


def test_pictures_are_mirrored_and_moved_only() -> None:
    pictures = np.arange(2 * 16, dtype=np.uint8).reshape(2, 4, 4)
    found = varied(pictures, 1, np.random.default_rng(0))
    assert [sorted(each.ravel()) for each in found] == [sorted(each.ravel()) for each in pictures]


def test_a_recipe_of_micro_expressions_is_none_of_faces() -> None:
    recipe = read_any_recipe("micro")
    assert isinstance(recipe, MicroRecipe)
    assert (change_recipe(recipe, epochs=2, seed=5).fit.epochs, change_recipe(recipe, seed=5).seed) == (2, 5)
    with pytest.raises(ConfigError, match="learns from clips"):
        read_recipe("micro")
