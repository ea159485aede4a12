from __future__ import annotations

import csv
import json
import re
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mien.errors import OutputError
from mien.expression.calibration import expected_calibration_error, softmax
from mien.expression.sidecar import Sidecar
from mien.train.data import FaceSet
from mien.train.data.cleaning import CleaningReport
from mien.train.data.prepare import Prepared
from mien.train.evaluate.evaluation import evaluate_logits
from mien.train.evaluate.metrics import Scores, score
from mien.train.evaluate.robustness import RobustnessStep
from mien.train.recipe import LabelRecipe
from mien.train.report.card import DataSummary, model_card
from mien.train.report.plots import (
    confusion_plot,
    contact_sheet,
    learning_curves,
    most_confused,
    near_copy_sheet,
    reliability_bins,
    robustness_plot,
)
from mien.train.report.run_report import write_label_report
from mien.train.run_folder import write_log, write_tensorboard

LABELS = ("anger", "happiness", "neutral")
HISTORY = [
    {"epoch": 1, "loss": 1.5, "validation_accuracy": 0.5, "validation_loss": 1.25, "seconds": 2.0},
    {"epoch": 2, "loss": 1.0, "validation_accuracy": 0.75, "validation_loss": 1.0, "seconds": 2.5},
]


def faces(n: int = 60, seed: int = 0, usage: str = "") -> FaceSet:
    random = np.random.default_rng(seed)
    targets = random.integers(0, 3, n)
    images = random.integers(0, 255, (n, 12, 12)).astype(np.uint8)
    return FaceSet(images, targets, LABELS, np.full(n, usage), np.full(n, ""))


def logits_for(given: FaceSet) -> NDArray[np.float64]:
    """Answers that are right about two times out of three, and too sure."""
    logits = np.random.default_rng(len(given)).normal(0, 1, (len(given), 3))
    logits[np.arange(len(given)), given.targets] += 1.5
    return 3 * logits


def scores_of(n: int = 60, labels: tuple[str, ...] = LABELS) -> Scores:
    given = faces(n)
    return score(softmax(logits_for(given), 2.5), given.targets, labels)


def sidecar(**changes: Any) -> Sidecar:
    facts: dict[str, Any] = {
        "name": "mine",
        "labels": LABELS,
        "input": {"size_px": 48},
        "sha256": "ab" * 32,
        "parameters": 1234567,
        "temperature": 2.5,
        "uncertain_below": 0.6,
        "data": [{"name": "FER-2013", "terms": "unclear"}],
        "licence": "Apache-2.0",
        "created": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return Sidecar.model_validate(facts | changes)


CLEANING = CleaningReport(3000, 7, 6, 5, 40, 30, 20, 2995)


def data(split: str = "official") -> DataSummary:
    train = {"anger": 10, "happiness": 900, "neutral": 1000}
    return DataSummary(split, train, dict.fromkeys(LABELS, 4), dict.fromkeys(LABELS, 3), 17, CLEANING)  # type: ignore[arg-type]


PARTS = Prepared(faces(90), faces(50, seed=1), faces(60, seed=2, usage="PublicTest"), 17, CLEANING)
LOGITS = {"validation": logits_for(PARTS.validation), "test": logits_for(PARTS.test)}


def report_in(folder: Path) -> dict[str, Any]:
    facts, parts = sidecar(), {"validation": PARTS.validation, "test": PARTS.test}
    evaluations = {
        name: evaluate_logits(LOGITS[name], part, LABELS, facts.temperature, facts.uncertain_below)
        for name, part in parts.items()
    }
    return write_label_report(
        folder,
        recipe=LabelRecipe(name="mine"),
        parts=PARTS,
        sidecar=facts,
        history=HISTORY,
        logits=LOGITS,
        evaluations=evaluations,
    )


def test_a_run_tells_everything_about_itself(tmp_path: Path) -> None:
    returned = report_in(tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics == returned
    assert metrics["recipe"] == "mine"
    assert metrics["data"]["cleaning"]["exact_copies"] == 40
    assert metrics["data"]["train"] == PARTS.train.counts()
    assert metrics["test"]["accuracy"] == (LOGITS["test"].argmax(axis=1) == PARTS.test.targets).mean()
    assert metrics["validation"]["count"] == 50
    for temperature, key in ((1.0, "calibration_error_before"), (2.5, "calibration_error")):
        error = expected_calibration_error(softmax(LOGITS["test"], temperature), PARTS.test.targets)
        assert metrics["test"][key] == pytest.approx(error)
    for name in ("learning", "confusion", "reliability", "risk_coverage", "confused"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 200
    rows = list(csv.DictReader((tmp_path / "classes.csv").read_text().splitlines()))
    assert [row["label"] for row in rows] == list(LABELS)
    assert sum(int(row["support"]) for row in rows) == 60
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert card.startswith("# Model card: mine\n")
    assert "| PublicTest |" in card
    assert f"mien evaluate {tmp_path}/mine.onnx FER-2013 --recipe mine --split test" in card
    assert {file.name for file in tmp_path.iterdir()} == {
        "metrics.json", "classes.csv", "MODEL_CARD.md",
        "learning.png", "confusion.png", "reliability.png", "risk_coverage.png", "confused.png",
    }  # fmt: skip


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*metrics\.json"):
        report_in(tmp_path / "file")


def test_log_is_rewritten_whole(tmp_path: Path) -> None:
    write_log(tmp_path, HISTORY[:1])
    rows = list(csv.DictReader(write_log(tmp_path, HISTORY).read_text().splitlines()))
    assert [{name: float(value) for name, value in row.items()} for row in rows] == HISTORY


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    value = crc32c(data)
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path: Path) -> list[bytes]:
    """Read a TFRecord file: length, its checksum, data, its checksum."""
    rest, found = path.read_bytes(), []
    while rest:
        length, check = struct.unpack("<QI", rest[:12])
        data, (data_check,) = rest[12 : 12 + length], struct.unpack("<I", rest[12 + length : 16 + length])
        assert check == masked(rest[:8])
        assert data_check == masked(data)
        found.append(data)
        rest = rest[16 + length :]
    return found


def test_tensorboard_events_are_read_back(tmp_path: Path) -> None:
    from tensorboardX.proto.event_pb2 import Event

    assert len(write_tensorboard(tmp_path, HISTORY[:1])) == 1
    (second,) = write_tensorboard(tmp_path, HISTORY)  # the first epoch has its file already
    files = sorted((tmp_path / "tensorboard").iterdir())
    assert files[1] == second
    for file, row in zip(files, HISTORY, strict=True):
        assert "tfevents" in file.name
        version, event = (Event.FromString(data) for data in records(file))
        assert version.file_version == "brain.Event:2"
        assert event.step == row["epoch"]
        read = {value.tag: value.simple_value for value in event.summary.value}
        assert read == {name: value for name, value in row.items() if name != "epoch"}


def test_reliability_bins_hold_their_upper_edge() -> None:
    confidence, correct = np.array([0.5, 0.5, 0.51, 1.0]), np.array([True, False, True, True])
    middle, counts, sure, right = reliability_bins(confidence, correct, bins=2)
    np.testing.assert_allclose(middle, [0.25, 0.75])
    np.testing.assert_array_equal(counts, [2, 2])
    np.testing.assert_allclose(sure, [0.5, 0.755])
    np.testing.assert_allclose(right, [0.5, 1])


def test_reliability_bins_weigh_up_to_the_calibration_error() -> None:
    given = faces(500)
    p = softmax(logits_for(given))
    _, counts, sure, right = reliability_bins(p.max(axis=1), p.argmax(axis=1) == given.targets)
    gap = np.nansum(counts * np.abs(right - sure)) / counts.sum()
    assert gap == pytest.approx(expected_calibration_error(p, given.targets))


def texts(figure: Any) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in (*axes.texts, axes.title)]


def test_confusion_plot_writes_counts_and_shares() -> None:
    scores = scores_of()
    found = texts(confusion_plot(scores))
    for (row, _), count in np.ndenumerate(scores.confusion):
        assert f"{count / scores.support[row]:.0%}\n{count}" in found


def test_learning_curves_mark_the_best_epoch() -> None:
    assert "best: 75.0% in epoch 2" in texts(learning_curves(HISTORY))
    assert learning_curves([]).axes


def test_the_surest_mistakes_come_first() -> None:
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.05, 0.95], [0.6, 0.4]])
    targets = np.array([0, 0, 0, 1, 1])
    np.testing.assert_array_equal(most_confused(p, targets, 10), [1, 2, 4])
    np.testing.assert_array_equal(most_confused(p, targets, 1), [1])


def shown(figure: Any) -> list[NDArray[np.uint8]]:
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]


def test_contact_sheet_shows_each_image_with_its_caption() -> None:
    images = [np.full((4, 4), value, np.uint8) for value in (0, 90, 255)]
    figure = contact_sheet(images, ["black", "grey", "white"], "Three", columns=2)
    assert figure.get_suptitle() == "Three"
    for given, axes in zip(images, figure.axes, strict=False):
        np.testing.assert_array_equal(axes.images[0].get_array(), given)
    assert texts(figure)[:3] == ["black", "grey", "white"]
    assert not shown(contact_sheet([], [], "None"))


def test_near_copies_are_shown_around_the_threshold() -> None:
    images = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((6, 4, 4), np.uint8)
    pairs = np.array([[0, 1, 0.99], [0, 2, 0.92], [0, 3, 0.96], [1, 2, 0.98], [4, 5, 0.95]])
    figure = near_copy_sheet(images, pairs, threshold=0.97, count=4)
    assert [text for text in texts(figure) if text] == [
        "copy 0.990",
        "copy 0.980",
        "kept 0.960",
        "kept 0.950",
    ]
    np.testing.assert_array_equal(shown(figure)[3], np.hstack([images[4], images[5]]))
    # none above: the ones below are shown all the same
    assert len(shown(near_copy_sheet(images, pairs, threshold=0.995, count=4))) == 2


def card(scores: Scores, given: DataSummary | None = None, **changes: Any) -> str:
    facts = sidecar(**changes)
    return model_card(
        facts, given or data(), scores, part="PublicTest", error_before=0.1234, command="mien evaluate x"
    )


def test_model_card_says_what_there_is_to_know() -> None:
    scores = scores_of()
    text = card(scores)
    for expected in (
        "FER-2013**. Terms: unclear",
        "1,234,567",
        f"| accuracy | {100 * scores.accuracy:.1f} % |",
        "    mien evaluate x",
        "12.3 % before",
        "Temperature 2.500",
        "`uncertain` where its highest probability is below 0.60",
        "17 faces were kept away from training",
        "Exact copies of another face: 40",
        "| all | 1,910 | 12 | 9 |",
        "Small classes, with few faces to learn from: anger (10).",
        "These classes have no surprise, sadness, disgust, fear or contempt",
        "no labels for age, sex or skin colour",
        "lies",
        "pupils",
        "Diagnosis",
    ):
        assert expected in text
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [
        "Trained on", "Figures", "Calibration", "What it is not good at", "Meant for", "Not meant for",
    ]  # fmt: skip


def test_model_card_warns_of_a_random_split() -> None:
    assert "flatters the figures" in card(scores_of(), data("random"))
    assert "A group never stands on both sides." in card(scores_of(), data("grouped"))


def test_model_card_of_other_labels_misses_no_emotion() -> None:
    text = card(scores_of(labels=("smile", "frown", "yawn")), uncertain_below=0, data=())
    assert "These classes have no" not in text
    assert "Every face gets a label." in text
    assert "Not stated." in text


def test_weak_places_have_a_panel_each_and_no_share_of_a_few_faces() -> None:
    steps = [("0", 0.9, 0.85), ("45", 0.5, 0.0), ("90", 0.01, 1.0)]
    places = [
        RobustnessStep(kind, "degrees", step, 100, 0.5, labelled, right)
        for kind in ("tilt", "head turned")
        for step, labelled, right in steps
    ]
    panels = robustness_plot(places).axes
    assert [axes.get_title() for axes in panels[:2]] == ["tilt (degrees)", "head turned (degrees)"]
    lines = {line.get_label(): np.asarray(line.get_ydata(), float) for line in panels[0].lines}
    np.testing.assert_array_equal(lines["gets a label"], [0.9, 0.5, 0.01])
    np.testing.assert_array_equal(lines["right if it does"], [0.85, 0.0, np.nan])
