"""What runs in the child process: `python -m mien.web.uploads.child`, with its order as a line on its input.

The order is a JSON object: `task` ("read" for a photograph's faces, "explain" for why they were read so,
"analyse" for all that the page shows, "show why" for what it shows of the reasons, "summarize" for a
video's moments, "record" for what goes into a subject's record), `file`, `name`, `kind`,
`label`, `folder`, `settings` and `limits`. The answers are lines of JSON: {"stage",
"progress"}, then {"result"}, or {"error"}, or {"memory": true} where there was too little of it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from mien.errors import MienError, SourceError
from mien.web.uploads.confine import confine

if TYPE_CHECKING:
    from mien.config import Settings
    from mien.types import Image

Order = dict[str, Any]
Tell = Callable[[dict[str, Any]], None]

_TELL_EVERY_S: Final = 0.1
_OUT_OF_MEMORY: Final = (
    "MemoryError", "bad_alloc", "nsufficient memory", "annot allocate memory", "failed to map segment",
)  # fmt: skip
"""What Python, C++, OpenCV, FFmpeg and the loader of libraries say where there is not enough."""


def main() -> None:
    """Take the order, give up what isn't needed for it, and answer."""
    order = json.loads(sys.stdin.readline())
    tell = _answers()
    limits = order["limits"]
    confine(Path(order["folder"]), **limits)
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        tell({"result": _TASKS[order["task"]](order, tell)})
    except Exception as error:
        # The border of the process: whatever a damaged file does to a decoder is told as one line.
        tell(_explained(order["name"], error))


def _explained(name: str, error: Exception) -> dict[str, Any]:
    words = f"{type(error).__name__}: {error} ({error.__cause__!r})"
    if any(sign in words for sign in _OUT_OF_MEMORY):
        return {"memory": True}
    if isinstance(error, MienError):
        return {"error": str(error)}
    # What else it says may name folders of this machine.
    return {"error": f"{name}: cannot be read ({type(error).__name__}); it may be damaged, export it again"}


def _answers() -> Tell:
    """Keep the way to the parent for ourselves: what a library prints must not get between the answers."""
    stream = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return lambda message: (stream.write(json.dumps(message).encode() + b"\n"), None)[1]


def _end_with_parent() -> None:
    # The parent never writes a second time: its end of the pipe closes when it ends, however it ends.
    while os.read(0, 1):
        pass
    os._exit(1)


def _progress(tell: Tell, stage: str) -> Callable[[float], None]:
    last_s = -_TELL_EVERY_S

    def progress(share: float) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s >= _TELL_EVERY_S:
            last_s = now_s
            tell({"stage": stage, "progress": round(min(1.0, max(0.0, share)), 3)})

    return progress


def _settings(order: Order) -> Settings:
    from mien.config import Settings

    return Settings(**order["settings"])


def _picture(order: Order) -> Image:
    from mien.source.images import read_image

    return read_image(order["file"], max_megapixels=order["settings"]["max_megapixels"])


def _read(order: Order, tell: Tell) -> dict[str, Any]:
    # First of all, as most of what is wrong is wrong with the picture, and the rest takes longer to load.
    image = _picture(order)
    from mien.live.reading import Reading
    from mien.pipeline import Pipeline
    from mien.types import Frame

    with Pipeline(_settings(order)) as pipeline:
        faces = pipeline.read(image)
    reading = Reading(Frame(image, 0, 0.0, "image"), faces, faces, at_s=0.0, took_ms=0.0).as_dict()
    return {"size_wh": reading["size_wh"], "faces": reading["faces"]}


def _explain(order: Order, tell: Tell) -> dict[str, Any]:
    image = _picture(order)
    from mien.analysis.explain import explain_faces
    from mien.pipeline import Pipeline

    with Pipeline(_settings(order)) as pipeline:
        faces = explain_faces(pipeline, image, order["label"])
    return {
        "size_wh": (image.shape[1], image.shape[0]),
        "faces": [
            {
                **each.as_dict(),
                "evidence": each.evidence.round(4).tolist(),
                "to_picture": each.to_picture.round(4).tolist(),
            }
            for each in faces
        ],
    }


def _show_why(order: Order, tell: Tell) -> dict[str, Any]:
    """Leave in the folder what `preview` shows of why each face was read as it was; return their number."""
    image, folder = _picture(order), Path(order["folder"])
    from mien.analysis.explain import explain_faces, save_explanations
    from mien.files import write_json
    from mien.pipeline import Pipeline
    from mien.web.uploads import preview

    with Pipeline(_settings(order)) as pipeline:
        faces = explain_faces(pipeline, image)
    if faces:
        save_explanations(folder / preview.WHY_PICTURE, image, faces)
    write_json(folder / preview.WHY, {"faces": [each.as_dict() for each in faces]})
    return {"faces": len(faces)}


def _analyse(order: Order, tell: Tell) -> dict[str, Any]:
    """Leave `table.csv`, `summary.json` and what `preview` makes in the folder, return it in short."""
    from mien.web.uploads import preview

    path, folder, name = Path(order["file"]), Path(order["folder"]), order["name"]
    is_video = order["kind"] == "video"
    # Before the networks are loaded: most files that can't be read are told from the others here.
    if is_video:
        needs_copy = not preview.plays_in_browsers(path)
    else:
        preview.copy_photograph(
            path, folder / preview.PICTURE, max_megapixels=order["settings"]["max_megapixels"]
        )
    from mien.analysis.batch import analyse_all
    from mien.analysis.partial import Wanted
    from mien.analysis.task import Task
    from mien.files import write_json

    settings = _settings(order)
    result = analyse_all(
        [Task(str(path), order["kind"], name, preview.STEM)],
        settings,
        folder,
        wanted=Wanted(plots=False, annotate=True),
        jobs=1,
        progress=_progress(tell, "reading"),
    )
    for failure in result.failures:
        raise RuntimeError(failure.trace) if failure.trace else SourceError(failure.error)
    record = result.summary["recordings"][0]
    # Where the file lay for a while means nothing to whoever reads the summary.
    record["path"] = name
    write_json(folder / preview.SUMMARY, result.summary)
    if is_video:
        write_json(folder / preview.TIMELINE, preview.timeline(result.table, record, settings.every))
        if needs_copy:
            preview.copy_video(path, folder / preview.CLIP, _progress(tell, "copying"))
    known = {**record, "seldom_found": result.summary["seldom_found"]}
    return {name: known[name] for name in preview.SHOWN}


def _summarize(order: Order, tell: Tell) -> dict[str, Any]:
    """Leave a video's moments in the folder, as a film and a storyboard; return them with their reasons."""
    from mien.videos.summary.api import FILES, summarize_file
    from mien.web.uploads import preview

    folder = Path(order["folder"])
    summary = summarize_file(
        Path(order["file"]),
        _settings(order),
        order["length"],
        folder / "moments",
        name=order["name"],
        blur_others=order["blur_others"],
        progress=_progress(tell, "reading"),
    )
    for made, kept in zip(FILES, (preview.MOMENTS_CLIP, preview.MOMENTS_PICTURE), strict=False):
        if summary.pieces:
            (folder / "moments" / made).replace(folder / kept)
        else:
            (folder / kept).unlink(missing_ok=True)
    told = summary.as_dict()
    shown = {name: told[name] for name in ("length_s", "pieces", "missing", "notes", "about")}
    return shown | {name: told["course"].get(name) for name in ("step_s", "attention")}


def _record(order: Order, tell: Tell) -> dict[str, Any]:
    """Leave `preview.RECORD` in the folder: the recording of one face, as a record that can be imported.

    The store that it is for is out of this process's reach; it is written into one of its own.
    """
    from datetime import datetime, timedelta

    from mien.analysis.batch import analyse_all
    from mien.analysis.partial import Wanted
    from mien.analysis.recorded import Recorded
    from mien.analysis.task import Task
    from mien.exchange.exporting import export_record
    from mien.store.store import Store
    from mien.web.uploads import preview

    folder, code, at = Path(order["folder"], "record"), order["subject"], order["at"]
    folder.mkdir(exist_ok=True)
    where = folder / "record.sqlite"
    with Store(where) as store:
        store.consents.give(
            store.subjects.add(code), given_by="the store", purpose="to be added to the record",
            signals=order["signals"], given_at=datetime.fromisoformat(at) - timedelta(seconds=1),
        )  # fmt: skip
    recorded = Recorded(code, str(where), tuple(order["tracks"]), at=at)
    result = analyse_all(
        [Task(order["file"], order["kind"], order["name"], preview.STEM)],
        _settings(order),
        folder,
        wanted=Wanted(plots=False, recorded=recorded),
        jobs=1,
        progress=_progress(tell, "reading"),
    )
    for failure in result.failures:
        raise RuntimeError(failure.trace) if failure.trace else SourceError(_without_options(failure.error))
    with Store(where) as store:
        export_record(store, code, Path(order["folder"], preview.RECORD))
    kept = result.summary["recordings"][0]["subject"]
    return {name: kept[name] for name in ("frames", "frames_with_subject")}


def _without_options(error: str) -> str:
    """Leave out what only a command has: the page has a field for the face, and numbers in its picture."""
    return error.partition(" --face")[0]


_TASKS: Final[dict[str, Callable[[Order, Tell], dict[str, Any]]]] = {
    "read": _read,
    "explain": _explain,
    "analyse": _analyse,
    "show why": _show_why,
    "summarize": _summarize,
    "record": _record,
}

if __name__ == "__main__":
    main()
