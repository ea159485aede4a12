"""A set of made clips on disk: the films, CLIPS.csv and events.csv with what is true of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import ConfigError, OutputError
from mien.expression.circumplex import COORDINATES
from mien.files import check_folder, write_text, written_whole
from mien.processors import usable_cores
from mien.show.video import ClipWriter
from mien.types import Image
from mien.videos.made.people import Bucket, Morpher, Person, read_buckets, read_people
from mien.videos.made.plan import MICRO_LABELS, SMILE, STRUNG_LABELS, Event, Plan, Wishes, draw_plan
from mien.videos.made.render import morphed_frames, strung_frames

EVENT_COLUMNS: Final = ("path", "label", "onset_s", "apex_s", "offset_s", "strength")
_TERMS: Final = """\
# Made clips

Written by `mien simulate clips`. Nobody was filmed: photographs were morphed, so that what each clip shows,
and when, is known. Nobody smiled or turned as these clips have it.

- `CLIPS.csv`: one clip a row, for `mien train`. `events.csv`: one expression a row.
"""
_PEOPLE_TERMS: Final = """\
- People: {folder}. The photographs of the Face Research Lab London Set (DeBruine & Jones, 2017,
  https://doi.org/10.6084/m9.figshare.5047666) are under CC BY 4.0: whoever passes such clips on names the set
  and says that they were changed. Other photographs keep their own terms.
"""
_FACES_TERMS: Final = """\
- Strung faces: {path}. FER-2013's pictures were collected from the web; they are for research, and not to be
  passed on.
"""


def write_clips(
    folder: Path,
    count: int,
    wishes: Wishes,
    *,
    people: Path | None = None,
    faces: Path | None = None,
    progress: Callable[[float], None] = lambda done: None,
) -> list[dict[str, Any]]:
    """Make clips, and write them with their truth.

    Args:
        folder: new or empty.
        count: how many.
        wishes: what they are to be like.
        people: a folder of people, see `read_people`.
        faces: FER-2013 as Parquet, see `read_buckets`. With both, half of the clips are strung from these.
        progress: told how many clips are done.

    Returns:
        The rows of CLIPS.csv.

    Raises:
        ConfigError: nobody to make clips of, no clips, or strung micro movements.
        DatasetError: people or faces can't be read.
        SourceError: they, or a photograph, are missing.
        OutputError: the folder has something in it, or can't be written.
    """
    if people is None and faces is None:
        raise ConfigError("expected people (--people FOLDER), faces (--faces FILE.parquet), or both")
    if count < 1:
        raise ConfigError(f"count: expected at least 1, received {count}")
    if faces is not None and wishes.micro:
        raise ConfigError("micro movements are made on people, not on strung faces: leave out --faces")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder}: expected a new or an empty folder")
    check_folder(folder)
    who = read_people(people) if people is not None else []
    buckets = read_buckets(faces) if faces is not None else []
    rows, events = [], []
    with ThreadPoolExecutor(max(1, min(4, usable_cores()))) as pool:
        for plan, row in _written(folder, count, wishes, who, buckets, pool):
            rows.append(row)
            events += [_event_row(row["path"], each) for each in plan.events]
            progress(len(rows))
    rows.sort(key=lambda row: row["path"])
    _write_tables(folder, rows, sorted(events, key=lambda row: (row["path"], row["onset_s"])))
    terms = _TERMS
    terms += _PEOPLE_TERMS.format(folder=people.name) if people is not None else ""
    terms += _FACES_TERMS.format(path=faces.name) if faces is not None else ""
    write_text(folder / "README.md", terms)
    return rows


def _written(
    folder: Path,
    count: int,
    wishes: Wishes,
    people: list[Person],
    buckets: list[Bucket],
    pool: ThreadPoolExecutor,
) -> Iterator[tuple[Plan, dict[str, Any]]]:
    """Write the films, person by person, as the pictures of one person's morph are kept meanwhile."""
    strung = [number for number in range(count) if buckets and (not people or number // 2 % 2)]
    morphed = sorted(set(range(count)) - set(strung))
    if people:
        labels = MICRO_LABELS if wishes.micro else (SMILE,)
        morpher = Morpher(wishes.size_px)
        try:
            for place, person in enumerate(people):
                if numbers := morphed[place :: len(people)]:
                    face = morpher.face(person)
                    for level in np.linspace(0, 1, 25):
                        face.picture(float(level))
                    draw = partial(morphed_frames, face=face)
                    tell = partial(_one, folder, wishes, person, labels, draw)
                    yield from pool.map(tell, numbers)
        finally:
            morpher.close()
    for place, bucket in enumerate(buckets):
        known = tuple(label for label in STRUNG_LABELS if label in bucket.faces)
        draw = partial(strung_frames, faces=bucket.faces, size_px=wishes.size_px)
        tell = partial(_one, folder, wishes, bucket, known, draw)
        yield from pool.map(tell, strung[place :: len(buckets)])


def _one(
    folder: Path,
    wishes: Wishes,
    who: Person | Bucket,
    labels: tuple[str, ...],
    draw: Callable[[Plan], Iterator[Image]],
    number: int,
) -> tuple[Plan, dict[str, Any]]:
    """Write one film; return its truth."""
    plan = draw_plan(number, wishes, labels, whole=isinstance(who, Bucket))
    name = f"{number:05d}.mp4"
    with ClipWriter(folder / name, (wishes.size_px, wishes.size_px), crf=plan.crf) as clip:
        for image, time_s in zip(draw(plan), plan.times_s, strict=True):
            clip.write(image, float(time_s))
    return plan, _row(name, plan, wishes, who)


def _row(name: str, plan: Plan, wishes: Wishes, who: Person | Bucket) -> dict[str, Any]:
    facts = who.facts if isinstance(who, Person) else {}
    event = plan.strongest
    valence, arousal = COORDINATES[event.label] if event else (0.0, 0.0)
    strength = event.strength if event else 0.0
    yaw = plan.pose_deg[np.abs(plan.pose_deg[:, 0]).argmax(), 0]
    return {
        "path": name,
        "label": event.label if event else "neutral",
        "person": who.code,
        "split": who.split,
        "start_s": 0.0,
        "end_s": round(plan.seconds, 4),
        "valence": round(valence * strength, 4),
        "arousal": round(arousal * strength, 4),
        "onset_s": event.onset_s if event else None,
        "apex_s": event.apex_s if event else None,
        "offset_s": event.offset_s if event else None,
        "strength": strength,
        "yaw_deg": 0.0 if isinstance(who, Bucket) else round(float(yaw), 2),
        "light": plan.light,
        "cover": "none" if isinstance(who, Bucket) else plan.cover,
        "noise": plan.noise,
        "crf": plan.crf,
        "frames_per_second": wishes.frames_per_second,
        "seed": wishes.seed,
        **{name: facts.get(name, "") for name in ("sex", "age", "ethnicity")},
    }


def _event_row(path: str, event: Event) -> dict[str, Any]:
    return {"path": path, **{name: getattr(event, name) for name in EVENT_COLUMNS[1:]}}


def _write_tables(folder: Path, rows: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
    import pandas as pd

    for name, table in (
        ("CLIPS.csv", pd.DataFrame(rows)),
        ("events.csv", pd.DataFrame(events, columns=list(EVENT_COLUMNS))),
    ):
        with written_whole(folder / name) as temporary:
            table.to_csv(temporary, index=False)
