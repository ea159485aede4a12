"""`mien.summarize`: a film's moments, chosen by expression, as a film, a storyboard, chapters and figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final, Unpack

import numpy as np
from numpy.typing import ArrayLike

from mien.analysis.learn_neutral import chosen_neutral, learn
from mien.analysis.task import Task
from mien.config import Choices, DetectorName, Settings, load_settings
from mien.errors import ConfigError, SourceError
from mien.files import check_folder, write_json, write_text
from mien.film import declared_duration_s
from mien.labels import EMOTIONS
from mien.pipeline import Pipeline
from mien.source.base import check_file
from mien.source.container import open_video
from mien.source.inputs import kind_of
from mien.table import plain_name
from mien.videos.summary.choose import choose
from mien.videos.summary.course import (
    RATE_HZ,
    STEP_S,
    AttentionChoice,
    Course,
    Floats,
    Progress,
    attending,
    read_course,
)
from mien.videos.summary.film import Cut, starts_s, write_film
from mien.videos.summary.moments import (
    NEUTRAL,
    OWN_MEDIAN,
    SHORTEST,
    Moment,
    Option,
    Scores,
    Usual,
    moments_of,
    score,
    spoken_edges,
    unlike,
    usual_of,
)  # fmt: skip
from mien.videos.summary.types import Piece, Summary, parse_length
from mien.videos.summary.words import clock, reason, seconds

FILES: Final = ("summary.mp4", "storyboard.png", "summary.html", "chapters.vtt", "summary.json")
"""What is written into the folder."""

_READING: Final = 0.7
"""Share of the progress that the first look takes."""


def summarize(
    path: str | Path,
    length: str | float = "15%",
    *,
    out: str | Path | None = None,
    neutral: str | Path | None = None,
    usual: tuple[float, float] | Usual | None = None,
    subject: str | None = None,
    store: str | Path | None = None,
    attention: ArrayLike | AttentionChoice = "auto",
    blur_others: bool = False,
    detector: DetectorName | None = None,
    network: str | Path | None = None,
    progress: Progress = lambda done: None,
    **choices: Unpack[Choices],
) -> Summary:
    """Choose a film's moments by what the main face expresses.

    Every expression that lasts a second or longer is shown where the length allows it, no two pieces are
    alike, and what is best under the length is chosen exactly. It is a way into the recording, not its
    replacement.

    Args:
        path: a video file.
        length: how long it may be at most: "60s", "2m", seconds as a number, or a share of the film: "15%".
        out: a folder for the film, the storyboard, the page, the chapters and the figures; without it,
            nothing is written.
        neutral: read the main face by its own neutral face, as in `mien.analyze`: "first:10s", a photograph's
            path, or "auto"; by everybody's when left out.
        usual: seconds of the film in which the person is as usual, or a `Usual` from elsewhere; the film's
            own median when left out.
        subject: whose baseline in the record says what is usual, in place of `usual`; the main face is taken
            for theirs.
        store: the record's path or URL; where the user's own lies when left out.
        attention: what of the attention in time counts in the score: "auto", that of the network
            `mien sentiment` uses, where faces are read by the network that it knows; the path of your own
            one; "off" for none; or any number of evenly spaced values of at least 0.
        blur_others: make the faces of others unrecognisable in film and pictures.
        detector: what finds faces, by name.
        network: what reads them: a built-in name, or an .onnx file's path.
        progress: told the share that is done.
        **choices: settings by name, as in `Settings`; the others come from mien.toml and the environment.

    Returns:
        The pieces with their reasons; none, and a note, where there is no face to choose by.

    Raises:
        ConfigError: the length or a setting is wrong, or what would be written is the film itself.
        ModelError: a network is missing or damaged.
        OutputError: `out` can't be written.
        SourceError: the film can't be read.

    Example:
        >>> import mien
        >>> summary = mien.summarize("session.mp4", "60s", out="summary")  # doctest: +SKIP
        >>> for piece in summary.pieces:  # doctest: +SKIP
        ...     print(f"{piece.start_s:.1f} s", piece.reason)
    """
    settings = load_settings(**choices, detector=detector, network=None if network is None else str(network))
    folder = None if out is None else Path(out)
    if subject is not None:
        if usual is not None:
            raise ConfigError("expected a subject or usual, received both: each says what is usual")
        if neutral is not None and str(neutral) != "off":
            raise ConfigError("expected a subject or neutral: the record is read against the average face")
        from mien.videos.summary.record import usual_in_record  # it loads the database

        usual = usual_in_record(subject, store, settings)
    elif store is not None:
        raise ConfigError("store: needs a subject, whose record is meant")
    return summarize_file(
        Path(path), settings, length, folder, neutral=neutral, usual=usual, attention=attention,
        blur_others=blur_others, progress=progress,
    )  # fmt: skip


def summarize_file(
    path: Path,
    settings: Settings,
    length: str | float,
    folder: Path | None,
    *,
    name: str | None = None,
    neutral: str | Path | None = None,
    usual: tuple[float, float] | Usual | None = None,
    attention: ArrayLike | AttentionChoice = "auto",
    blur_others: bool = False,
    progress: Progress = lambda done: None,
) -> Summary:
    """Choose a film's moments; arguments and errors as in `summarize`, and what people call the film.

    Args:
        path: a video file.
        settings: how faces are found and read.
        length: as in `summarize`, like the others.
        folder: for what is written; None for nothing.
        name: of the film, in all that is written; its file's when None.
        neutral: as in `summarize`.
        usual: likewise.
        attention: likewise.
        blur_others: likewise.
        progress: likewise.
    """
    number, is_share = parse_length(length)
    name = name or path.name
    span_s = None if isinstance(usual, Usual) else usual
    _check(path, folder, name, None if is_share else number, span_s)
    # One rate for all that follows faces, so that a track has one number.
    settings = settings.model_copy(update={"fps": settings.fps or RATE_HZ})
    network = None
    if attention is None or isinstance(attention, str | Path):
        network, attention = attending(attention, settings), None
    choice = chosen_neutral(None if neutral is None else str(neutral), settings, None)
    with Pipeline(settings) as pipeline:
        part = _READING if folder is not None else 1.0
        own = None
        if choice is not None:
            own = learn(Task(str(path), "video", name, path.stem), pipeline, choice, ())
        course = read_course(
            path, pipeline, lambda done: progress(part * done), name=name, own=own, sentiment=network
        )
    wanted_s = number * course.duration_s if is_share else number
    _check_length(name, course.duration_s, None if is_share else number)
    summary = summarize_course(course, wanted_s, usual=usual, attention=attention)
    if own is not None and own.report()["person"] is None:
        summary = replace(summary, notes=(*summary.notes, f"neutral: {own.report()['note']}"))
    if folder is None:
        return summary
    return _written(
        summary,
        path,
        folder,
        settings if blur_others else None,
        lambda done: progress(part + (1 - part) * done),
    )


def _check(
    path: Path,
    folder: Path | None,
    name: str,
    length_s: float | None,
    usual_s: tuple[float, float] | None,
) -> None:
    """Refuse at the door what can't be summarised, and an output that is the film."""
    check_file(path)
    if kind_of(path) == "photograph":
        raise SourceError(f"{path}: expected a video, received a photograph; read it with mien analyze")
    container, stream = open_video(path)
    with container:
        declared_s = declared_duration_s(container, stream)
    if declared_s is not None:
        _check_length(name, declared_s, length_s)
    _check_usual(name, declared_s, usual_s)
    if folder is None:
        return
    check_folder(folder)
    for each in FILES:
        if (folder / each).exists() and (folder / each).samefile(path):
            raise ConfigError(f"{folder / each} is the film itself; choose another folder for the summary")


def _check_length(name: str, duration_s: float, length_s: float | None) -> None:
    if length_s is not None and duration_s > SHORTEST * STEP_S and length_s >= duration_s:
        raise ConfigError(
            f"length: {plain_name(name)} is {seconds(duration_s)} long, and a summary has to be shorter;"
            f" received {seconds(length_s)}, expected for example 15%"
        )


def _check_usual(name: str, duration_s: float | None, span_s: tuple[float, float] | None) -> None:
    if span_s is None:
        return
    start_s, end_s = span_s
    if not 0 <= start_s < end_s < np.inf:
        raise ConfigError(
            f"usual: expected seconds from one to a later one, received {start_s:g} to {end_s:g}"
        )
    if duration_s is not None and start_s >= duration_s:
        raise ConfigError(
            f"usual: {plain_name(name)} is {seconds(duration_s)} long, and has no second {start_s:g}"
        )


def summarize_course(
    course: Course,
    wanted_s: float,
    *,
    usual: tuple[float, float] | Usual | None = None,
    attention: ArrayLike | None = None,
) -> Summary:
    """Choose from what was read of a film.

    Args:
        course: of the film.
        wanted_s: the longest that the summary may be, in seconds.
        usual: as in `summarize`.
        attention: (any number) evenly spaced values; those of the course when None.
    """
    notes = [] if course.note is None else [course.note]
    empty = Summary(course.name, course.duration_s, wanted_s, course=course, score=np.zeros(len(course)))
    if not course.seen.any():
        notes.append(f"no face in {course.name}: there is nothing to choose by")
        return replace(empty, notes=tuple(notes))
    own = usual if isinstance(usual, Usual) else usual_of(course, usual)
    if isinstance(usual, tuple) and own.origin == OWN_MEDIAN:
        notes.append(
            f"in the seconds {usual[0]:g} to {usual[1]:g} no face is seen for a second in all: the whole film"
            " counts as usual instead"
        )
    if isinstance(usual, Usual) and usual.days is not None:
        notes.append(f"usual by {usual.origin}; whose face this is nobody has checked")
    counted = course.attention if attention is None else _spread(attention, len(course))
    scores = score(course, own, counted)
    moments = unlike(moments_of(course, scores), len(course))
    chosen = choose(moments, int(wanted_s / STEP_S + 1e-6), scores.expressed)
    missing = tuple(set(scores.expressed) - {moment.state for moment, _ in chosen if moment.state})
    notes += _notes(scores, chosen, moments, sorted(missing), wanted_s, course)
    return Summary(
        course.name, course.duration_s, wanted_s, tuple(_pieces(chosen, course, scores)), scores.expressed,
        tuple(sorted(missing)), own, tuple(notes), scores.total, course,
    )  # fmt: skip


def _spread(attention: ArrayLike, cells: int) -> Floats:
    line = np.asarray(attention, float).ravel()
    if not len(line) or not np.isfinite(line).all() or line.min() < 0:
        raise ConfigError("attention: expected numbers of at least 0, one or more")
    place = (np.arange(cells) + 0.5) / cells * len(line) - 0.5
    return np.asarray(np.interp(place, np.arange(len(line)), line))


def _notes(
    scores: Scores,
    chosen: list[tuple[Moment, Option]],
    moments: list[Moment],
    missing: list[str],
    wanted_s: float,
    course: Course,
) -> list[str]:
    notes = []
    if missing:
        needed_s = len(scores.expressed) * SHORTEST * STEP_S
        notes.append(
            f"{seconds(wanted_s)} is too short to show every expression: {', '.join(missing)} found no room;"
            f" it takes {seconds(needed_s)} or more"
        )
    if not chosen and not missing:
        notes.append("no face is seen for long enough to make a piece of it")
    used_s = sum(option.end - option.start for _, option in chosen) * STEP_S
    if chosen and used_s < wanted_s / 2:
        notes.append(
            f"shorter than {seconds(wanted_s)}: what is left is like what was chosen, or shows no face"
        )
    if course.voice is None:
        notes.append("the film has no sound")
    if (course.faces > 1).mean() > 0.1:
        notes.append("several faces are seen: each shot is chosen by its largest one, whoever that is")
    return notes


def _pieces(chosen: list[tuple[Moment, Option]], course: Course, scores: Scores) -> list[Piece]:
    spans = [(_s(option.start, course), _s(option.end, course)) for _, option in chosen]
    spoken = spoken_edges(course)
    pieces = []
    for (_, option), (start_s, end_s), at_s in zip(chosen, spans, starts_s(spans), strict=True):
        total = scores.total[option.start : option.end]
        state = scores.state[option.start : option.end]
        common = np.bincount(state[state >= 0]).argmax() if (state >= 0).any() else -1
        name = scores.states[common] if common >= 0 else ""
        best = option.start + _clearest(course, option, name)
        cuts_speech = bool(spoken[option.start] or spoken[option.end])
        pieces.append(
            Piece(start_s, end_s, at_s, _s(best, course), name, reason(option, name, course, scores),
                  float(total.mean()), cuts_speech)
        )  # fmt: skip
    return pieces


def _clearest(course: Course, option: Option, state: str) -> int:
    """Return where in a piece its expression is clearest, or least neutral; the middle where it has none."""
    part = course.probabilities[option.start : option.end]
    if state not in EMOTIONS or not np.isfinite(part).any():
        return (option.end - option.start) // 2
    clear = part[:, EMOTIONS.index(state)]
    return int(np.nanargmin(clear) if state == NEUTRAL else np.nanargmax(clear))


def _s(tenths: int, course: Course) -> float:
    return min(tenths * STEP_S, course.duration_s)


def _written(
    summary: Summary, path: Path, folder: Path, blur: Settings | None, progress: Progress
) -> Summary:
    """Write what is chosen into a folder; an earlier summary's files there are replaced, or removed."""
    from mien.videos.summary.pages import page, storyboard, web_vtt, write_png

    film, board, html, chapters, figures = (folder / name for name in FILES)
    if not summary.pieces:
        for stale in (film, board, html, chapters):
            stale.unlink(missing_ok=True)
        write_json(figures, summary.as_dict())
        return replace(summary, files=(figures,))
    assert summary.course is not None
    cuts = [
        Cut(each.start_s, each.end_s, each.picture_s, f"{clock(each.start_s)} {each.reason}")
        for each in summary.pieces
    ]
    with write_film(
        path, film, cuts, title=f"Summary of {summary.source}: a way in, not its replacement",
        blur=None if blur is None else (blur, summary.course), progress=progress,
    ) as pictures:  # fmt: skip
        # Before the film takes its place, so that an interruption leaves what was there as it was.
        done = replace(summary, pictures=tuple(pictures), files=(film, board, html, chapters, figures))
        drawn = storyboard(done)
        written = page(done, None if blur is not None else path, folder)
    write_png(drawn, board)
    write_text(html, written)
    write_text(chapters, web_vtt(done))
    write_json(figures, done.as_dict())
    return done
