"""Known data sets as their authors hand them out: labels, parts, people. Pictures are grey levels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.errors import ConfigError, DatasetError
from mien.train.data import FaceSet, load_dataset
from mien.train.data.faces import part_of_split
from mien.train.data.numbering import NUMBERINGS, class_names


def put(root: Path, files: Mapping[str, int | str], side_px: int = 48) -> Path:
    """Write pictures of one grey level, and texts."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, int):
            cv2.imwrite(str(path), np.full((side_px, side_px), content, np.uint8))
        else:
            path.write_text(content, encoding="utf-8")
    return root


def read(faces: FaceSet) -> dict[str, tuple[str, str, int]]:
    """Return each face's label, part and grey level by its name."""
    rows = zip(faces.names, faces.targets, faces.usage, faces.images, strict=True)
    return {
        str(name): (faces.labels[target], str(usage), int(image.mean().round()))
        for name, target, usage, image in rows
    }


@pytest.mark.parametrize("below", ["", "basic/"])
def test_raf_db(tmp_path: Path, below: str) -> None:
    put(tmp_path, {
        f"{below}EmoLabel/list_patition_label.txt": "train_00001.jpg 5\ntrain_00002.jpg 1\ntest_0001.jpg 7\n",
        f"{below}Image/aligned/train_00001_aligned.jpg": 50,
        f"{below}Image/aligned/train_00002_aligned.jpg": 60,
        f"{below}Image/aligned/test_0001_aligned.jpg": 70,
    })  # fmt: skip
    assert read(load_dataset(tmp_path)) == {
        f"{below}Image/aligned/train_00001_aligned.jpg": ("sadness", "Training", 50),
        f"{below}Image/aligned/train_00002_aligned.jpg": ("surprise", "Training", 60),
        f"{below}Image/aligned/test_0001_aligned.jpg": ("neutral", "PublicTest", 70),
    }


def test_raf_db_in_parts(tmp_path: Path) -> None:
    put(tmp_path, {"EmoLabel/other.txt": "x", "Image/aligned/a.jpg": 1})
    with pytest.raises(
        DatasetError, match=r"looks like RAF-DB, but EmoLabel/list_patition_label\.txt is missing"
    ):
        load_dataset(tmp_path)
    put(tmp_path / "b", {"EmoLabel/list_patition_label.txt": "train_00001.jpg 5\n", "Image/aligned.zip": "x"})
    with pytest.raises(DatasetError, match=r"but Image/aligned is missing; unpack Image/aligned\.zip"):
        load_dataset(tmp_path / "b")


def test_raf_db_of_kaggle(tmp_path: Path) -> None:
    put(
        tmp_path, {f"DATASET/{part}/{n}/{part}_{n}.jpg": n for part in ("train", "test") for n in range(1, 8)}
    )
    put(tmp_path, {"train_labels.csv": "image,label\n", "test_labels.csv": "image,label\n"})
    faces = read(load_dataset(tmp_path))
    assert faces["DATASET/train/1/train_1.jpg"] == ("surprise", "Training", 1)
    assert faces["DATASET/test/6/test_6.jpg"] == ("anger", "PublicTest", 6)
    assert len(faces) == 14


def test_affect_net(tmp_path: Path) -> None:
    labels = {"train_set": {0: 1, 10: 7, 2: 8}, "val_set": {5: 0}}
    for part, numbers in labels.items():
        put(tmp_path / part, {f"images/{picture}.jpg": 100 + picture for picture in numbers})
        (tmp_path / part / "annotations").mkdir()
        for picture, number in numbers.items():
            np.save(tmp_path / part / "annotations" / f"{picture}_exp.npy", str(number))
            np.save(tmp_path / part / "annotations" / f"{picture}_val.npy", "-0.1")
    faces = load_dataset(tmp_path)
    assert read(faces) == {
        "train_set/images/0.jpg": ("happiness", "Training", 100),
        "train_set/images/10.jpg": ("contempt", "Training", 110),
        "val_set/images/5.jpg": ("neutral", "Validation", 105),
    }
    assert faces.rejects.unlabelled == ("train_set/images/2.jpg",)


def test_affect_net_with_lists(tmp_path: Path) -> None:
    head = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression"
    head += ",valence,arousal\n"
    put(tmp_path, {
        "training.csv": f"{head}689/a.jpg,10,20,30,30,1;2,6,-0.5,0.5\n",
        "validation.csv": f"{head}1/b.jpg,0,0,48,48,1;2,0,0,0\n1/c.jpg,0,0,48,48,1;2,10,-2,-2\n",
        "Manually_Annotated/Manually_Annotated_Images/1/b.jpg": 80,
        "Manually_Annotated/Manually_Annotated_Images/1/c.jpg": 90,
    })  # fmt: skip
    picture = np.zeros((100, 100), np.uint8)
    picture[20:50, 10:40] = 200
    place = tmp_path / "Manually_Annotated/Manually_Annotated_Images/689/a.jpg"
    place.parent.mkdir()
    cv2.imwrite(str(place), picture)
    faces = read(load_dataset(tmp_path))
    at = "Manually_Annotated/Manually_Annotated_Images"
    assert {name: cells[:2] for name, cells in faces.items()} == {
        f"{at}/689/a.jpg": ("anger", "Training"),
        f"{at}/1/b.jpg": ("neutral", "Validation"),
    }
    assert faces[f"{at}/689/a.jpg"][2] == pytest.approx(200, abs=4)  # the face's box, not the black around it


def test_ck_plus(tmp_path: Path) -> None:
    frames = {f"cohn-kanade-images/S005/001/S005_001_{n:08d}.png": n for n in range(1, 12)}
    put(tmp_path, {**frames, "cohn-kanade-images/S010/002/S010_002_00000001.png": 99})
    put(tmp_path, {"Emotion/S005/001/S005_001_00000011_emotion.txt": "   3.0000000e+00\n"})
    faces = load_dataset(tmp_path)
    assert read(faces) == {
        "cohn-kanade-images/S005/001/S005_001_00000001.png": ("neutral", "", 1),
        "cohn-kanade-images/S005/001/S005_001_00000011.png": ("disgust", "", 11),
    }
    assert faces.person == "subject"
    assert faces.columns["subject"].tolist() == ["S005", "S005"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["KA.AN1.39.tiff", "YM.SU3.60.tiff"], ["anger KA", "surprise YM"]),
        (["jaffe/KA.FE1.45.tiff", "jaffe/NM.HA2.96.tiff"], ["fear KA", "happiness NM"]),
        (["AF01/AF01AFS.JPG", "BM35/BM35DIHL.JPG"], ["fear F01", "disgust M35"]),
        (["KDEF/AF01/AF01SUFR.JPG", "KDEF/AM02/AM02NES.JPG"], ["surprise F01", "neutral M02"]),
        (
            ["Rafd090_01_Caucasian_female_angry_frontal.jpg", "Rafd045_23_Moroccan_male_sad_left.jpg"],
            ["sadness 23", "anger 01"],
        ),
    ],
)  # fmt: skip
def test_names_that_say_it(tmp_path: Path, files: list[str], expected: list[str]) -> None:
    """JAFFE, KDEF and the Radboud Faces Database."""
    faces = load_dataset(put(tmp_path, dict.fromkeys(files, 9)))
    found = [
        f"{faces.labels[t]} {who}" for t, who in zip(faces.targets, faces.columns["subject"], strict=True)
    ]
    assert found == expected


def test_exp_w(tmp_path: Path) -> None:
    picture = np.zeros((100, 100), np.uint8)
    picture[10:40, 50:90] = 200
    (tmp_path / "image/origin").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "image/origin/angry_actor_104.jpg"), picture)
    put(tmp_path, {"label/label.lst": "angry_actor_104.jpg 0 10 50 90 40 75.97 3\n"})
    ((_, (label, _, level)),) = read(load_dataset(tmp_path)).items()
    assert label == "happiness"
    assert level == pytest.approx(200, abs=4)


def test_fer_plus(tmp_path: Path) -> None:
    put(tmp_path, {
        "FER2013Train/label.csv": 'fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0\n'
        'fer0000001.png,"(0, 0, 48, 48)",0,0,0,0,0,0,0,0,1,9\n',
        "FER2013Train/fer0000000.png": 5, "FER2013Train/fer0000001.png": 6,
        "FER2013Test/label.csv": 'fer0032220.png,"(0, 0, 48, 48)",0,0,0,0,0,0,0,10,0,0\n',
        "FER2013Test/fer0032220.png": 7,
    })  # fmt: skip
    faces = load_dataset(tmp_path)
    assert read(faces) == {
        "FER2013Train/fer0000000.png": ("neutral", "Training", 5),
        "FER2013Test/fer0032220.png": ("contempt", "PrivateTest", 7),
    }
    assert faces.votes is not None
    assert faces.votes.tolist() == [[4, 0, 0, 1, 3, 2, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 10, 0, 0]]


def test_the_folder_that_fer2013_was_unpacked_into(tmp_path: Path) -> None:
    pixels = " ".join(["7"] * 48 * 48)
    head = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    put(tmp_path, {
        "fer2013/fer2013.csv": f"emotion,pixels,Usage\n3,{pixels},Training\n",
        "fer2013new.csv": f"{head}\nTraining,fer0000000.png,0,8,0,0,0,0,0,2,0,0\n",
    })  # fmt: skip
    faces = load_dataset(tmp_path)
    assert faces.counts()["happiness"] == 1
    assert faces.votes is not None
    assert faces.votes[0, 1] == 8


def test_sfew(tmp_path: Path) -> None:
    """Its test part has no labels."""
    put(
        tmp_path,
        {"Train/Angry/a.png": 1, "Val/Happy/b.png": 2, "Test/c.png": 3, "__MACOSX/Train/Angry/._a.png": 4},
    )
    faces = load_dataset(tmp_path)
    assert read(faces) == {
        "Train/Angry/a.png": ("Angry", "Training", 1), "Val/Happy/b.png": ("Happy", "Validation", 2),
    }  # fmt: skip
    assert faces.rejects.unlabelled == ("Test/c.png",)


@pytest.mark.parametrize("litter", ["__MACOSX", "@eaDir", ".ipynb_checkpoints"])
def test_litter_is_no_class(tmp_path: Path, litter: str) -> None:
    put(tmp_path, {"Happy/a.png": 1, "happy/b.png": 2, "sad/c.png": 3, f"{litter}/a.png": 4})
    faces = load_dataset(tmp_path)
    assert faces.counts() == {"happiness": 2, "sad": 1}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["images/a.png", "labels/a.txt"], "found images, labels: images is not a class"),
        (["train/happy/a.png", "happy/b.png"], "found both: train beside happy"),
        (["P1/Happy/a.png", "P2/sad/b.png"], r"found P1, P2, and the classes below them \(Happy, sad\)"),
        (["train/P1/happy/a.png", "test/P2/sad/b.png"], r"found P1, P2, and the classes below them"),
        (
            ["Train_AFEW/Angry/000046280.avi", "Val_AFEW/Sad/1.avi"],
            "they hold videos; cut the faces out with mien",
        ),
        (["happy/a.txt", "sad/b.txt"], "both a label and a readable image"),
        (["0/a.png", "1/b.png"], r"its classes are numbers \(0, 1\).*--class-names"),
        (["train/1/a.png", "test/2/b.png"], r"its classes are numbers \(1, 2\)"),
    ],
)
def test_what_is_no_data_set_of_classes_is_refused_with_what_was_found(
    tmp_path: Path, files: list[str], told: str
) -> None:
    put(tmp_path, {name: 9 if name.endswith("png") else "x" for name in files})
    with pytest.raises(DatasetError, match=told):
        load_dataset(tmp_path)


def test_numbers_can_be_named(tmp_path: Path) -> None:
    put(tmp_path, {"train/1/a.png": 1, "val/02/b.png": 2, "val/9/c.png": 3})
    faces = load_dataset(tmp_path, names=class_names("1=Happy, 2=calm"))
    assert faces.counts() == {"calm": 1, "happiness": 1}
    assert faces.rejects.unlabelled == ("val/9/c.png",)
    assert load_dataset(tmp_path, names=class_names("raf-db")).labels == ("fear", "surprise")


@pytest.mark.parametrize("text", ["", "one=happy", "1=", "happy", "1=happy,1=sad", "1=a,01=b"])
def test_names_of_numbers_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="class names: "):
        class_names(text)


def test_numberings() -> None:
    """The papers' own orders."""
    assert NUMBERINGS["affectnet"]["7"] == "contempt"
    assert NUMBERINGS["raf-db"]["4"] == "happiness"
    assert NUMBERINGS["ck+"]["2"] == "contempt"
    assert NUMBERINGS["expw"]["6"] == NUMBERINGS["fer2013"]["6"] == "neutral"


@pytest.mark.parametrize(
    "head", ["image,emotion", "Filename,Label", "pth,label", "image_path,expression", ",pth,label,relFCs"]
)
def test_a_list_with_other_column_names(tmp_path: Path, head: str) -> None:
    """Beside class folders, whose pictures it names (AffectNet at Kaggle)."""
    at = {"pth": 1} if head.startswith(",") else {}
    row = [["0", "happy/a.png", "happy", "0.8"], ["1", "sad/b.png", "sad", "0.9"]]
    lines = [",".join(cells if at else cells[1:3]) for cells in row]
    put(tmp_path, {"labels.csv": "\n".join([head, *lines]) + "\n", "happy/a.png": 1, "sad/b.png": 2})
    assert {name: cells[0] for name, cells in read(load_dataset(tmp_path)).items()} == {
        "happy/a.png": "happiness", "sad/b.png": "sadness",
    }  # fmt: skip


def test_a_list_of_numbers(tmp_path: Path) -> None:
    put(tmp_path, {"labels.csv": "image,label\na.png,0\nb.png,6\n", "a.png": 1, "b.png": 2})
    with pytest.raises(DatasetError, match="its classes are numbers"):
        load_dataset(tmp_path)
    assert load_dataset(tmp_path, names=class_names("affectnet")).labels == ("anger", "neutral")


@pytest.mark.parametrize(
    ("name", "part"),
    [("train_set", "Training"), ("val-set", "Validation"), ("Test", "PublicTest"), ("TrainSet", "Training"),
     ("validation images", "Validation"), ("happy", None), ("test7", None), ("set", None)],
)  # fmt: skip
def test_names_of_parts(name: str, part: str | None) -> None:
    assert part_of_split(name) == part
