"""A whole training run of a network of clips: a table of clips in, the network with sidecar and card out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.config import Choices
from mien.errors import DatasetError, ModelError
from mien.expression.network import find_network
from mien.expression.sidecar import TrainedOn
from mien.files import sha256_of, write_json, write_text, written_whole
from mien.train.backend import load_keras, versions
from mien.train.clips.loop import Place, Report, fingerprint
from mien.train.clips.sentiment import (
    Example,
    Floats,
    answers,
    figures,
    fit_sentiment,
    temperature_of,
)
from mien.train.clips.table import SPLITS, read_clip_table
from mien.train.export.sentiment import sentiment_graph
from mien.train.networks.sentiment import Sentiment
from mien.train.run_folder import CHECKPOINT, claim
from mien.train.sentiment_recipe import SentimentData, SentimentRecipe
from mien.videos.sentiment import FrameReader
from mien.videos.sentiment_network import (
    EXPRESSION_FEATURES,
    Polarity,
    SentimentNetwork,
    SentimentSidecar,
    polarity_of,
)

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]

_KERAS_LIMIT: Final = 1e-4
SIGNS: Final[dict[str, float]] = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}


@dataclass(frozen=True)
class SentimentRun:
    """What a finished run leaves.

    Attributes:
        network: the .onnx file; sidecar and card stand beside it.
        metrics: figures of validation and test.
    """

    network: Path
    metrics: dict[str, dict[str, float]]


def train_sentiment(
    recipe: SentimentRecipe,
    table: Path,
    *,
    folder: Path,
    terms: str = "those of the user's own clips",
    say: Say = lambda line: None,
    report: Report = lambda row: None,
) -> SentimentRun:
    """Train a network of clips on a user's own.

    What is read of each clip is kept in the folder, as is the state after each epoch, so that the same call
    goes on where the last one stopped; Ctrl-C during training leaves the best epoch's network.

    Args:
        recipe: what to do.
        table: CLIPS.csv: `path`, `label`, `person`, and maybe `split`, `start_s`, `end_s`, `valence`,
            `arousal`, `onset_s`, `offset_s`.
        folder: the run's; made where it is missing.
        terms: under which the clips may be used.
        say: called with one line for each step.
        report: called after every epoch.

    Raises:
        ConfigError: Keras or its backend is missing.
        DatasetError: the table or a clip can't be read or doesn't fit, a label has no polarity, or the folder
            holds another run.
        ModelError: the exported network does not answer as Keras does.
        OutputError: the folder can't be written.
    """
    rows = read_clip_table(table, validation=recipe.data.validation, test=recipe.data.test)
    labels = tuple(sorted(set(rows["label"])))
    polarity = polarities(labels, recipe.data.polarity)
    load_keras()  # said before the clips are read, which may take hours
    folder.mkdir(parents=True, exist_ok=True)
    claim(folder, recipe)
    say(f"recipe {recipe.name}, seed {recipe.seed}: {len(rows)} clips of {rows['person'].nunique()} people")
    examples, empty = _read_all(rows, labels, recipe.data, folder / "seconds", say)
    if empty:
        say(f"{empty} clips without anything to read are left out")
    parts = {part: [each for each, of in examples if of == part] for part in SPLITS}
    for part in ("train", "validation"):
        if len({each.label for each in parts[part]}) < 2:
            raise DatasetError(f"{table}: the {part} part has no readable clips of two categories")
    signs = np.array([SIGNS[each] for each in polarity], np.float32)
    mark = fingerprint(
        recipe.model_dump_json(),
        (array for part in ("train", "validation") for each in parts[part] for array in each.learnt),
    )
    learn = partial(
        fit_sentiment, recipe.network, recipe.fit, parts["train"], parts["validation"],
        signs=signs, seed=recipe.seed, report=report,
    )  # fmt: skip

    def finish(model: Any) -> SentimentRun:
        metrics = {part: figures(model, parts[part], signs) for part in ("validation", "test") if parts[part]}
        path = write_sentiment_network(
            folder, model, recipe.network, parts["validation"], labels=labels, polarity=polarity,
            name=recipe.name, description=recipe.description, metrics=metrics, see=recipe.data,
            data=(TrainedOn(name=table.name, terms=terms, sha256=sha256_of(table)),),
        )  # fmt: skip
        write_json(folder / "metrics.json", metrics)
        return SentimentRun(path, metrics)

    try:
        model = learn(place=Place(folder, mark))
    except KeyboardInterrupt:
        if (folder / CHECKPOINT).exists():
            finish(learn(place=Place(folder, mark, finished=True)))
        raise
    return finish(model)


def polarities(labels: Sequence[str], chosen: dict[str, Polarity]) -> tuple[Polarity, ...]:
    """Return the labels' polarities: the recipe's, else those of the words.

    Raises:
        DatasetError: a label has none.
    """
    found = [chosen.get(label) or polarity_of(label) for label in labels]
    if None in found:
        label = labels[found.index(None)]
        raise DatasetError(
            f"the label {label} has no polarity that is known: say it in the recipe, as"
            f' [data.polarity] {label} = "positive"'
        )
    return tuple(each for each in found if each is not None)


def _read_all(
    rows: pd.DataFrame, labels: Sequence[str], data: SentimentData, kept: Path, say: Say
) -> tuple[list[tuple[Example, str]], int]:
    """Return what is learnt of each clip with its part, and how many had nothing to read."""
    kept.mkdir(exist_ok=True)
    examples = []
    with FrameReader(data.input, data.size_px, "mien", Choices(fps=data.frames_per_second)) as reader:
        for number, row in enumerate(rows.to_dict("records")):
            said, shown, starts = _read_clip(reader, row, data, kept)
            if not len(said):
                continue
            affect = np.array([row.get("valence", np.nan), row.get("arousal", np.nan)], np.float32)
            planted = _planted(row, starts)
            examples.append(
                (Example(said, labels.index(row["label"]), affect, shown, planted), str(row["split"]))
            )
            if number % 50 == 49:
                say(f"read {number + 1} of {len(rows)} clips")
    return examples, len(rows) - len(examples)


def _read_clip(
    reader: FrameReader, row: dict[Any, Any], data: SentimentData, kept: Path
) -> tuple[NDArray[Any], Floats | None, NDArray[np.float64]]:
    """Return what is seen of a clip by seconds, its pictures' mask, and the seconds' starts."""
    path, span = Path(row["path"]), (_number(row, "start_s", 0.0), _number(row, "end_s", np.inf))
    facts = [str(path), path.stat().st_size, path.stat().st_mtime_ns, *span, *data.model_dump().items()]
    place = kept / f"{hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:24]}.npz"
    if place.is_file():
        with np.load(place) as found:
            return found["said"], found.get("shown"), found["starts"]
    seconds: dict[int, list[NDArray[Any]]] = {}
    for time_s, said in reader.frames(path):
        if time_s >= span[1]:
            break
        if time_s >= span[0] and said is not None:
            seconds.setdefault(int(time_s), []).append(said)
    starts = np.array(sorted(seconds), np.float64)
    shown = None
    if data.input == "expression":
        said = np.array([np.mean(seconds[int(each)], axis=0) for each in starts], np.float32)
        said = said.reshape(-1, EXPRESSION_FEATURES)
    else:
        most = int(np.ceil(data.frames_per_second))
        said = np.zeros((len(starts), most, data.size_px, data.size_px), np.uint8)
        shown = np.zeros((len(starts), most), np.float32)
        for number, each in enumerate(starts):
            pictures = seconds[int(each)][:most]
            said[number, : len(pictures)], shown[number, : len(pictures)] = pictures, 1.0
    kept_too: dict[str, Any] = {} if shown is None else {"shown": shown}
    with written_whole(place) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, said=said, starts=starts, **kept_too)
    return said, shown, starts


def _number(row: dict[Any, Any], name: str, default: float) -> float:
    value = row.get(name)
    return default if value is None or value != value else float(value)


def _planted(row: dict[Any, Any], starts: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """Return which seconds are at least half in the event, where the table knows it."""
    if "onset_s" not in row:
        return None
    onset, offset = _number(row, "onset_s", np.inf), _number(row, "offset_s", np.inf)
    within = np.minimum(starts + 1, offset) - np.maximum(starts, onset)
    return np.asarray(within >= 0.5)


def write_sentiment_network(
    folder: Path,
    model: Any,
    spec: Sentiment,
    validation: Sequence[Example],
    *,
    labels: Sequence[str],
    name: str,
    description: str,
    metrics: dict[str, dict[str, float]],
    polarity: tuple[Polarity, ...] | None = None,
    data: tuple[TrainedOn, ...] = (),
    see: SentimentData | None = None,
) -> Path:
    """Write a trained network: NAME.onnx, its sidecar NAME.json, and its card NAME.md.

    Args:
        folder: where; it is there.
        model: the Keras network.
        spec: that it was built from.
        validation: what its temperature is fitted on.
        labels: the categories.
        name: of the network.
        description: one line for people.
        metrics: figures by part.
        polarity: of the labels; None for those of their words.
        data: what it was trained on.
        see: what it sees of frames; None for the recipe's usual.

    Raises:
        ModelError: the exported network does not answer as Keras does.
        OutputError: a file can't be written.
    """
    see = see or SentimentData()
    size_px = 0 if see.input == "expression" else see.size_px
    graph = sentiment_graph(model, spec, name=name, size_px=size_px).SerializeToString()
    path = folder / f"{name}.onnx"
    with written_whole(path) as temporary:
        temporary.write_bytes(graph)
    reads = {} if size_px else {"reads": "mien", "reads_sha256": sha256_of(find_network("mien"))}
    sidecar = SentimentSidecar(
        name=name, description=description, labels=tuple(labels),
        polarity=polarity or polarities(labels, {}), input=see.input, size_px=size_px, **reads,
        frames_per_second=see.frames_per_second,
        features=spec.features if size_px else EXPRESSION_FEATURES, sha256=sha256_of(path),
        parameters=model.count_params(), temperature=temperature_of(model, validation), data=data,
        metrics=metrics, licence="Apache-2.0", versions=versions(),
        created=datetime.now(UTC).replace(microsecond=0),
    )  # fmt: skip
    _check(model, SentimentNetwork(graph, sidecar), validation[:8])
    write_json(folder / f"{name}.json", sidecar.model_dump(mode="json"))
    write_text(folder / f"{name}.md", card(sidecar))
    return path


def _check(model: Any, network: SentimentNetwork, examples: Sequence[Example]) -> None:
    """Make sure that the exported network's attention is Keras's; with pictures, from the pictures on."""
    for each, wanted in zip(examples, answers(model, examples)[2], strict=True):
        seconds = each.said
        if each.shown is not None:
            said = [
                network.features(row[mask > 0]).mean(axis=0)
                for row, mask in zip(each.said, each.shown, strict=True)
            ]
            seconds = np.stack(said)
        difference = float(np.abs(network.answer(seconds).attention - wanted).max())
        if not difference <= _KERAS_LIMIT:
            raise ModelError(
                f"the exported network's attention differs from Keras's by {difference:.3g}, expected"
                f" {_KERAS_LIMIT}; please report it"
            )


def card(sidecar: SentimentSidecar) -> str:
    """Return the card of a network of clips, in Markdown."""
    sees = {
        "expression": f"what the network `{sidecar.reads}` says of the largest face in each frame",
        "face": f"the largest face in each frame, {sidecar.size_px} pixels, grey",
        "scene": f"each frame as a whole, {sidecar.size_px} pixels, grey",
    }[sidecar.input]
    rows = [
        f"| {part} | {row['accuracy']:.3f} | {row['polarity']:.3f} | {row.get('auc', np.nan):.3f} |"
        for part, row in sidecar.metrics.items()
    ]
    return _CARD.format(
        name=sidecar.name,
        description=sidecar.description,
        sees=sees,
        rate=f"{sidecar.frames_per_second:g}",
        labels=", ".join(sidecar.labels),
        parameters=sidecar.parameters,
        rows="\n".join(rows).replace("nan", "-"),
        data="\n".join(f"- {each.name}: {each.terms}" for each in sidecar.data),
        licence=sidecar.licence,
    )


_CARD: Final = """\
# {name}

{description}.

It sees {sees}, {rate} times a second, and answers for a whole clip with one of these: {labels}; with valence
and arousal; and with the share of each second in that answer. {parameters} numbers were learned. After Zhao
et al. (2020); `train/networks/sentiment.py` says how. Licence: {licence}.

| part | category right | polarity right | planted seconds found (AUC) |
| --- | --- | --- | --- |
{rows}

## Trained on

{data}

## Meant for

Finding the moments of a video that are worth a look, with the knowledge of the people in it. It reads what
faces show, not what somebody feels, and its attention says what its answer rests on, not what mattered to the
person.

Not meant for judging people or deciding about them, for detecting lies, or for diagnosis. docs/sentiment.md
says what was shown and what was not.
"""
