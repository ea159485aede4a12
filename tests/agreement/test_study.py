"""`mien.agree` from files to figures, pictures and sentences."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mien
from agreement import written

LABELS = ["happiness", "neutral", "anger", "neutral", "sadness", "happiness"] * 20
FER_OF = {"happiness": "happy", "neutral": "neutral", "anger": "angry", "sadness": "sad"}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A table of ours, and fer's of the same film, in which every tenth label differs."""
    folder = tmp_path_factory.mktemp("two")
    others = ["sad" if place % 10 == 0 else FER_OF[each] for place, each in enumerate(LABELS)]
    return written.ours(folder / "table.csv", LABELS), written.fer_csv(folder / "data.csv", others)


def test_labels_of_two_tools(two: tuple[Path, Path]) -> None:
    found = mien.agree(*two)
    assert (found.a, found.b) == ("Mien (table.csv)", "fer (data.csv)")
    [labels] = found.labels
    counts = pd.crosstab(*(found.pairs[f"expression_{side}"] for side in "ab"))
    assert labels.pairs == len(LABELS) == counts.to_numpy().sum()
    assert labels.labels == ("neutral", "happiness", "sadness", "anger")  # in the table's order
    for i, row in enumerate(labels.labels):
        for j, column in enumerate(labels.labels):
            there = row in counts.index and column in counts.columns
            assert labels.counts[i][j] == (counts.loc[row, column] if there else 0)
    assert labels.observed.value == pytest.approx(112 / 120)
    assert labels.kappa.low is not None
    assert labels.kappa.low < labels.kappa.value < labels.kappa.high  # type: ignore[operator]
    assert "blocks of" in found.intervals
    assert any("no row for frames without a face" in each for each in found.remarks)
    assert any("fer says no times" in each for each in found.remarks)
    assert {each.column for each in found.numbers} >= {"p_happiness", "p_neutral"}
    assert "p_contempt" not in {each.column for each in found.numbers}


def test_a_table_agrees_with_itself(two: tuple[Path, Path]) -> None:
    found = mien.agree(two[0], two[0])
    assert found.labels[0].kappa.value == 1
    assert found.labels[0].specific == (1.0,) * 4
    by_name = {each.column: each for each in found.numbers}
    assert by_name["p_happiness"].icc_2_1.value == pytest.approx(1)
    assert by_name["p_happiness"].bias.value == 0
    assert by_name["valence"].icc_2_1.value is None  # 0.1 throughout
    assert found.shift_s == pytest.approx(0, abs=1e-6)


def test_uncertain_faces_are_left_out_unless_they_count(tmp_path: Path) -> None:
    a = written.ours(tmp_path / "a.csv", ["happiness", "uncertain", "neutral"] * 10)
    b = written.ours(tmp_path / "b.csv", ["happiness", "neutral", "neutral"] * 10)
    found = mien.agree(a, b)
    assert found.labels[0].pairs == 20
    assert any(each.startswith("10 of 30 faces are left out") for each in found.remarks)
    kept = mien.agree(a, b, keep_uncertain=True)
    assert kept.labels[0].pairs == 30
    assert "uncertain" in kept.labels[0].labels


def test_a_person_s_labels_against_a_table(tmp_path: Path) -> None:
    table = written.ours(tmp_path / "table.csv", ["happiness"] * 50 + ["anger"] * 50)
    labels = tmp_path / "rater.csv"
    labels.write_text("time_s,end_s,label\n0,6,happy\n6,10,angry\n")
    found = mien.agree(table, labels)
    assert found.labels[0].counts == ((50, 0), (10, 40))
    assert not found.numbers


def test_action_units_of_two_tools(tmp_path: Path) -> None:
    smiles = [0, 100, 300, 500] * 15
    film = written.openface(tmp_path / "of.csv", [(i + 1, i / 10, 1, each) for i, each in enumerate(smiles)])
    letters = {0: "NotActive", 100: "B", 300: "C", 500: "E"}
    rows = [
        written.facereader_row(f"00:00:0{i / 10:.3f}", "0.5", unit=letters[each])
        for i, each in enumerate(smiles)
    ]
    log = written.facereader(tmp_path / "log.txt", rows)
    found = {each.column: each for each in mien.agree(film, log).labels}
    assert found["AU12_r"].counts[1][2] == 15  # one step apart
    kappa, weighted = found["AU12_r"].kappa.value, found["AU12_r"].weighted
    assert weighted is not None
    assert kappa is not None
    assert weighted.value is not None
    assert weighted.value > kappa
    roll = {each.column: each for each in mien.agree(film, log).numbers}["roll"]
    assert roll.bias.value == pytest.approx(9.0877 + written.ROTATION_DEG[2], abs=4)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Twelve recordings of ours, and DeepFace's JSON of eleven of them and another."""
    a, b = (tmp_path_factory.mktemp(name) for name in "ab")
    random = np.random.default_rng(8)
    for place in range(12):
        labels = random.choice(list(FER_OF), 40).tolist()
        right = 0.5 + 0.04 * place  # they agree better and better
        others = [FER_OF[each] if random.random() < right else "fear" for each in labels]
        written.ours(a / f"film-{place}.csv", labels, source=f"film-{place}.mp4")
        written.deepface(b / (f"film-{place}.json" if place else "other.json"), [[each] for each in others])
    return a, b


def test_recordings_are_paired_by_name_and_intervals_are_over_them(folders: tuple[Path, Path]) -> None:
    found = mien.agree(*folders)
    assert [each.name for each in found.recordings] == sorted(f"film-{each}" for each in range(1, 12))
    assert found.intervals == "11 recordings"
    assert f"1 recording is only in {folders[0].name}: film-0." in found.remarks
    assert f"1 recording is only in {folders[1].name}: other." in found.remarks
    # As every recording has as many frames: the interval of a mean over recordings, nearly.
    of_each = found.pairs.groupby("recording")[["expression_a", "expression_b"]].apply(
        lambda rows: (rows["expression_a"] == rows["expression_b"]).mean()
    )
    observed = found.labels[0].observed
    assert observed.value == pytest.approx(of_each.mean())
    half = 2.228 * of_each.std() / np.sqrt(11)  # Student's, of 10 degrees of freedom
    assert observed.low == pytest.approx(of_each.mean() - half, abs=0.025)
    assert observed.high == pytest.approx(of_each.mean() + half, abs=0.025)


def test_what_is_written_opens(two: tuple[Path, Path], tmp_path: Path) -> None:
    found = mien.agree(*two)
    files = found.save(tmp_path / "out")
    assert [each.name for each in files] == [
        "agreement.json",
        "agreement.csv",
        "confusion.png",
        "bland-altman.png",
    ]
    told = json.loads(files[0].read_text())
    assert told == json.loads(json.dumps(found.as_dict()))
    assert told["labels"][0]["kappa"]["value"] == pytest.approx(found.labels[0].kappa.value, abs=1e-6)
    table = pd.read_csv(files[1]).set_index(["column", "figure"])
    assert table.loc[("expression", "kappa"), "value"] == pytest.approx(found.labels[0].kappa.value, abs=1e-5)
    assert table.loc[("p_happiness", "icc_2_1"), "pairs"] == len(LABELS)
    assert all(each.read_bytes().startswith(b"\x89PNG") for each in files[2:])
    with pytest.raises(mien.OutputError, match="is there already"):
        found.save(tmp_path / "out")
    assert found.save(tmp_path / "out", overwrite=True) == files


def test_two_tables_without_times_are_paired_by_frame(tmp_path: Path) -> None:
    names = ["happy", "sad", "neutral"] * 10
    a = written.fer_csv(tmp_path / "fer.csv", names)
    b = written.deepface(tmp_path / "faces.json", [[], *[[each] for each in names[1:]]])
    found = mien.agree(a, b)
    assert found.labels[0].kappa.value == 1
    assert found.recordings[0].pairs == 29
    assert any("paired by their numbers" in each for each in found.remarks)
    assert found.shift_s is None


def test_files_that_have_nothing_in_common(tmp_path: Path, two: tuple[Path, Path]) -> None:
    labels = tmp_path / "late.csv"
    labels.write_text("time_s,label\n1000,happy\n")
    with pytest.raises(mien.SourceError, match=r"no two frames are within .* s of each other"):
        mien.agree(two[0], labels)
    labels.write_text("time_s,label\n1,happy\n2,sad\n")
    film = written.openface(tmp_path / "of.csv", [(each, each / 10, 1, 0) for each in range(1, 30)])
    with pytest.raises(mien.SourceError, match="nothing in common that could be compared"):
        mien.agree(film, labels)
    with pytest.raises(mien.SourceError) as told:
        mien.agree(film, written.openface(tmp_path / "ms.csv", [(1, 500, 1, 0), (2, 1000, 1, 0)]))
    assert "no two frames are within" in str(told.value)
    few = written.openface(tmp_path / "few.csv", [(each, each / 10, 1, 37) for each in range(1, 4)])
    with pytest.raises(mien.SourceError) as told:  # intensities in no whole steps, and three are too few
        mien.agree(
            few, written.facereader(tmp_path / "few.txt", [written.facereader_row("00:00:00.1", "0.5")])
        )
    assert "have roll, AU12_r in common, but only 1 pair of faces at the same time, and it takes 10" in str(
        told.value
    )
    nobody = written.openface(tmp_path / "nobody.csv", [(1, 0.0, 0, 0)])
    with pytest.raises(mien.SourceError, match="has no face in it"):
        mien.agree(nobody, film)
    far = written.pyfeat(
        tmp_path / "far.csv", [[0, 9000, 80, 60, 60, 1, 0]],
        "frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,happiness,neutral",
    )  # fmt: skip
    with pytest.raises(mien.SourceError, match="--ignore-boxes"):
        mien.agree(two[0], far)
    assert mien.agree(two[0], far, boxes=False).labels[0].counts == ((1,),)


def test_folders_without_a_common_recording(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("x.csv", "y.csv"):
        written.ours(tmp_path / name, ["anger"], source=name)
    with pytest.raises(mien.SourceError, match="no recording is in both"):
        mien.agree(folders[0], tmp_path)


@pytest.mark.parametrize("choice", ["rate_hz_a", "rate_hz_b", "tolerance_s"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_wrong_choices(two: tuple[Path, Path], choice: str, value: float) -> None:
    with pytest.raises(mien.ConfigError, match=rf"{choice}( \(--fps-.\))?: expected a number above 0"):
        mien.agree(*two, **{choice: value})  # type: ignore[arg-type]
