from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from mien.errors import DatasetError
from mien.train.data.prepare import DataSection, prepare

LABELS = ("anger", "calm", "joy")
PARTS = ("train", "train", "train", "train", "test")


def section(**data: Any) -> DataSection:
    return DataSection(size_px=24, **data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three classes of 60 different faces; ten of the test stand in the training part too."""
    random = np.random.default_rng(0)
    for label in LABELS:
        for number in range(60):
            noise = random.normal(size=(24, 24)).astype(np.float32)
            smooth = cv2.GaussianBlur(noise, (0, 0), 2)
            picture = cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
            part = PARTS[number % 5]
            copies = [part, "train"] if part == "test" and label == "calm" and number < 50 else [part]
            for place in copies:
                path = tmp_path / place / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture).save(path)
    return tmp_path


def test_the_official_split_leaves_copies_of_the_test_out_of_training(folder: Path) -> None:
    parts = prepare(section(), folder, seed=0)
    assert parts.left_out == 10
    assert (parts.cleaning.read, parts.cleaning.exact_copies, parts.cleaning.groups) == (190, 10, 10)
    assert len(parts.test) == 36
    assert len(parts.train) + len(parts.validation) == 144
    assert len(parts.validation) == pytest.approx(14.4, abs=1.5)
    for faces in (parts.train, parts.validation):
        assert set(faces.usage) == {"Training"}
    tests = {image.tobytes() for image in parts.test.images}
    assert not any(image.tobytes() in tests for image in parts.train.images)


@pytest.mark.parametrize("split", ["official", "grouped", "random"])
def test_removed_classes_are_in_no_part(folder: Path, split: str) -> None:
    parts = prepare(section(split=split, remove=["calm"]), folder, seed=0)
    for faces in (parts.train, parts.validation, parts.test):
        assert faces.labels == ("anger", "joy")
        labels = [faces.labels[target] for target in faces.targets]
        assert labels == [name.split("/")[1] for name in faces.names]
    assert len(parts.train) + len(parts.validation) + len(parts.test) == 120
    assert parts.cleaning.read == 190


def infants(folder: Path, columns: str = "id,person") -> Path:
    """Six infants, each with five faces of two labels, all of the pictures' names different."""
    random, rows = np.random.default_rng(0), [columns]
    for number in range(60):
        label, infant = ("calm", "cry")[number % 2], f"B{number % 6}"
        path = folder / label / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (24, 24), np.uint8)).save(path)
        rows.append(f"{number},{infant}")
    (folder / "people.csv").write_text("\n".join(rows))
    return folder


def test_nobody_is_both_learnt_from_and_tested_on(tmp_path: Path) -> None:
    # B0, B2 and B4 are calm only, the others cry only: all three parts need somebody of each.
    parts = prepare(section(split="grouped"), infants(tmp_path), seed=7)
    who = [set(each.columns["person"]) for each in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, who)) == len(set.union(*who)) == 6
    assert all(who)
    assert set(parts.train.targets) == {0, 1}


def test_the_class_that_is_too_small_is_named(tmp_path: Path) -> None:
    folder = infants(tmp_path)
    (folder / "slep").mkdir()
    (folder / "calm" / "0.png").rename(folder / "slep" / "0.png")
    with pytest.raises(
        DatasetError, match=r"at least 4 faces of each class.*the smallest class, slep, has 1\)"
    ):
        prepare(section(split="grouped"), folder, seed=7)


def test_two_people_are_too_few_for_three_parts(tmp_path: Path) -> None:
    folder = infants(tmp_path)
    rows = (folder / "people.csv").read_text().replace("B2", "B0").replace("B4", "B0")
    (folder / "people.csv").write_text(rows.replace("B3", "B1").replace("B5", "B1"))
    with pytest.raises(DatasetError, match="expected at least three people"):
        prepare(section(split="grouped"), folder, seed=7)


def test_a_label_of_one_person_who_is_tested_on_is_refused(tmp_path: Path) -> None:
    folder = infants(tmp_path)
    table = (folder / "people.csv").read_text().splitlines()
    rows = [row if int(row.split(",")[0]) % 2 == 0 else f"{row.split(',')[0]},B1" for row in table[1:]]
    (folder / "people.csv").write_text("\n".join([table[0], *rows]))
    with pytest.raises(DatasetError, match="no face of cry is left to learn from: too few people show it"):
        prepare(section(split="grouped"), folder, seed=7)


def test_removing_an_unknown_class(folder: Path) -> None:
    with pytest.raises(DatasetError, match="no class named fear; there are: anger, calm, joy"):
        prepare(section(remove=["fear"]), folder, seed=0)


def test_one_class_cannot_be_learnt(tmp_path: Path) -> None:
    (tmp_path / "calm").mkdir()
    picture = np.arange(576, dtype=np.uint8).reshape(24, 24)
    Image.fromarray(picture).save(tmp_path / "calm" / "1.png")
    with pytest.raises(DatasetError, match="at least two classes, received only one"):
        prepare(section(), tmp_path, seed=0)
