r"""`mien sentiment` on whole made films with one planted event, beside the mean and maximum of their frames.

    mien simulate clips films --people london --faces fer2013.parquet --count 80 --seconds 20-60 --short \
        --fps 12.5 --without 0.2 --seed 20
    python benchmarks/sentiment_films.py films

The films are read as the command reads them: found faces, five frames a second, the shipped network. Beside
it:

- `mean`: of the frame network's probabilities over all frames; the likeliest expression.
- `max`: the expression other than neutral that has the highest probability in any frame, if that is above a
  threshold (chosen on the films of the split `train`), else neutral.

Disgust and contempt count for polarity only, as the shipped network doesn't know them. Where the planted
seconds are, `attention` is set beside what the frames themselves say: one minus the mean P(neutral) of the
second. Intervals are of films drawn anew in pairs (bootstrap).
"""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mien.config import load_settings
from mien.labels import EMOTIONS
from mien.pipeline import Pipeline
from mien.source import open_source
from mien.train.clips.figures import auc
from mien.videos.sentiment import Seconds, answer, expression_features, largest
from mien.videos.sentiment_network import load_sentiment_network, polarity_of

NEUTRAL = EMOTIONS.index("neutral")
Floats = NDArray[np.float64]


@dataclass
class Film:
    """What was read of a film: per frame its second, what `mien` says (features), shares, affect."""

    second: NDArray[np.int64]
    said: Floats
    shares: Floats
    affect: Floats


def read(path: Path, pipeline: Pipeline, fps: float) -> Film:
    rows = []
    with closing(pipeline.stream(open_source(path, every=1, fps=fps))) as stream:
        for frame, faces in stream:
            if not len(faces):
                rows.append(np.full(1 + 16 + len(EMOTIONS) + 2, np.nan))
                rows[-1][0] = int(frame.time_s)
                continue
            face = faces[[largest(faces)]]
            rows.append(
                np.concatenate(
                    [[int(frame.time_s)], expression_features(face)[0], face.probabilities[0],
                     face.valence, face.arousal]
                )
            )  # fmt: skip
    table = np.array(rows)
    return Film(table[:, 0].astype(int), table[:, 1:17], table[:, 17:25], table[:, 25:])


def read_all(folder: Path, clips: pd.DataFrame, fps: float, cache: Path | None) -> list[Film]:
    kept: dict[str, Any] = {}
    if cache is not None and cache.is_file():
        kept = dict(np.load(cache))
    with Pipeline(load_settings(network="mien", threads=1)) as pipeline:
        for path in clips["path"]:
            if path not in kept:
                film = read(folder / path, pipeline, fps)
                kept[path] = np.column_stack([film.second, film.said, film.shares, film.affect])
    if cache is not None:
        with cache.open("wb") as file:
            np.savez(file, **kept)
    tables = [kept[path] for path in clips["path"]]
    return [Film(each[:, 0].astype(int), each[:, 1:17], each[:, 17:25], each[:, 25:]) for each in tables]


def measured(film: Film, clip: Any, network: Any) -> dict[str, Any]:
    """Return what each way answers for a film, and how well it ranks the planted seconds."""
    seconds = Seconds(network.sidecar.features)
    for second, said in zip(film.second, film.said, strict=True):
        seconds.add(float(second), None if np.isnan(said).any() else said)
    found = answer(network, clip.path, *seconds.means())
    course, seen = found.course, ~np.isnan(film.shares[:, 0])
    shares, affect = film.shares[seen], film.affect[seen]
    loud = np.delete(shares.max(axis=0), NEUTRAL)
    names = [each for each in EMOTIONS if each != "neutral"]
    there = np.array(
        [min(clip.offset_s, end) - max(clip.onset_s, start) >= 0.5 * (end - start)
         for start, end in zip(course["start_s"], course["end_s"], strict=True)]
    )  # fmt: skip
    read_s = course["attention"].notna().to_numpy()
    calm = pd.Series(film.shares[:, NEUTRAL]).groupby(film.second).mean().reindex(course["start_s"])
    farthest = affect[np.abs(affect[:, 0]).argmax()] if len(affect) else [np.nan, np.nan]
    return {
        "attention": found.category, "mean": EMOTIONS[int(shares.mean(axis=0).argmax())],
        "loudest": names[int(loud.argmax())], "loudness": float(loud.max()),
        "attention_valence": found.valence, "mean_valence": float(affect[:, 0].mean()),
        "max_valence": float(farthest[0]),
        "attention_auc": auc(course["attention"].to_numpy()[read_s], there[read_s]),
        "frames_auc": auc(-calm.to_numpy()[read_s], there[read_s]),
    }  # fmt: skip


def interval(values: Floats, random: np.random.Generator) -> str:
    values = values[~np.isnan(values)]
    if not len(values):
        return "–"
    means = values[random.integers(len(values), size=(2000, len(values)))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def show(table: pd.DataFrame, title: str, known: set[str]) -> None:
    random = np.random.default_rng(1)
    ours = table[table["label"].isin(known)]
    shown = Table(
        "", "category right", "attention leads by", "polarity right", "valence off by", "seconds found (AUC)",
        title=f"{title}: {len(table)} films, {len(ours)} of a known category",
    )  # fmt: skip
    for way in ("attention", "mean", "max"):
        right = (ours[way] == ours["label"]).to_numpy(float)
        lead = (ours["attention"] == ours["label"]).to_numpy(float) - right
        polarity = table[way].map(polarity_of) == table["label"].map(polarity_of)
        off = (table[f"{way}_valence"] - table["valence"]).abs().to_numpy(float)
        found = {"attention": "attention_auc", "mean": "frames_auc"}.get(way)
        shown.add_row(
            way, interval(right, random), "" if way == "attention" else interval(lead, random),
            interval(polarity.to_numpy(float), random), interval(off, random),
            "" if found is None else interval(table[found].to_numpy(float), random),
        )  # fmt: skip
    Console(width=160).print(shown)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="with CLIPS.csv, as mien simulate clips writes it")
    parser.add_argument("--network", default="video-sentiment")
    parser.add_argument("--cache", type=Path, help="keep what the frame network says (.npz)")
    chosen = parser.parse_args()
    clips = pd.read_csv(chosen.folder / "CLIPS.csv", dtype={"person": str})
    network = load_sentiment_network(chosen.network)
    films = read_all(chosen.folder, clips, network.sidecar.frames_per_second, chosen.cache)
    rows = [measured(*each, network) for each in zip(films, clips.itertuples(), strict=True)]
    table = clips.join(pd.DataFrame(rows))
    table["kind"] = np.where(table["person"].str.startswith("F-"), "strung", "morphed")
    learnt = table[table["split"] == "train"]
    chances = np.linspace(0.05, 0.99, 95)

    def named(part: pd.DataFrame, chance: float) -> pd.Series:
        return part["loudest"].where(part["loudness"] > chance, "neutral")

    best = max(chances, key=lambda chance: float((named(learnt, chance) == learnt["label"]).mean()))
    table["max"] = named(table, best)
    print(f"maximum: an expression counts from {best:.2f} on (chosen on {len(learnt)} films)")
    known = set(network.sidecar.labels)
    show(table[table["split"] != "train"], "people of the splits validation and test", known)
    show(table, "all", known)
    for kind, part in table.groupby("kind"):
        show(part, f"all {kind} ones", known)


if __name__ == "__main__":
    main()
