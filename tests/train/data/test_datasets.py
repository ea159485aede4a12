from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mien.errors import DatasetError
from mien.labels import FER2013
from mien.train.data import FaceSet, load_dataset
from mien.train.data.faces import with_landmarks
from mien.train.evaluate.groups import people_of

Grey = NDArray[np.uint8]
KAGGLE = "emotion,pixels,Usage"
ICML = "emotion, Usage, pixels"
VOTE_HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


def greys(count: int, side: int = 8, seed: int = 0) -> list[Grey]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, side, side), np.uint8))


def pixels(image: Grey) -> str:
    return " ".join(str(value) for value in image.ravel())


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def png(image: Grey) -> bytes:
    with io.BytesIO() as file:
        Image.fromarray(image).save(file, "PNG")
        return file.getvalue()


def saved(path: Path, image: Grey) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(image))
    return path


def parquet(path: Path, columns: dict[str, Any], metadata: dict[str, Any] | None = None) -> Path:
    table = pa.table(columns)
    if metadata is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps(metadata)})
    pq.write_table(table, path)
    return path


class TestCsv:
    def test_kaggles_two_spellings_give_the_same_faces(self, tmp_path: Path) -> None:
        first, second = greys(2, 48)
        kaggle = written(
            tmp_path / "fer2013.csv", KAGGLE, f"3,{pixels(first)},Training", f"0,{pixels(second)},PublicTest"
        )
        icml = written(
            tmp_path / "icml_face_data.csv",
            ICML,
            f"3, Training, {pixels(first)}",
            f"0, PublicTest, {pixels(second)}",
        )
        for path in (kaggle, icml):
            faces = load_dataset(path)
            np.testing.assert_array_equal(faces.images, [first, second])
            assert [faces.labels[target] for target in faces.targets] == ["happiness", "anger"]
            assert list(faces.usage) == ["Training", "PublicTest"]
            assert faces.labels == FER2013
            assert faces.votes is None

    def test_bad_rows_are_left_out_and_named_by_their_line(self, tmp_path: Path) -> None:
        good = pixels(greys(1)[0])
        path = written(
            tmp_path / "faces.csv",
            KAGGLE,
            f"0,{good},Training",
            "1,1 2 3,Training",  # no square
            "1,,Training",
            "1,12 300 4 5,Training",  # no grey value
            "1,12 -3 4 5,Training",
            "1,1 2 x 4,Training",
            f",{good},Training",  # no label
            f"9,{good},Training",  # no such class
            f"6,{good},Training",
        )
        faces = load_dataset(path, size_px=8)
        assert list(faces.targets) == [0, 6]
        assert list(faces.names) == ["faces.csv:2", "faces.csv:10"]
        assert faces.rejects.unreadable == tuple(f"faces.csv:{line}" for line in (3, 4, 5, 6, 7))
        assert faces.rejects.unlabelled == ("faces.csv:8", "faces.csv:9")

    def test_labels_may_be_words_and_usage_may_be_missing(self, tmp_path: Path) -> None:
        good = pixels(greys(1)[0])
        path = written(tmp_path / "own.csv", "emotion,pixels", f"calm,{good}", f"bored,{good}", f",{good}")
        faces = load_dataset(path)
        assert faces.labels == ("bored", "calm")
        assert list(faces.targets) == [1, 0]
        assert list(faces.usage) == ["", ""]

    def test_votes_are_joined_row_by_row_before_bad_rows_go(self, tmp_path: Path) -> None:
        good = pixels(greys(1)[0])
        path = written(
            tmp_path / "fer2013.csv", KAGGLE, f"0,{good},Training", "0,1,Training", f"1,{good},Training"
        )
        path.write_text(path.read_text().replace("0,1,Training", "0,1 2,Training"))
        votes = written(
            tmp_path / "fer2013new.csv",
            VOTE_HEADER,
            "Training,a.png,10,0,0,0,0,0,0,0,0,0",
            "Training,b.png,0,10,0,0,0,0,0,0,0,0",
            "Training,c.png,0,0,0,1,2,3,4,0,0,0",
        )
        faces = load_dataset(path, votes=votes)
        np.testing.assert_array_equal(
            faces.votes, [[10, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 2, 3, 4, 0, 0, 0]]
        )

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            ((VOTE_HEADER, "Training,a.png,10,0,0,0,0,0,0,0,0,0"), "expected 2 rows of votes.*received 1"),
            (("Usage,neutral", "Training,10"), "expected the FER\\+ columns"),
            ((VOTE_HEADER, "Training,a.png,many,0,0,0,0,0,0,0,0,0"), "expected the FER\\+ columns"),
        ],
    )
    def test_votes_that_do_not_fit(self, tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
        good = pixels(greys(1)[0])
        path = written(tmp_path / "fer2013.csv", KAGGLE, f"0,{good},Training", f"1,{good},Training")
        with pytest.raises(DatasetError, match=f"votes.csv: {message}"):
            load_dataset(path, votes=written(tmp_path / "votes.csv", *lines))

    def test_missing_votes(self, tmp_path: Path) -> None:
        path = written(tmp_path / "fer2013.csv", KAGGLE, f"0,{pixels(greys(1)[0])},Training")
        with pytest.raises(DatasetError, match=r"none\.csv"):
            load_dataset(path, votes=tmp_path / "none.csv")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "not a readable CSV"),
            ("emotion,Usage\n0,Training\n", "missing pixels"),
            ("a,b\n1,2\n", "missing emotion, pixels"),
            ("path,label\na.mp4,happy\n", "a table of clips.*--recipe happy-video"),
            ("emotion,pixels\n0,1 2 3\n", "no row holds both"),
            ("emotion,pixels\n,1\n", "no row holds both"),
            ("emotion,pixels\n", "no row holds both"),
            ("emotion,pixels\n0,1\n0,1,2,3\n", "not a readable CSV .*line 3"),
        ],
    )
    def test_files_without_faces_give_one_clear_line(self, tmp_path: Path, text: str, message: str) -> None:
        path = tmp_path / "bad.csv"
        path.write_text(text)
        with pytest.raises(DatasetError, match=message) as raised:
            load_dataset(path)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)

    def test_bytes_that_are_no_text(self, tmp_path: Path) -> None:
        path = tmp_path / "bad.csv"
        path.write_bytes(b"\xff\xfe\x00\x80" * 20)
        with pytest.raises(DatasetError, match="not a readable CSV"):
            load_dataset(path)


class TestParquet:
    def test_fer_style(self, tmp_path: Path) -> None:
        first, second = greys(2)
        votes = np.arange(20).reshape(2, 10)
        path = parquet(
            tmp_path / "fer.parquet",
            {
                "image": [{"bytes": png(first), "path": "a.png"}, {"bytes": png(second), "path": None}],
                "emotion": pa.array([6, 2], pa.int8()),
                "usage": ["Training", "PublicTest"],
                "votes": pa.array(votes.tolist(), pa.list_(pa.uint8(), 10)),
            },
        )
        faces = load_dataset(path, size_px=8)
        np.testing.assert_array_equal(faces.images, [first, second])
        assert [faces.labels[target] for target in faces.targets] == ["neutral", "fear"]
        assert list(faces.names) == ["a.png", "1"]
        assert list(faces.usage) == ["Training", "PublicTest"]
        np.testing.assert_array_equal(faces.votes, votes)

    @pytest.mark.parametrize("feature", [{"_type": "ClassLabel"}, {"num_classes": 3}])
    def test_hugging_face_style_takes_the_class_names_from_the_metadata(
        self, tmp_path: Path, feature: dict[str, Any]
    ) -> None:
        feature = {"names": ["Happy", "sad", "calm"], **feature}
        path = parquet(
            tmp_path / "train-00000-of-00001.parquet",
            {
                "image": [{"bytes": png(image), "path": None} for image in greys(4)],
                "label": pa.array([2, 0, -1, 3], pa.int64()),
            },
            {"info": {"features": {"label": feature, "image": {"_type": "Image"}}}},
        )
        faces = load_dataset(path)
        assert faces.labels == ("happiness", "sadness", "calm")
        assert list(faces.targets) == [2, 0]
        assert faces.rejects.unlabelled == ("2", "3")

    @pytest.mark.parametrize(
        ("labels", "expected", "names"),
        [
            (["b", None, "a", "b"], [1, 0, 1], ("a", "b")),
            (pa.array(["b", None, "a", "b"]).dictionary_encode(), [1, 0, 1], ("a", "b")),
            (pa.array([1, None, 0, 1], pa.int32()), [1, 0, 1], ("a", "b")),
            (pa.array([1.0, float("nan"), 0.0, 1.0]), [1, 0, 1], ("a", "b")),
        ],
    )
    def test_labels_as_words_or_numbers_or_missing(
        self, tmp_path: Path, labels: Any, expected: list[int], names: tuple[str, ...]
    ) -> None:
        path = parquet(tmp_path / "f.parquet", {"image": [png(image) for image in greys(4)], "label": labels})
        numbers = not any(isinstance(label, str) for label in pa.array(labels).to_pylist())
        if numbers:
            with pytest.raises(DatasetError, match=r"its classes are numbers \(0, 1\)"):
                load_dataset(path)
        faces = load_dataset(path, names={"0": "a", "1": "b"} if numbers else None)
        assert list(faces.targets) == expected
        assert faces.labels == names
        assert faces.rejects.unlabelled == ("1",)

    @pytest.mark.parametrize("kind", ["turned", "12 of 16 bits", "16 bits", "float", "transparent"])
    def test_bytes_are_read_as_a_file_of_the_same_bytes(self, tmp_path: Path, kind: str) -> None:
        grey = np.linspace(20, 235, 24 * 36).reshape(24, 36)
        exif = Image.Exif()
        exif[0x0112] = 6
        picture, options = {
            "turned": (Image.fromarray(grey.astype(np.uint8)), {"exif": exif}),
            "12 of 16 bits": (Image.fromarray((grey * 4095 / 255).astype(np.uint16)), {}),
            "16 bits": (Image.fromarray((grey * 65535 / 255).astype(np.uint16)), {}),
            "float": (Image.fromarray((grey / 255).astype(np.float32)), {}),
            "transparent": (Image.fromarray(np.dstack([grey * 0] * 3 + [255 - grey]).astype(np.uint8)), {}),
        }[kind]
        folder = tmp_path / "folder"
        for name in ("calm", "bored"):
            (folder / name).mkdir(parents=True)
            picture.save(folder / name / "a.tif", "TIFF", **options)
        data = (folder / "calm" / "a.tif").read_bytes()
        table = pa.table({"image": [{"bytes": data, "path": "a.tif"}], "label": ["calm"]})
        pq.write_table(table, tmp_path / "faces.parquet")
        (from_bytes,) = load_dataset(tmp_path / "faces.parquet", size_px=24).images
        np.testing.assert_array_equal(from_bytes, load_dataset(folder, size_px=24).images[0])
        expected = np.rot90(grey, -1) if kind == "turned" else grey
        if kind == "float":  # from its darkest to its brightest
            expected = (grey - 20) * 255 / 215
        expected = cv2.resize(expected.astype(np.float32), (24, 24), interpolation=cv2.INTER_AREA)
        np.testing.assert_allclose(from_bytes, expected, atol=2.5)

    def test_unreadable_images_are_left_out_with_their_votes(self, tmp_path: Path) -> None:
        good = png(greys(1)[0])
        path = parquet(
            tmp_path / "f.parquet",
            {
                "image": [
                    {"bytes": good, "path": "good"},
                    {"bytes": good[: len(good) // 2], "path": "cut"},
                    {"bytes": b"text", "path": "text"},
                    {"bytes": None, "path": "elsewhere"},
                    None,
                    {"bytes": good, "path": "last"},
                ],
                "emotion": [0, 1, 1, 1, 1, 2],
                "votes": [[place] * 10 for place in range(6)],
            },
        )
        faces = load_dataset(path)
        assert list(faces.names) == ["good", "last"]
        assert faces.rejects.unreadable == ("cut", "text", "elsewhere", "4")
        assert faces.votes is not None
        assert list(faces.votes[:, 0]) == [0, 5]

    @pytest.mark.parametrize("row", [[1, 2, 3], None, [None] * 10])
    def test_votes_of_a_wrong_form(self, tmp_path: Path, row: Any) -> None:
        image = png(greys(1)[0])
        path = parquet(
            tmp_path / "f.parquet", {"image": [image] * 2, "emotion": [0, 1], "votes": [[1] * 10, row]}
        )
        with pytest.raises(DatasetError, match="row 1: expected 10 votes"):
            load_dataset(path)

    def test_wrong_columns(self, tmp_path: Path) -> None:
        path = parquet(tmp_path / "f.parquet", {"picture": [b""], "label": ["a"]})
        with pytest.raises(DatasetError, match=r"expected the columns image and emotion.*picture, label"):
            load_dataset(path)

    def test_no_usable_row(self, tmp_path: Path) -> None:
        path = parquet(tmp_path / "f.parquet", {"image": [b"text"], "label": ["a"]})
        with pytest.raises(DatasetError, match="no row holds both"):
            load_dataset(path)

    def test_not_parquet(self, tmp_path: Path) -> None:
        path = written(tmp_path / "f.parquet", "text")
        with pytest.raises(DatasetError, match=r"f\.parquet: not a readable Parquet file"):
            load_dataset(path)


class TestFolder:
    def test_one_subfolder_for_each_class_in_natural_order(self, tmp_path: Path) -> None:
        images = greys(3)
        for name, image in zip(("sad/2.png", "sad/10.png", "calm/deep/1.png"), images, strict=True):
            saved(tmp_path / name, image)
        faces = load_dataset(tmp_path, size_px=8)
        assert faces.labels == ("calm", "sad")
        assert list(faces.names) == ["calm/deep/1.png", "sad/2.png", "sad/10.png"]
        np.testing.assert_array_equal(faces.images, [images[2], images[0], images[1]])
        assert list(faces.usage) == ["", "", ""]

    def test_parts_of_a_split_above_the_classes(self, tmp_path: Path) -> None:
        for part in ("Train", "test", "validation"):
            for label in ("a", "b"):
                saved(tmp_path / part / label / "1.png", greys(1)[0])
        saved(tmp_path / "test" / "c" / "1.png", greys(1)[0])
        faces = load_dataset(tmp_path)
        assert faces.labels == ("a", "b", "c")
        found = {(str(u), faces.labels[t]) for u, t in zip(faces.usage, faces.targets, strict=True)}
        assert found == {
            *(("Training", label) for label in "ab"),
            *(("Validation", label) for label in "ab"),
            *(("PublicTest", label) for label in "abc"),
        }

    def test_unreadable_files_are_named_and_hidden_ones_ignored(self, tmp_path: Path) -> None:
        good = saved(tmp_path / "a" / "good.png", greys(1)[0])
        (tmp_path / "a" / "cut.png").write_bytes(good.read_bytes()[:60])
        (tmp_path / "a" / "empty.jpg").touch()
        written(tmp_path / "a" / "notes.txt", "text")
        written(tmp_path / "a" / ".DS_Store", "x")
        (tmp_path / ".git").mkdir()
        written(tmp_path / "README.md", "about")
        faces = load_dataset(tmp_path)
        assert list(faces.names) == ["a/good.png"]
        assert faces.rejects.unreadable == ("a/cut.png", "a/empty.jpg", "a/notes.txt")

    def test_colour_becomes_grey_by_its_luma(self, tmp_path: Path) -> None:
        colour = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
        saved(tmp_path / "a" / "1.png", colour)
        expected = colour @ [0.299, 0.587, 0.114]
        assert abs(load_dataset(tmp_path).images[0] - expected).max() <= 0.51

    def test_deep_and_turned_photographs_are_read_as_one_sees_them(self, tmp_path: Path) -> None:
        image = greys(1, 48)[0]
        saved(tmp_path / "a" / "deep.png", image.astype(np.uint16) * 257)
        exif = Image.Exif()
        exif[0x0112] = 6  # turn right by 90 degrees to see it upright
        Image.fromarray(np.rot90(image)).save(tmp_path / "a" / "turned.png", exif=exif)
        np.testing.assert_array_equal(load_dataset(tmp_path).images, [image, image])

    @pytest.mark.parametrize("side", [24, 48, 96])
    def test_other_sizes_are_resized(self, tmp_path: Path, side: int) -> None:
        ramp = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (96, 1))
        saved(tmp_path / "a" / "1.png", cv2.resize(ramp, (side, side), interpolation=cv2.INTER_AREA))
        image = load_dataset(tmp_path, size_px=48).images[0]
        assert image.shape == (48, 48)
        expected = cv2.resize(ramp, (48, 48), interpolation=cv2.INTER_AREA)
        assert abs(image.astype(int) - expected).max() <= 3

    def test_pictures_that_are_not_square_are_made_so(self, tmp_path: Path) -> None:
        Image.fromarray(np.full((60, 30), 7, np.uint8)).save(saved(tmp_path / "a" / "1.png", greys(1)[0]))
        np.testing.assert_array_equal(load_dataset(tmp_path).images, np.full((1, 48, 48), 7))

    def test_no_class_folders(self, tmp_path: Path) -> None:
        saved(tmp_path / "1.png", greys(1)[0])
        with pytest.raises(DatasetError, match="expected one subfolder for each class, found none"):
            load_dataset(tmp_path)

    def test_no_readable_image(self, tmp_path: Path) -> None:
        (tmp_path / "happy").mkdir()
        with pytest.raises(DatasetError, match=r"no readable image in its class folders \(happy\)"):
            load_dataset(tmp_path)

    def test_a_folder_that_may_not_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_: Path) -> Any:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "iterdir", refuse)
        with pytest.raises(DatasetError, match=r"not a readable folder \(Permission denied\)"):
            load_dataset(tmp_path)


class TestPeople:
    """A table of people beside class folders."""

    @staticmethod
    def folder(path: Path, table: str | None, name: str = "people.csv") -> Path:
        for file in ("neutral/01.png", "neutral/02.png", "smiling/01.png", "smiling/03.png"):
            saved(path / file, greys(1)[0])
        if table is not None:
            written(path / name, *table.split())
        return path

    def test_columns_are_joined_by_the_photographs_names(self, tmp_path: Path) -> None:
        faces = load_dataset(self.folder(tmp_path, "id;age;sex 01;30;female 03;;male 99;8;male"))
        assert faces.columns["sex"].tolist() == ["female", "", "female", "male"]
        assert faces.columns["age"].tolist() == ["30", "", "30", ""]
        assert faces.columns["id"].tolist() == ["01", "", "01", "03"]
        assert faces.person == "id"
        assert people_of(faces).tolist()[0::2] == [people_of(faces)[0]] * 2
        assert len(set(people_of(faces).tolist())) == 3
        assert [picture.name for picture in faces.pictures] == ["01.png", "02.png", "01.png", "03.png"]

    def test_who_is_who_is_said_by_a_column_person(self, tmp_path: Path) -> None:
        faces = load_dataset(self.folder(tmp_path, "id;person 01;Ana 02;Ben 03;Ana"))
        assert faces.person == "person"
        assert faces.columns["person"].tolist() == ["Ana", "Ben", "Ana", "Ana"]

    def test_without_a_table_nobody_is_known(self, tmp_path: Path) -> None:
        faces = load_dataset(self.folder(tmp_path, None))
        assert (faces.person, dict(faces.columns), people_of(faces)) == (None, {}, None)

    def test_a_list_of_photographs_names_no_people(self, tmp_path: Path) -> None:
        faces = load_dataset(self.folder(tmp_path, "id,camera 01,old", "labels.csv"))
        assert faces.columns["camera"].tolist() == ["old", "", "old", ""]
        assert faces.person is None
        assert people_of(faces, "id").tolist()[0] == people_of(faces, "id").tolist()[2]

    @pytest.mark.parametrize(
        ("table", "message"),
        [
            ("name,age 01,30", "expected a column id, received name, age"),
            ("id,age 01,30 01,31", "id 01 appears twice"),
            ("id,age 1,30 x,31", "received 1, x, but the photographs are 01, 02, 01"),
            ("id,age ,30", "received none"),
        ],
    )
    def test_a_table_of_others_is_refused(self, tmp_path: Path, table: str, message: str) -> None:
        with pytest.raises(DatasetError, match=message):
            load_dataset(self.folder(tmp_path, table))

    def test_a_column_that_is_not_there(self, tmp_path: Path) -> None:
        faces = load_dataset(self.folder(tmp_path, "id,empty 01,"))
        with pytest.raises(DatasetError, match="no column named who"):
            people_of(faces, "who")
        with pytest.raises(DatasetError, match="column empty is empty"):
            people_of(faces, "empty")


def test_missing_path(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="none: there is no such file or folder"):
        load_dataset(tmp_path / "none")


def test_unknown_form(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"faces\.zip: expected a \.csv, a \.parquet, or a folder"):
        load_dataset(written(tmp_path / "faces.zip", "x"))


def test_votes_of_their_own_are_refused_where_they_would_be_ignored(tmp_path: Path) -> None:
    saved(tmp_path / "a" / "1.png", greys(1)[0])
    with pytest.raises(
        DatasetError, match=r"votes\.csv: votes in a file of their own belong to a Kaggle CSV"
    ):
        load_dataset(tmp_path, votes=Path("votes.csv"))


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["ok", "image", "label"])), min_size=1))
def test_order_and_counts_are_kept_in_every_form(rows: list[tuple[int, str]]) -> None:
    """Whatever is wrong with some rows, the others come back in order, and none is lost from the count."""
    images = greys(len(rows), 4)
    good = [place for place, (_, state) in enumerate(rows) if state == "ok"]
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            f"{'' if state == 'label' else target},{'1 2' if state == 'image' else pixels(image)}"
            for (target, state), image in zip(rows, images, strict=True)
        ]
        csv = written(Path(folder) / "f.csv", "emotion,pixels", *lines)
        table = parquet(
            Path(folder) / "f.parquet",
            {
                "image": [
                    b"" if state == "image" else png(image)
                    for (_, state), image in zip(rows, images, strict=True)
                ],
                "emotion": pa.array([None if s == "label" else target for target, s in rows], pa.int64()),
            },
        )
        for path in (csv, table):
            if not good:
                with pytest.raises(DatasetError):
                    load_dataset(path, size_px=4)
                continue
            faces = load_dataset(path, size_px=4)
            np.testing.assert_array_equal(faces.images, [images[place] for place in good])
            assert list(faces.targets) == [rows[place][0] for place in good]
            assert len(faces) + len(faces.rejects.unreadable) + len(faces.rejects.unlabelled) == len(rows)
            assert sum(faces.counts().values()) == len(faces)


class TestFaceSet:
    @staticmethod
    def faces(targets: list[int]) -> FaceSet:
        count = len(targets)
        return FaceSet(
            images=np.zeros((count, 4, 4), np.uint8),
            targets=np.array(targets, np.int64),
            labels=("a", "b", "c", "d"),
            usage=np.full(count, ""),
            names=np.array([str(place) for place in range(count)]),
            votes=np.arange(count * 10).reshape(count, 10),
        )

    def test_arrays_must_have_one_length(self) -> None:
        with pytest.raises(ValueError, match="arrays of one length"):
            FaceSet(
                np.zeros((2, 4, 4), np.uint8), np.zeros(3, np.int64), ("a",), np.array([""]), np.array([""])
            )

    @given(st.lists(st.integers(0, 3), min_size=1), st.sets(st.sampled_from("abcd"), max_size=2))
    def test_removing_classes_keeps_every_other_face_under_its_name(
        self, targets: list[int], removed: set[str]
    ) -> None:
        faces = self.faces(targets)
        rest = faces.without(removed)
        assert rest.labels == tuple(label for label in faces.labels if label not in removed)
        before = {n: faces.labels[t] for n, t in zip(faces.names, faces.targets, strict=True)}
        after = {n: rest.labels[t] for n, t in zip(rest.names, rest.targets, strict=True)}
        assert after == {name: label for name, label in before.items() if label not in removed}
        assert rest.votes is not None
        assert list(rest.votes[:, 0] // 10) == [int(name) for name in rest.names]

    def test_removing_an_unknown_class(self) -> None:
        with pytest.raises(DatasetError, match="no class named x; there are: a, b, c, d"):
            self.faces([0, 1]).without(["x", "a"])

    def test_removing_too_many(self) -> None:
        with pytest.raises(DatasetError, match="at least two classes to be left, received 1"):
            self.faces([0, 1]).without("abc")


def test_shared_fer2013_is_what_its_readme_says(shared: Path) -> None:
    path = shared / "data" / "faces" / "fer2013.parquet"
    head = pq.ParquetFile(path).iter_batches(64)
    batch = pa.Table.from_batches([next(head)])
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(batch, Path(folder) / "head.parquet")
        faces = load_dataset(Path(folder) / "head.parquet")
    assert len(faces) == 64
    assert faces.images.shape == (64, 48, 48)
    assert faces.votes is not None
    assert set(faces.usage) <= {"Training", "PublicTest"}
    assert (faces.votes.sum(axis=1) <= 10).all()


class TestColumns:
    """What the data says of its faces beside labels: for figures by group."""

    def test_of_a_kaggle_csv(self, tmp_path: Path) -> None:
        first, _, third = greys(3)
        path = written(
            tmp_path / "faces.csv", "emotion,pixels,Usage,camera",
            f"0,{pixels(first)},Training,old", "1,broken,Training,old", f"2,{pixels(third)},PublicTest,",
        )  # fmt: skip
        faces = load_dataset(path, size_px=8)
        assert {name: column.tolist() for name, column in faces.columns.items()} == {
            "Usage": ["Training", "PublicTest"], "camera": ["old", ""],
        }  # fmt: skip
        assert faces.take(np.array([1])).columns["camera"].tolist() == [""]

    def test_of_parquet(self, tmp_path: Path) -> None:
        images = [png(image) for image in greys(2)]
        path = parquet(
            tmp_path / "faces.parquet",
            {
                "image": images,
                "emotion": [0, 1],
                "age": [31, None],
                "raw": [b"a", b"b"],
                "usage": ["train", "test"],
            },
        )
        columns = load_dataset(path, size_px=8).columns
        assert set(columns) == {"age", "usage"}
        assert columns["age"].tolist() == ["31.0", ""]

    def test_of_a_corrected_listing(self, tmp_path: Path) -> None:
        for number, image in enumerate(greys(3)):
            saved(tmp_path / f"{number}.png", image)
        path = written(
            tmp_path / "labels.csv",
            "file,label,site",
            "0.png,happy,Bonn",
            "1.png,skip,Bonn",
            "2.png,sad,Turin",
        )
        assert load_dataset(path, size_px=8).columns["site"].tolist() == ["Bonn", "Turin"]

    def test_of_another_length_is_refused(self, tmp_path: Path) -> None:
        images = np.stack(greys(2))
        text = np.array(["", ""])
        with pytest.raises(ValueError, match="one length"):
            FaceSet(images, np.zeros(2, np.int64), ("a",), text, text, columns={"age": np.array(["3"])})


class TestLandmarks:
    def faces(self, *names: str) -> FaceSet:
        count = len(names)
        text = np.full(count, "")
        return FaceSet(np.stack(greys(count)), np.zeros(count, np.int64), ("a",), text, np.array(names))

    def test_they_are_found_by_name_as_shares_of_the_side(self, tmp_path: Path) -> None:
        points = np.random.default_rng(0).uniform(0, 48, (3, 68, 2))
        np.savez(tmp_path / "l.npz", path=["c", "a", "b"], landmarks=points, found=[True, True, False])
        faces = with_landmarks(self.faces("a", "b", "c", "d"), tmp_path / "l.npz")
        assert faces.landmarks is not None
        np.testing.assert_allclose(faces.landmarks[[0, 2]], points[[1, 0]] / 48, rtol=1e-6)
        assert np.isnan(faces.landmarks[[1, 3]]).all(), "b was not found, d is not in the file"

    def test_rubbish_is_said(self, tmp_path: Path) -> None:
        faces, path = self.faces("a"), tmp_path / "l.npz"
        with pytest.raises(DatasetError, match=r"l\.npz: expected an \.npz"):
            with_landmarks(faces, path)
        path.write_bytes(b"PK rubbish")
        with pytest.raises(DatasetError, match=r"expected an \.npz"):
            with_landmarks(faces, path)
        np.savez(path, path=["a"], landmarks=np.zeros((1, 5, 2)), found=[True])
        with pytest.raises(DatasetError, match=r"expected landmarks of shape \(1, 68, 2\)"):
            with_landmarks(faces, path)
        np.savez(path, path=["x"], landmarks=np.zeros((1, 68, 2)), found=[True])
        with pytest.raises(DatasetError, match="of other faces"):
            with_landmarks(faces, path)
