from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import DatasetError
from mien.train.data import load_dataset


def data_set(folder: Path, text: str, *, images: int = 4, encoding: str = "utf-8") -> Path:
    """Images 0.png, 1.png..., of the grey values 10, 20..., and a labels.csv."""
    for number in range(images):
        pixels = np.full((32, 32), 10 * number + 10, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    path = folder / "labels.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_the_corrected_label_counts_and_skipped_faces_are_left_out(tmp_path: Path) -> None:
    text = (
        "file,label,correct,confidence\n"
        "0.png,anger,anger,0.9\n"
        "1.png,anger, Happy,0.4\n"
        "2.png,anger,,0.3\n"
        "3.png,neutral,SKIP,0.3\n"
    )
    path = data_set(tmp_path, text)
    for where in (path, tmp_path):
        faces = load_dataset(where, size_px=24)
        assert faces.labels == ("anger", "happiness")
        np.testing.assert_array_equal(faces.targets, [0, 1])
        np.testing.assert_array_equal(faces.images[:, 5, 5], [10, 20])
        assert faces.images.shape == (2, 24, 24)
        assert list(faces.names) == ["0.png", "1.png"]
        assert faces.rejects.unlabelled == ("2.png", "3.png")
        assert set(faces.usage) == {""}


def test_a_column_person_says_who_is_who(tmp_path: Path) -> None:
    path = data_set(tmp_path, "file,label,person\n0.png,a,Ana\n1.png,b,\n2.png,a,Ben\n3.png,b,Ana\n")
    faces = load_dataset(path)
    assert faces.person == "person"
    assert faces.columns["person"].tolist() == ["Ana", "", "Ben", "Ana"]


def test_missing_and_damaged_images_are_counted(tmp_path: Path) -> None:
    path = data_set(tmp_path, "file,label\n0.png,a\n9.png,b\nbad.png,b\n1.png,b\n")
    (tmp_path / "bad.png").write_bytes(b"no image")
    faces = load_dataset(path)
    assert list(faces.names) == ["0.png", "1.png"]
    assert faces.rejects.unreadable == ("9.png", "bad.png")


def test_a_split_of_its_own_is_read(tmp_path: Path) -> None:
    path = data_set(tmp_path, "file,label,usage\n0.png,a,train\n1.png,b,Test\n2.png,b,PublicTest\n3.png,a,\n")
    assert list(load_dataset(path).usage) == ["Training", "PublicTest", "PublicTest", ""]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_what_spreadsheets_make_of_it_is_read(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = [
        ["file", "label", "correct", "source"],
        ["0.png", "a", "b", "Ägypten, Gizeh"],
        ["1.png", "a", "a", ""],
    ]
    text = "\n".join(delimiter.join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows)
    path = data_set(tmp_path, text + "\n", encoding=encoding)
    faces = load_dataset(path)
    assert faces.labels == ("a", "b")
    np.testing.assert_array_equal(faces.targets, [1, 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label,correct\n0.png,a,\n1.png,b,skip\n", "no row has both .* fill in the column correct"),
        ("file,label\n7.png,a\n", "no row has both"),
        ("file,label\n", "no row has both"),
        ("", "not a readable CSV"),
    ],
)
def test_a_bad_list_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    data_set(tmp_path, text)
    with pytest.raises(DatasetError, match=rf"labels\.csv: .*{message}"):
        load_dataset(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = data_set(tmp_path, "")
    path.write_bytes("file,label\n0.png,verärgert\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="UTF-8"):
        load_dataset(path)


@pytest.mark.parametrize("header", ["pth,label", "word"])
def test_a_list_of_another_kind_does_not_hide_class_folders(tmp_path: Path, header: str) -> None:
    for label in ("anger", "joy"):
        (tmp_path / label).mkdir()
        data_set(tmp_path / label, "", images=2)
        (tmp_path / label / "labels.csv").unlink()
    (tmp_path / "labels.csv").write_text(header + "\n")
    assert load_dataset(tmp_path).labels == ("anger", "joy")
