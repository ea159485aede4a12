"""How known data sets lie on the disk, as their authors hand them out, and what their labels mean.

| data set | its form |
| --- | --- |
| FER+ | FER2013Train/label.csv beside fer0000000.png (Barsoum et al. 2016, github.com/microsoft/FERPlus) |
| RAF-DB | EmoLabel/list_patition_label.txt, Image/aligned (Li et al. 2017) |
| AffectNet | train_set/images and annotations/0_exp.npy; training.csv (Mollahosseini et al. 2017) |
| CK+ | cohn-kanade-images/S005/001, Emotion/S005/001/*_emotion.txt (Lucey et al. 2010) |
| JAFFE | KA.AN1.39.tiff (Lyons et al. 1998) |
| KDEF | AF01/AF01AFS.JPG (Lundqvist et al. 1998) |
| RaFD | Rafd090_01_Caucasian_female_angry_frontal.jpg (Langner et al. 2010) |
| ExpW | label.lst, origin/*.jpg (Zhang et al. 2018) |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from mien.errors import DatasetError
from mien.files import natural_key
from mien.labels import EMOTIONS, FERPLUS_VOTES
from mien.train.data.faces import part_of_split
from mien.train.data.folders import Listed, is_litter, subfolders
from mien.train.data.numbering import NUMBERINGS
from mien.train.data.tables import read_listing
from mien.wording import reason

_CODES: Final = {
    "AF": "fear", "AN": "anger", "DI": "disgust", "FE": "fear", "HA": "happiness", "NE": "neutral",
    "SA": "sadness", "SU": "surprise",
}  # fmt: skip
"""What JAFFE and KDEF call the expressions; KDEF's fear is "afraid"."""

_LOOKED_AT: Final = 50
"""Pictures whose names are looked at before a data set is taken for one that its pictures' names tell of."""

_JAFFE: Final = re.compile(r"(?P<subject>[A-Z]{2})\.(?P<code>[A-Z]{2})\d\.\d+\.(tiff?|png|jpe?g|bmp)", re.I)
_KDEF: Final = re.compile(r"[AB](?P<subject>[FM]\d\d)(?P<code>[A-Z]{2})(FL|HL|S|HR|FR)\.jpe?g", re.I)
_RAFD: Final = re.compile(
    r"Rafd\d{3}_(?P<subject>\d\d)_[A-Za-z]+_(fe)?male_(?P<code>[a-z]+)_(frontal|left|right)\.jpe?g", re.I
)
_RAFD_CODES: Final = {
    "angry": "anger", "contemptuous": "contempt", "disgusted": "disgust", "fearful": "fear",
    "happy": "happiness", "neutral": "neutral", "sad": "sadness", "surprised": "surprise",
}  # fmt: skip


def known_layout(root: Path) -> list[Listed] | None:
    """List the pictures of a known data set.

    Args:
        root: its folder, or the one that it was unpacked into.

    Returns:
        Its pictures, or None where it is none of them.

    Raises:
        DatasetError: it is one that can't be used, or parts of it are missing; says what was found.
    """
    for folder in (root, *subfolders(root)):
        for read in _LAYOUTS:
            if (rows := read(folder)) is not None:
                return rows
    return None


def _fer_plus(root: Path) -> list[Listed] | None:
    parts = {"FER2013Train": "Training", "FER2013Valid": "PublicTest", "FER2013Test": "PrivateTest"}
    there = [root / name for name in parts if (root / name / "label.csv").is_file()]
    return [row for part in there for row in _fer_plus_part(part, parts[part.name])] or None


def _fer_plus_part(part: Path, usage: str) -> Iterator[Listed]:
    for line in _lines(part / "label.csv"):
        # fer0032220.png,"(0, 0, 48, 48)",0,4,0,0,1,2,1,0,0,1
        found = re.fullmatch(r'([^,"]+),"?\([^)]*\)"?,([\d., ]+)', line)
        votes = [int(float(vote)) for vote in found[2].split(",")] if found else []
        if not found or len(votes) != len(FERPLUS_VOTES):
            raise DatasetError(
                f"{part / 'label.csv'}: expected a name, a box and {len(FERPLUS_VOTES)} votes,"
                f" received {line:.60}"
            )
        best = int(np.argmax(votes))
        # "Unknown" and "not a face" are no emotions.
        label = EMOTIONS[best] if best < len(EMOTIONS) else ""
        yield Listed(part / found[1], label, usage, votes=tuple(votes))


def _raf_db(root: Path) -> list[Listed] | None:
    for labels in (root / "EmoLabel" / "list_patition_label.txt", root / "list_patition_label.txt"):
        if labels.is_file():
            break
    else:
        if (root / "EmoLabel").is_dir():
            raise DatasetError(f"{root}: looks like RAF-DB, but EmoLabel/list_patition_label.txt is missing")
        return None
    folders = [root / name for name in ("Image/aligned", "Image/original", "aligned", "original")]
    images = next((folder for folder in folders if folder.is_dir()), None)
    if images is None:
        raise DatasetError(
            f"{root}: looks like RAF-DB, but Image/aligned is missing; unpack Image/aligned.zip there"
        )
    behind = "_aligned" if images.name == "aligned" else ""
    rows = []
    for line in _lines(labels):
        name, number = _words(labels, line, 2)
        file = images / f"{Path(name).stem}{behind}{Path(name).suffix}"
        label = NUMBERINGS["raf-db"].get(number, "")
        rows.append(Listed(file, label, part_of_split(name.partition("_")[0]) or ""))
    return rows


def _affect_net(root: Path) -> list[Listed] | None:
    parts = [
        (part, usage)
        for part in subfolders(root)
        if (usage := part_of_split(part.name)) and (part / "annotations").is_dir()
    ]
    return [row for part, usage in parts for row in _affect_net_part(part, usage)] or None


def _affect_net_part(part: Path, usage: str) -> Iterator[Listed]:
    for file in sorted((part / "annotations").glob("*_exp.npy"), key=natural_key):
        try:
            number = str(int(np.load(file, allow_pickle=False)))
        except (OSError, ValueError, TypeError) as error:
            raise DatasetError(f"{file}: expected the number of an expression ({error})") from error
        picture = part / "images" / f"{file.name.removesuffix('_exp.npy')}.jpg"
        yield Listed(picture, NUMBERINGS["affectnet"].get(number, ""), usage)


def _affect_net_lists(root: Path) -> list[Listed] | None:
    lists = {"training.csv": "Training", "validation.csv": "Validation"}
    there = [root / name for name in lists if (root / name).is_file()]
    wanted = {"subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "expression"}
    tables = [(each, read_listing(each)) for each in there]
    if not tables or not all(wanted <= set(table.columns) for _, table in tables):
        return None
    folders = [root, *root.glob("Manually_Annotated*"), *root.glob("Manually_Annotated*/Manually_Annotated*")]
    first = tables[0][1]["subDirectory_filePath"].iloc[0] if len(tables[0][1]) else ""
    images = next((folder for folder in folders if first and (folder / first).is_file()), root)
    return [
        Listed(
            images / row["subDirectory_filePath"],
            NUMBERINGS["affectnet"].get(row["expression"], ""),
            lists[path.name],
            box=_box(path, row["face_x"], row["face_y"], row["face_width"], row["face_height"]),
        )
        for path, table in tables
        for row in table.to_dict("records")
    ]


def _box(where: Path, left: str, top: str, width: str, height: str) -> tuple[int, int, int, int]:
    try:
        x, y, w, h = (int(float(cell)) for cell in (left, top, width, height))
    except ValueError as error:
        raise DatasetError(f"{where}: expected a face's box in pixels ({error})") from error
    return x, y, x + w, y + h


def _ck_plus(root: Path) -> list[Listed] | None:
    images, emotions = root / "cohn-kanade-images", root / "Emotion"
    if not images.is_dir():
        return None
    if not emotions.is_dir():
        raise DatasetError(f"{root}: looks like CK+, but Emotion is missing; unpack Emotion_labels.zip there")
    rows = []
    for file in sorted(emotions.rglob("*_emotion.txt"), key=natural_key):
        (text,) = _words(file, " ".join(_lines(file)), 1)
        label = NUMBERINGS["ck+"].get(str(int(float(text))), "")
        subject, sequence, _ = file.name.split("_", 2)
        frames = sorted((images / subject / sequence).glob("*.png"), key=natural_key)
        # The label is that of the last frame, the peak; the first one is neutral (Lucey et al. 2010).
        rows += [Listed(frame, "neutral", subject=subject) for frame in frames[:1]]
        rows += [Listed(frame, label, subject=subject) for frame in frames[1:][-1:]]
    return rows


def _by_name(
    pattern: re.Pattern[str], codes: dict[str, str], depth: int
) -> Callable[[Path], list[Listed] | None]:
    """Make the reader of a data set whose pictures' names say what they show."""

    def read(root: Path) -> list[Listed] | None:
        first = [bool(pattern.fullmatch(file.name)) for file in islice(_pictures(root, depth), _LOOKED_AT)]
        if 2 * sum(first) <= len(first):
            return None
        files = sorted(_pictures(root, depth), key=natural_key)
        named = [(file, match) for file in files if (match := pattern.fullmatch(file.name))]
        return [
            Listed(
                file,
                codes.get(match["code"].upper(), codes.get(match["code"].lower(), "")),
                subject=match["subject"].upper(),
            )
            for file, match in named
        ]

    return read


def _pictures(root: Path, depth: int) -> Iterator[Path]:
    for entry in root.iterdir():
        if is_litter(entry):
            continue
        if entry.is_dir():
            if depth:
                yield from _pictures(entry, depth - 1)
        elif entry.suffix.lower() in {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp"}:
            yield entry


def _exp_w(root: Path) -> list[Listed] | None:
    lists = [root / "label.lst", root / "label" / "label.lst"]
    labels = next((path for path in lists if path.is_file()), None)
    if labels is None:
        return None
    folders = [root / name for name in ("image/origin", "origin", "image", "images")]
    images = next((folder for folder in folders if folder.is_dir()), None)
    if images is None:
        raise DatasetError(f"{root}: looks like ExpW, but image/origin is missing; unpack its pictures there")
    rows = []
    for line in _lines(labels):
        # image_name face_id_in_image face_box_top left right bottom confidence expression_label
        name, _, top, left, right, bottom, _, number = _words(labels, line, 8)
        box = int(left), int(top), int(right), int(bottom)
        rows.append(Listed(images / name, NUMBERINGS["expw"].get(number, ""), box=box))
    return rows


def _lines(path: Path) -> list[str]:
    from mien.textfile import read_text

    try:
        return [line.strip() for line in read_text(path).split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: can't be read ({reason(error)})") from error


def _words(path: Path, line: str, many: int) -> list[str]:
    words = line.split()
    if len(words) != many or not all(re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", word) for word in words[1:]):
        raise DatasetError(f"{path}: expected {many} words in a line, received {line:.60}")
    return words


_LAYOUTS: Final[Iterable[Callable[[Path], list[Listed] | None]]] = (
    _fer_plus,
    _raf_db,
    _affect_net,
    _affect_net_lists,
    _ck_plus,
    _exp_w,
    _by_name(_JAFFE, _CODES, 1),
    _by_name(_KDEF, _CODES, 2),
    _by_name(_RAFD, _RAFD_CODES, 1),
)
