"""Sentiment by attention in time, on made courses with a short event in a long calm; and how it was fitted.

    python benchmarks/sentiment.py --fit runs/video    # some twenty minutes on one core; writes it there

A course is a row of frames, five a second. Its calm is a neutral face that varies as faces in a video do
(moved, turned, lit, noisy), with spells in which it is blurred, dark, noisy or half covered. In most courses
there is one event, of 1 to 4 seconds (in one of ten, the whole course). There are two kinds:

- FER-2013's faces, about whom FER+'s people agreed (six votes of ten or more): calm and event are of
  different people, as this data has one picture of each.
- London's people: calm is the person's neutral photograph, the event the same person's smile, in a strength
  of 0.4 to 1 (the photographs blended), which comes and goes within half a second.

Nobody is in two parts. FER-2013: faces that `mien` itself was not trained on; its validation cut to learn
from, half of PublicTest to choose by, the other half to test. London: 60, 20 and 20 % of the people. The test
has courses of two minutes, longer than those that were learnt from.

Everything that is compared sees the same answers of the same frame network (`mien`) and ends in the same
layers, fitted in the same way: `mean` takes the mean of what is said of all frames, `max` the highest of each
number over all frames, `learned max` the highest over the seconds of what the first layer makes of them.
Intervals are of courses drawn anew in pairs (bootstrap).
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mien.config import load_settings
from mien.expression.circumplex import COORDINATES
from mien.expression.network import load_network
from mien.expression.reader import ExpressionReader
from mien.expression.sidecar import TrainedOn
from mien.face.crop import crop_faces
from mien.labels import EMOTIONS
from mien.pipeline import Pipeline
from mien.source.images import read_image
from mien.train.clips.sentiment import Example, answers, figures, fit_sentiment, planted_found
from mien.train.clips.table import split_people
from mien.train.data.prepare import prepare
from mien.train.networks.sentiment import Sentiment, SentimentFit
from mien.train.recipe import read_recipe
from mien.train.report.card import FER2013_TERMS
from mien.types import Faces
from mien.videos.sentiment import expression_features
from mien.videos.sentiment_network import polarity_of

LABELS = ("neutral", "happiness", "surprise", "sadness", "anger", "fear")
"""Of disgust and contempt FER-2013 has too few faces about whom people agree."""
SIGNS = np.array(
    [{"negative": -1, "neutral": 0, "positive": 1}[polarity_of(label)] for label in LABELS], np.float32
)
FPS, MILD, HARD = 5, 6, 4
STRENGTHS = np.linspace(0, 1, 6)
PARTS = ("train", "validation", "test")
Random = np.random.Generator
Floats = NDArray[np.float32]


def varied(crop: NDArray[np.uint8], random: Random, *, hard: bool) -> NDArray[np.uint8]:
    """Return a crop as another frame shows it: a little changed, or hard to read."""
    side = len(crop)
    turn, zoom, shift = (25, 0.25, 6) if hard else (6, 0.05, 2)
    matrix = cv2.getRotationMatrix2D(
        (side / 2, side / 2), random.uniform(-turn, turn), 1 + random.uniform(-zoom, zoom)
    )
    matrix[:, 2] += random.uniform(-shift, shift, 2)
    x = cv2.warpAffine(crop, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    x = (x - 128) * random.uniform(0.85, 1.15) + 128 + random.uniform(-15, 15)
    if hard:
        how = random.integers(4)
        if how == 0:
            x = cv2.GaussianBlur(x, (0, 0), random.uniform(1.5, 3))
        elif how == 1:
            top, height = random.integers(10, 30), random.integers(12, 26)
            x[top : top + height, random.integers(0, 12) : random.integers(34, 48)] = random.uniform(20, 200)
        elif how == 2:
            x *= random.uniform(0.25, 0.5)
        else:
            x += random.normal(0, random.uniform(15, 35), x.shape)
    return (x + random.normal(0, 3, x.shape)).clip(0, 255).astype(np.uint8)


def said_of(crops: NDArray[np.uint8], random: Random) -> Floats:
    """Return (n, 10, 16) what `mien` says of each crop in 6 mild and 4 hard frames."""
    network = load_network("mien", 1)
    reader = ExpressionReader(network)
    said = []
    for crop in crops:
        frames = np.stack([varied(crop, random, hard=each >= MILD) for each in range(MILD + HARD)])
        faces = Faces(np.tile(np.array([[0, 0, 48, 48]], np.float32), (len(frames), 1)))
        said.append(expression_features(reader.read(frames, faces)))
    return np.stack(said)


def fer_faces(shared: Path, random: Random) -> dict[str, dict[str, Floats]]:
    """Return what is said of FER-2013's faces by part and label; a face is (10, 16)."""
    parts = prepare(read_recipe("mien").data, shared / "data/faces/fer2013.parquet", seed=11)
    found: dict[str, dict[str, Floats]] = {each: {} for each in PARTS}
    for part, faces in (("train", parts.validation), ("test", parts.test)):
        share = faces.votes / faces.votes.sum(axis=1, keepdims=True)
        for label in LABELS:
            chosen = faces.images[share[:, EMOTIONS.index(label)] >= 0.6]
            said = said_of(chosen.reshape(-1, 48, 48), random)
            if part == "train":
                found["train"][label] = said
            else:
                order = random.permutation(len(said))
                found["validation"][label], found["test"][label] = np.array_split(said[order], 2)
    return found


def london_faces(shared: Path, random: Random) -> dict[str, list[Floats]]:
    """Return what is said of London's people by part; a person is (6 strengths, 10, 16)."""
    folder = shared / "data/people/london"
    with (folder / "people.csv").open() as file:
        codes = [row["id"] for row in csv.DictReader(file)]
    sides = split_people(codes, 0.2, 0.2)
    found: dict[str, list[Floats]] = {each: [] for each in PARTS}
    with Pipeline(load_settings(network="mien", threads=1)) as pipeline:
        for code in codes:
            crops = []
            for kind in ("neutral", "smiling"):
                image = read_image(next((folder / kind).glob(f"*{code}*")))
                faces = pipeline.read(image)
                crops.append(crop_faces(image, faces[[0]], 48)[0].astype(np.float32))
            blends = [(1 - each) * crops[0] + each * crops[1] for each in STRENGTHS]
            found[sides[code]].append(said_of(np.stack(blends).astype(np.uint8), random))
    return found


def hard_spells(frames: int, random: Random) -> NDArray[np.bool_]:
    hard = random.random(frames) < 0.02
    for start in np.flatnonzero(random.random(frames) < 0.012):
        hard[start : start + random.integers(2, 8)] = True
    return hard


def event_span(frames: int, random: Random) -> tuple[int, int]:
    length = frames if random.random() < 0.1 else int(random.uniform(1, 4) * FPS)
    start = int(random.integers(0, frames - length + 1))
    return start, start + length


def fer_course(
    faces: dict[str, Floats], frames: int, random: Random
) -> tuple[Floats, NDArray[np.bool_], int, Floats]:
    """Make a course of FER-2013's faces: what is said of each frame, which are the event, label, affect."""
    odds = np.sqrt([len(faces[label]) for label in LABELS[1:]])
    label = 0 if random.random() < 0.25 else 1 + int(random.choice(len(LABELS) - 1, p=odds / odds.sum()))
    who = np.zeros(frames, np.int64)
    for cut in random.integers(0, frames, random.integers(0, 3)):
        who[cut:] += 1
    calm = random.choice(len(faces["neutral"]), who.max() + 1)
    looks = np.where(
        hard_spells(frames, random),
        random.integers(MILD, MILD + HARD, frames),
        random.integers(0, MILD, frames),
    )
    said, event = faces["neutral"][calm[who], looks].copy(), np.zeros(frames, bool)
    if label:
        start, end = event_span(frames, random)
        event[start:end] = True
        said[event] = faces[LABELS[label]][random.integers(len(faces[LABELS[label]]))][looks[event]]
    return said, event, label, np.array(COORDINATES[LABELS[label]], np.float32)


def london_course(
    people: list[Floats], frames: int, random: Random
) -> tuple[Floats, NDArray[np.bool_], int, Floats]:
    """Make a course of one of London's people, as `fer_course` does."""
    person = people[random.integers(len(people))]
    looks = np.where(
        hard_spells(frames, random),
        random.integers(MILD, MILD + HARD, frames),
        random.integers(0, MILD, frames),
    )
    strength, event, label = np.zeros(frames), np.zeros(frames, bool), int(random.random() < 0.6)
    peak = random.uniform(0.4, 1) if label else 0.0
    if label:
        start, end = event_span(frames, random)
        event[start:end] = True
        ramp = np.minimum(np.arange(end - start) + 1, (end - start) - np.arange(end - start)) / (FPS / 2)
        strength[start:end] = peak * ramp.clip(max=1)
    said = person[np.rint(strength * (len(STRENGTHS) - 1)).astype(int), looks]
    return said, event, label, peak * np.array(COORDINATES["happiness"], np.float32)


def courses(
    fer: dict[str, Floats], london: list[Floats], count: int, random: Random, seconds: tuple[int, int]
) -> list[Any]:
    made = []
    for number in range(count):
        frames = FPS * int(np.exp(random.uniform(*np.log(seconds))))
        made.append(
            london_course(london, frames, random) if number % 4 == 3 else fer_course(fer, frames, random)
        )
    return made


def in_seconds(made: Sequence[Any]) -> list[Example]:
    def mean(values: NDArray[Any]) -> NDArray[Any]:
        return values.reshape(len(values) // FPS, FPS, -1).mean(axis=1)

    return [
        Example(mean(said).astype(np.float32), label, affect, planted=mean(event)[:, 0] >= 0.5)
        for said, event, label, affect in made
    ]


def pooled(made: Sequence[Any], how: str) -> list[Example]:
    """Return each course as one second: the mean or the highest of all frames."""
    whole = in_seconds(made)
    numbers = [said.mean(axis=0) if how == "mean" else said.max(axis=0) for said, *_ in made]
    return [replace(each, said=said[None], planted=None) for each, said in zip(whole, numbers, strict=True)]


def right(model: Any, examples: Sequence[Example]) -> NDArray[np.bool_]:
    return answers(model, examples)[0].argmax(axis=1) == np.array([each.label for each in examples])


def interval(values: NDArray[Any], random: Random) -> tuple[float, float, float]:
    means = values[random.integers(len(values), size=(2000, len(values)))].mean(axis=1)
    return float(values.mean()), *(float(each) for each in np.percentile(means, (2.5, 97.5)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--fit", type=Path, metavar="FOLDER", help="fit the network anew, and write it there")
    parser.add_argument("--cache", type=Path, help="keep what the frame network says (.npz)")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--courses", type=int, default=2400)
    chosen = parser.parse_args()
    # A generator each: courses are the same with a cache and without.
    fer, london = _faces(chosen, np.random.default_rng(7))
    random = np.random.default_rng(7)
    made = {
        part: courses(fer[part], london[part], count, random, seconds)
        for part, count, seconds in (
            ("train", chosen.courses, (6, 90)), ("validation", 600, (6, 90)), ("test", 800, (120, 121)),
        )
    }  # fmt: skip
    models = {}
    for name, network, take in (
        ("attention", Sentiment(), in_seconds),
        ("mean", Sentiment(pool="mean"), lambda these: pooled(these, "mean")),
        ("max", Sentiment(pool="mean"), lambda these: pooled(these, "max")),
        ("learned max", Sentiment(pool="max"), in_seconds),
    ):
        train, validation, test = (take(made[part]) for part in PARTS)
        model = fit_sentiment(
            network, SentimentFit(epochs=chosen.epochs), train, validation, signs=SIGNS, seed=1
        )
        models[name] = model, validation, test
        print(name, "validation", figures(model, validation, SIGNS), flush=True)
        if name == "attention" and chosen.fit:
            _write(chosen.fit, model, validation, test)
    show(models, np.random.default_rng(1))


def _faces(chosen: Any, random: Random) -> Any:
    import pickle

    if chosen.cache and chosen.cache.is_file():
        with chosen.cache.open("rb") as file:
            return pickle.load(file)
    found = fer_faces(chosen.shared, random), london_faces(chosen.shared, random)
    if chosen.cache:
        with chosen.cache.open("wb") as file:
            pickle.dump(found, file)
    return found


def _write(folder: Path, model: Any, validation: list[Example], test: list[Example]) -> None:
    from mien.train.clips.sentiment_run import write_sentiment_network

    folder.mkdir(parents=True, exist_ok=True)
    write_sentiment_network(
        folder, model, Sentiment(), validation, labels=LABELS, name="video-sentiment",
        metrics={"validation": figures(model, validation, SIGNS), "test": figures(model, test, SIGNS)},
        description="Sentiment of a clip by attention in time, over what mien says of each frame",
        data=(
            TrainedOn(name="fer2013.parquet (made courses of its faces)", terms=FER2013_TERMS),
            TrainedOn(
                name="Face Research Lab London Set (made courses of its people)",
                terms="CC BY 4.0: DeBruine & Jones (2017), https://doi.org/10.6084/m9.figshare.5047666",
            ),
        ),
    )  # fmt: skip


def show(models: dict[str, Any], random: Random) -> None:
    table = Table(
        "",
        "category right",
        "its lead over it",
        "FER-2013's",
        "London's",
        title="held-out people",
    )
    model, _, test = models["attention"]
    ours = right(model, test)
    london = np.arange(len(test)) % 4 == 3
    for name, (other, _, theirs) in models.items():
        them = right(other, theirs)
        lead = (
            ""
            if name == "attention"
            else "{:+.3f} ({:+.3f} to {:+.3f})".format(*interval(ours * 1.0 - them, random))
        )
        rows = (interval(them[each], random) for each in (np.ones_like(london), ~london, london))
        whole, fer, people = ("{:.3f} ({:.3f} to {:.3f})".format(*row) for row in rows)
        table.add_row(name, whole, lead, fer, people)
    Console(width=150).print(table)
    attention = answers(model, test)[2]
    found = np.array(planted_found(test, attention))
    print("planted seconds found: AUC {:.3f} ({:.3f} to {:.3f})".format(*interval(found, random)))
    print("test", figures(model, test, SIGNS))


if __name__ == "__main__":
    main()
