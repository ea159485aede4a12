"""The figures of one network beside others, the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx

from mien.errors import DatasetError, ModelError
from mien.expression.circumplex import valence_arousal
from mien.expression.network import Answers, OnnxNetwork, load_network
from mien.expression.sidecar import Effort
from mien.labels import EMOTIONS, FER2013
from mien.train.counting import multiply_adds
from mien.train.datasets import FaceSet
from mien.train.evaluation.answers import answer_all
from mien.train.evaluation.evaluate import evaluate_answers
from mien.train.evaluation.heads import HeadAnswers, heads_of
from mien.train.evaluation.metrics import in_emotion_order, kl_to_votes
from mien.train.fit import affect_figures
from mien.train.quantise import fastest_ms

_NAMES: Final = {
    "right, 7 classes": "accuracy",
    "macro-F1, 7 classes": "macro_f1",
    "calibration error, 7 classes": "calibration_error",
    "right, the paper's 5 classes": "accuracy_5",
    "macro-F1, the paper's 5 classes": "macro_f1_5",
    "FER+, its rule": "ferplus",
    "FER+, all": "ferplus_all",
}


@dataclass(frozen=True)
class Measured:
    """One network's figures.

    Attributes:
        figures: shares from 0 to 1: `accuracy`, `macro_f1` and `calibration_error` on FER-2013's seven
            classes, `accuracy_5` and `macro_f1_5` on the paper's five, `ferplus` by FER+'s rule,
            `ferplus_all`; in nats `kl`, see `kl_of_seven`; from -1 to 1 `ccc_valence` and `ccc_arousal`. What
            the data has no labels for is missing.
        parameters: how many numbers were learned.
        multiply_adds: for one face.
        size_bytes: of the file.
        milliseconds: for one face on one core; the fastest of many runs.
        effort: what its training took, where that was counted.
    """

    figures: Mapping[str, float]
    parameters: int
    multiply_adds: int
    size_bytes: int
    milliseconds: float
    effort: Effort | None

    def as_dict(self) -> dict[str, Any]:
        """Give everything as a flat dictionary, for JSON and CSV; None where something is not known."""
        return {
            **self.figures,
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "size_bytes": self.size_bytes,
            "milliseconds": self.milliseconds,
            "epochs": self.effort.epochs if self.effort else None,
            "core_minutes": self.effort.core_minutes if self.effort else None,
        }


def measure(networks: Sequence[Path], faces: FaceSet, *, flips: bool = False) -> list[Measured]:
    """Measure networks on the same faces, and time them by turns.

    Args:
        networks: .onnx files with their sidecars.
        faces: of FER-2013.
        flips: average the answers to each face and to its mirror image.

    Returns:
        One for each network, in their order.

    Raises:
        DatasetError: the faces have other labels than FER-2013's.
        ModelError: a network can't be read, or takes crops of another size.
    """
    if set(faces.labels) != set(FER2013):
        received = ", ".join(faces.labels)
        raise DatasetError(f"expected FER-2013's classes {', '.join(FER2013)}, received {received}")
    loaded = [load_network(path) for path in networks]
    side_px = faces.images.shape[1]
    for path, network in zip(networks, loaded, strict=True):
        if network.sidecar.size_px != side_px:
            raise ModelError(
                f"{path}: takes crops of {network.sidecar.size_px} pixels, but all are compared on {side_px};"
                " measure it with mien evaluate"
            )
    graphs = [path.read_bytes() for path in networks]
    times_ms = fastest_ms(graphs, faces.images[:1])
    return [
        _measured(network, graph, faces, flips, milliseconds)
        for network, graph, milliseconds in zip(loaded, graphs, times_ms, strict=True)
    ]


def _measured(
    network: OnnxNetwork, graph: bytes, faces: FaceSet, flips: bool, milliseconds: float
) -> Measured:
    answers = answer_all(network, faces.images, flips=flips)
    found = evaluate_answers(network, answers, faces)
    # A figure's name ends with the answer that it judges: "right, 7 classes (fer2013)".
    by_name = {figure.name.partition(" (")[0]: figure.value for figure in found.figures}
    figures = {ours: by_name[name] for name, ours in _NAMES.items() if name in by_name}
    expression = heads_of(network.sidecar, answers)[0]
    return Measured(
        figures=figures | _against_votes(expression, answers, faces),
        parameters=network.sidecar.parameters,
        multiply_adds=multiply_adds(onnx.load_from_string(graph)),
        size_bytes=len(graph),
        milliseconds=milliseconds,
        effort=network.sidecar.effort,
    )


def _against_votes(head: HeadAnswers, answers: Answers, faces: FaceSet) -> dict[str, float]:
    if faces.votes is None:
        return {}
    shares = in_emotion_order(head.shares, head.labels)
    affect = valence_arousal(shares) if answers.affect is None else answers.affect
    return {"kl": kl_of_seven(head, faces), **affect_figures(np.asarray(affect, np.float32), faces)}


def kl_of_seven(head: HeadAnswers, faces: FaceSet) -> float:
    """Give the divergence from the votes over FER-2013's seven classes, which every network knows.

    Contempt is taken out of votes and answers, and both are renormalised; see `metrics.kl_to_votes`.
    """
    contempt = EMOTIONS.index("contempt")
    answers, votes = in_emotion_order(head.shares, head.labels), np.array(faces.votes)
    answers[:, contempt], votes[:, contempt] = 0, 0
    return kl_to_votes(answers / answers.sum(axis=1, keepdims=True), votes)
