"""Tables of micro-expressions: those of CASME II, SAMM and SMIC as they are given out, or one's own clips.

The classes are those of the Micro-Expression Grand Challenge 2019 (See, Yap, Li, Hong, Wang, 2019): of CASME
II disgust and repression are negative, of SAMM anger, contempt, disgust, fear and sadness; happiness is
positive, surprise stays; everything else is left out.
"""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien.errors import DatasetError
from mien.textfile import encoding_of
from mien.train.micro_recipe import MicroClass
from mien.wording import reason

if TYPE_CHECKING:
    import pandas as pd

_OF_FILENAMES: Final = {
    "casme2": re.compile(r"^EP\d"),
    "samm": re.compile(r"^\d{3}_\d+_\d+"),
    "smic": re.compile(r"^s\d+_(?P<emotion>ne|po|sur)_"),
}
"""What the column Filename looks like in each data set."""
_NEGATIVE: Final = ("anger", "contempt", "disgust", "fear", "sadness")
_SHARED: Final[dict[str, MicroClass]] = {
    "happiness": "positive", "positive": "positive", "surprise": "surprise", "negative": "negative",
}  # fmt: skip
_CLASSES: Final[dict[str, dict[str, MicroClass]]] = {
    "casme2": _SHARED | {"disgust": "negative", "repression": "negative"},
    "samm": _SHARED | dict.fromkeys(_NEGATIVE, "negative"),
    "smic": {"ne": "negative", "po": "positive", "sur": "surprise"},
    "clips": _SHARED | dict.fromkeys(_NEGATIVE, "negative"),
}
_LEFT_OUT: Final = ("neutral", "other", "others", "sadness", "fear", "anger", "contempt")
_ONSETS, _OFFSETS, _APEXES = ("onsetframe", "onsetf"), ("offsetframe", "offsetf"), ("apexframe", "apexf")
_HEADER_WITHIN: Final = 30
_SUFFIXES: Final = (".csv", ".xlsx", ".xls")
_SEPARATORS: Final = (",", ";", "\t")
_DECIMAL_COMMA: Final = r"^\s*(\d+),(\d+)\s*$"


@dataclass(frozen=True, slots=True)
class MicroExpression:
    """One micro-expression.

    Attributes:
        database: casme2, samm, smic, or clips for one's own.
        person: the subject's code with the database's name before it.
        label: its class.
        path: a film, or a folder with a picture for each frame.
        onset, apex: in seconds of a film, or the frames' numbers.
    """

    database: str
    person: str
    label: MicroClass
    path: Path
    onset: float
    apex: float


def read_micro(where: Path, classes: dict[str, MicroClass]) -> list[MicroExpression]:
    """Read a table of micro-expressions, or all tables in a folder.

    Args:
        where: CLIPS.csv with `path`, `label`, `person`, `onset_s` and `apex_s`; a table of CASME II, SAMM or
            SMIC (.xlsx, .xls or .csv), with the frames' folders beside it or below; or a folder of such
            tables.
        classes: of labels that are no words for emotions.

    Raises:
        DatasetError: there is no such table, it can't be read, a label is unknown, frames are missing
            altogether, or there are fewer than two people or classes.
    """
    tables = [where]
    if where.is_dir():
        tables = sorted(path for path in where.rglob("*") if path.suffix.lower() in _SUFFIXES)
        tables = [path for path in tables if path.name[:2] != "~$" and _columns(_read(path)) is not None]
    found: list[MicroExpression] = []
    for path in tables:
        found += _of_table(path, classes)
    if not found:
        raise DatasetError(
            f"{where}: no table of micro-expressions; expected CLIPS.csv with path, label, person, onset_s"
            " and apex_s, or the tables of CASME II, SAMM or SMIC with their frames beside them"
        )
    for what, seen in (
        ("people", {each.person for each in found}),
        ("classes", {each.label for each in found}),
    ):
        if len(seen) < 2:
            raise DatasetError(f"{where}: expected at least two {what}, received {', '.join(sorted(seen))}")
    return found


def _read(path: Path) -> pd.DataFrame:
    """Read a table as text, with its header among the rows: some begin with explanations."""
    import pandas as pd

    try:
        if path.suffix.lower() == ".csv":
            return _read_csv(path)
        return pd.read_excel(path, header=None, dtype=str).fillna("")
    except ImportError as error:
        raise DatasetError(f"{path}: to read it, install {error.name}, or save it as CSV") from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: can't be read as a table ({reason(error)})") from error


def _read_csv(path: Path) -> pd.DataFrame:
    """Read a CSV by the separator with which it has a header: explanations above it have commas, too."""
    import pandas as pd

    lines = path.read_text(encoding=encoding_of(path), errors="replace").splitlines()
    tables = []
    for each in _SEPARATORS:
        rows = list(csv.reader(lines, delimiter=each))
        width = max(map(len, rows), default=0)
        tables.append(pd.DataFrame([row + [""] * (width - len(row)) for row in rows]))
    found = next((place for place, each in enumerate(tables) if _columns(each) is not None), 0)
    if _SEPARATORS[found] == ";":  # where numbers have decimal commas
        return tables[found].replace(_DECIMAL_COMMA, r"\1.\2", regex=True)
    return tables[found]


def _columns(table: pd.DataFrame) -> tuple[int, dict[str, int]] | None:
    """Find the header: its row, and each column's place by its name in small letters without spaces."""
    for row in range(min(len(table), _HEADER_WITHIN)):
        names = [re.sub(r"\s", "", str(each)).lower() for each in table.iloc[row]]
        places = {name: names.index(name) for name in names if name}
        of_films = {"path", "label", "person", "onset_s", "apex_s"} <= set(places)
        if of_films or ({"subject", "filename"} <= set(places) and any(name in places for name in _ONSETS)):
            return row, places
    return None


def _of_table(path: Path, classes: dict[str, MicroClass]) -> list[MicroExpression]:
    table = _read(path)
    header = _columns(table)
    if header is None:
        raise DatasetError(
            f"{path}: expected the columns path, label, person, onset_s and apex_s, or Subject, Filename and"
            " the onset's frame"
        )
    row, places = header
    rows = [
        {name: str(values[place]).strip() for name, place in places.items()}
        for values in table.iloc[row + 1 :].to_numpy()
    ]
    read = _own if "path" in places else _given_out
    return read(path, rows, classes)


def _own(path: Path, rows: list[dict[str, str]], classes: dict[str, MicroClass]) -> list[MicroExpression]:
    found = []
    for each in rows:
        if not any(each.values()):
            continue
        film, label = path.parent / each["path"], _label("clips", each["label"], classes, path)
        if label is None:
            continue
        onset, apex = _number(each["onset_s"]), _number(each["apex_s"])
        if onset is None or apex is None or not 0 <= onset < apex:
            raise DatasetError(
                f"{path}: {each['path']}: expected onset_s and a later apex_s in seconds, received"
                f" {each['onset_s']!r} and {each['apex_s']!r}"
            )
        if not film.is_file():
            raise DatasetError(f"{path}: {film} is missing")
        found.append(MicroExpression("clips", f"clips/{each['person']}", label, film, onset, apex))
    return found


def _given_out(
    path: Path, rows: list[dict[str, str]], classes: dict[str, MicroClass]
) -> list[MicroExpression]:
    folders: dict[str, list[Path]] = {}
    for place, names, _ in os.walk(path.parent):
        for name in names:
            folders.setdefault(name, []).append(Path(place) / name)
    found, missing = [], 0
    for each in rows:
        name = each["filename"]
        match = {key: known for key, form in _OF_FILENAMES.items() if (known := form.match(name))}
        if not match:
            continue
        [(database, form)] = match.items()
        said = form["emotion"] if database == "smic" else each.get("estimatedemotion", "")
        label = _label(database, said, classes, path)
        onset, offset, apex = (_of(each, names) for names in (_ONSETS, _OFFSETS, _APEXES))
        if label is None or onset is None:
            continue
        if apex is None or not onset < apex <= (apex if offset is None else offset):
            if offset is None:
                continue
            apex = (onset + offset) // 2  # SMIC has none; of a few others it is missing or outside
        subject = _digits(each["subject"])
        folder = _folder(folders.get(name, []), subject, path.parent)
        if folder is None:
            missing += 1
            continue
        found.append(MicroExpression(database, f"{database}/{subject:02d}", label, folder, onset, apex))
    if missing and not found:
        raise DatasetError(f"{path}: none of the folders of frames that it names is beside it or below")
    return found


def _label(database: str, said: str, classes: dict[str, MicroClass], path: Path) -> MicroClass | None:
    """Return the class of a label, None for one that the challenge leaves out."""
    word = said.strip().lower()
    if label := classes.get(said.strip()) or _CLASSES[database].get(word):
        return label
    if word in _LEFT_OUT:
        return None
    raise DatasetError(
        f"{path}: the label {said!r} has no class that is known: say it in the recipe, as [data.classes]"
        f' {said.strip() or "LABEL"} = "negative"'
    )


def _of(row: dict[str, str], names: tuple[str, ...]) -> float | None:
    return next((_number(row[name]) for name in names if name in row), None)


def _number(text: Any) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value == value else None


def _digits(text: str) -> int:
    found = re.search(r"\d+", text)
    return int(found[0]) if found else 0


def _folder(places: list[Path], subject: int, root: Path) -> Path | None:
    """Choose a sequence's folder: that below the subject's own, or below nobody's; whole pictures first."""
    of = {path: _subjects(path.relative_to(root).parts[:-1]) for path in places}
    chosen = [path for path, named in of.items() if subject in named]
    chosen = chosen or [path for path, named in of.items() if not named]
    return min(chosen, key=lambda path: ("crop" in str(path).lower(), str(path)), default=None)


def _subjects(parts: tuple[str, ...]) -> set[int]:
    forms = (re.fullmatch(r"(?:sub|s)?(\d+)", part) for part in parts)
    return {int(form[1]) for form in forms if form}


def frame_in(folder: Path, number: float) -> Path | None:
    """Find the picture of a frame: the last number in its name is the frame's."""
    for path in sorted(folder.iterdir()):
        found = re.findall(r"\d+", path.stem)
        if found and int(found[-1]) == int(number) and path.is_file():
            return path
    return None
