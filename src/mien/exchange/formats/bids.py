"""A data set of the Brain Imaging Data Structure: the readings as behaviour, the pulse as physiology.

BIDS 1.10: https://bids-specification.readthedocs.io (behavioral experiments; physiological recordings).
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import mien
from mien.aggregate import Aggregate, blocks
from mien.errors import OutputError, SourceError
from mien.exchange.formats.results import Record, Results, stem_of
from mien.exchange.formats.words import words
from mien.files import check_folder, write_json, write_text, written_whole
from mien.labels import EMOTIONS, NEUTRALS, UNCERTAIN
from mien.table import NEUTRAL, Columns

VERSION: Final = "1.10.0"

TASK: Final = "face"
"""The task of a recording whose name has none."""

_DATASET_FILES: Final = ("dataset_description.json", "participants.tsv", "participants.json", "README")
_ENTITY: Final = re.compile(r"(?:^|[/_])(sub|ses|task|acq|run)-([a-zA-Z0-9]+)(?=[/_.]|$)")
_ORDER: Final = ("sub", "ses", "task", "acq", "run")
_LEFT_OUT: Final = ("source", "track")
_PULSE_HZ: Final = 1.0
_LEVELS: Final = {
    "expression": {label: f"most likely: {label}" for label in EMOTIONS}
    | {UNCERTAIN: "not sure enough of any"},
    NEUTRAL: {origin: f"read against this neutral face: {origin}" for origin in NEUTRALS},
}
_UNITS: Final = {"yaw": "degree", "pitch": "degree", "roll": "degree"}


@dataclass(frozen=True, slots=True)
class _Named:
    """One recording with its entities, such as sub=01, task=face."""

    record: Record
    entities: Mapping[str, str]

    @property
    def folder(self) -> str:
        session = f"/ses-{self.entities['ses']}" if "ses" in self.entities else ""
        return f"sub-{self.entities['sub']}{session}/beh"

    def file(self, end: str) -> str:
        """Return the path of one of its files in the data set."""
        parts = (f"{name}-{self.entities[name]}" for name in _ORDER if name in self.entities)
        return f"{self.folder}/{'_'.join(parts)}_{end}"


def write_bids(
    results: Results, out: Path, *, overwrite: bool = False
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Write all videos as one data set.

    A recording's names of BIDS (`sub-01_ses-2_task-rest_video.mp4`, or such folders) are kept; without them
    its own name is the participant's. The participant's face is the one that is seen longest.

    Args:
        results: to be written.
        out: the data set's folder.
        overwrite: write into a folder that has something in it.

    Returns:
        The files, and what the user should know.

    Raises:
        SourceError: there is no video, or two recordings have the same names of BIDS.
        OutputError: the folder has something in it, or can't be written.
    """
    check_folder(out)
    if not overwrite and out.is_dir() and any(out.iterdir()):
        raise OutputError(f"{out} is not empty: choose another folder, or --overwrite")
    # Two times through the readings: the face that is seen longest is known at the end.
    main = {str(record["source"]): _longest(record, counted) for record, counted in results.counted()}
    kept = [record for record, _ in results.recordings() if record.get("kind") != "photograph"]
    named = _named(kept)
    if not named:
        raise SourceError(f"{results.table} has no recording of a video, for which BIDS is")
    files: list[Path] = []
    notes: list[str] = []
    for record, rows in results.recordings():
        if (source := str(record["source"])) not in named:
            continue
        one, track = named[source], main[source]
        chosen = (row for row in rows if row[results.columns.names.index("track")] == track)
        files += _behaviour(one, track, chosen, results.columns, out)
        if track is None:
            notes.append(f"{source}: no face was read; its table is empty")
            continue
        pulse = results.table.parent / f"{stem_of(record)}.pulse.csv"
        if pulse.is_file():
            files += _pulse(one, track, pulse, out)
    files += _dataset(named, main, out)
    return tuple(files), tuple(notes)


def _longest(record: Record, counted: Aggregate) -> int | None:
    tracks: list[Any] = counted.rows("tracks", record)
    return max(tracks, key=lambda row: (row[5], -row[1]))[1] if tracks else None


def _named(records: list[Record]) -> dict[str, _Named]:
    """Return the recordings by source; who has no name of BIDS gets one of its own."""
    made: dict[str, _Named] = {}
    taken: dict[str, str] = {}
    for record in records:
        source = str(record["source"])
        entities = dict(_ENTITY.findall(source))
        if "sub" not in entities:
            plain = re.sub(r"[^a-zA-Z0-9]", "", stem_of(record)) or "x"
            entities["sub"] = next(
                each
                for each in (plain, *(f"{plain}x{number}" for number in range(2, len(records) + 2)))
                if not any(other.entities["sub"].lower() == each.lower() for other in made.values())
            )
        one = _Named(record, {"task": TASK, **entities})
        if (file := one.file("beh").lower()) in taken:
            raise SourceError(f"{source} and {taken[file]} have the same names of BIDS: add run-1 and run-2")
        taken[file] = source
        made[source] = one
    return made


def _behaviour(
    one: _Named, track: int | None, rows: Iterator[Any], columns: Columns, out: Path
) -> list[Path]:
    """Write the readings of one face, and what their columns mean."""
    names = [name for name in columns.names if name not in _LEFT_OUT]
    places = [columns.names.index(name) for name in names]
    file = out / one.file("beh.tsv")
    with written_whole(file) as temporary, temporary.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, dialect="excel-tab", lineterminator="\n")
        writer.writerow(names)
        for block in blocks(rows):
            writer.writerows([_cell(row[place]) for place in places] for row in block)
    about = {name: _described(name) for name in names}
    write_json(sidecar := file.with_suffix(".json"), {**_origin(one, track), **about})
    return [file, sidecar]


def _described(name: str) -> dict[str, Any]:
    described: dict[str, Any] = {"Description": words(name)}
    if name in _LEVELS:
        described["Levels"] = _LEVELS[name]
    if unit := "s" if name == "time_s" else _UNITS.get(name):
        described["Units"] = unit
    return described


def _origin(one: _Named, track: int | None) -> dict[str, Any]:
    return {
        "TaskName": one.entities["task"],
        "TaskDescription": f"Expressions read from the video {one.record['source']}, face {track}.",
    }


def _pulse(one: _Named, track: int, table: Path, out: Path) -> list[Path]:
    """Write the pulse of the face, a value a second, as physiology; the table has no header by the rules."""
    rates: dict[int, tuple[str, str]] = {}
    with table.open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            if row["track"] == str(track):
                rates[round(float(row["time_s"]))] = row["rate_bpm"] or "n/a", row["quality"]
    if not rates:
        return []
    first, last = min(rates), max(rates)
    lines = ("\t".join(rates.get(second, ("n/a", "0"))) for second in range(first, last + 1))
    file = out / one.file("physio.tsv.gz")
    held = io.BytesIO()
    with gzip.GzipFile(fileobj=held, mode="wb", mtime=0) as packed:  # the same figures, the same bytes
        packed.write("".join(f"{line}\n" for line in lines).encode())
    with written_whole(file) as temporary:
        temporary.write_bytes(held.getvalue())
    write_json(
        sidecar := out / one.file("physio.json"),
        {
            **_origin(one, track),
            "SamplingFrequency": _PULSE_HZ,
            "StartTime": float(first),
            "Columns": ["cardiac_rate", "quality"],
            "cardiac_rate": {"Description": "pulse from the colour of the face", "Units": "beats/min"},
            "quality": {"Description": "how sure the pulse is, 0 to 1"},
        },
    )
    return [file, sidecar]


def _dataset(named: Mapping[str, _Named], main: Mapping[str, int | None], out: Path) -> list[Path]:
    people: dict[str, list[str]] = {}
    for source, one in named.items():
        people.setdefault(one.entities["sub"], []).append(source)
    description, participants, meanings, readme = (out / name for name in _DATASET_FILES)
    write_json(
        description,
        {
            "Name": "Facial expressions",
            "BIDSVersion": VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [{"Name": "Mien", "Version": mien.__version__}],
        },
    )
    rows = (f"sub-{person}\t{len(sources)}\n" for person, sources in sorted(people.items()))
    write_text(participants, "participant_id\trecordings\n" + "".join(rows))
    write_json(meanings, {"recordings": {"Description": "videos that were read"}})
    write_text(
        readme,
        "Facial expressions, read from videos by Mien: what a face shows, not what a person feels.\n\n"
        "beh.tsv has a row for each reading of the face that is seen longest in a video, at its time_s.\n"
        "physio.tsv.gz, where there is one, has the pulse from the colour of that face, once a second.\n",
    )
    return [description, participants, meanings, readme]


def _cell(value: str | float | None) -> str | float:
    return "n/a" if value is None else value
