"""A network in 8-bit integers: smaller and faster; its loss of accuracy is measured before it is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import ArrayLike, NDArray
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from sklearn.metrics import roc_curve

from mien.expression.network import INPUT
from mien.train.augment import look
from mien.train.data import FaceSet
from mien.train.data.negatives import Negatives
from mien.train.data.prepare import Prepared
from mien.train.evaluate.outputs import MOVED
from mien.train.evaluate.validation import validation_figures
from mien.train.targets import Arrays

MOST_LOSS = 0.005
"""An 8-bit network may be right on at most this share of faces less."""

LEAST_SPEED = 1.2
"""It must be this many times as fast."""

_BATCH = 64


@dataclass(frozen=True)
class QuantisationReport:
    """What quantisation cost and what it gave.

    Attributes:
        accuracy_before: share of right labels, 0 to 1, with 32 bits.
        accuracy_after: the same with 8 bits.
        ms_before: milliseconds for one face, with 32 bits.
        ms_after: the same with 8 bits.
        bytes_before: size of the file, with 32 bits.
        bytes_after: the same with 8 bits.
    """

    accuracy_before: float
    accuracy_after: float
    ms_before: float
    ms_after: float
    bytes_before: int
    bytes_after: int

    @property
    def loss(self) -> float:
        """How much accuracy was lost; negative where it was gained."""
        return self.accuracy_before - self.accuracy_after

    @property
    def speed_ratio(self) -> float:
        """How many times as fast it became."""
        return self.ms_before / self.ms_after

    @property
    def pays(self) -> bool:
        """Whether to keep it: at most half a percentage point lost, and at least 1.2 times as fast."""
        return self.loss <= MOST_LOSS and self.speed_ratio >= LEAST_SPEED


def quantise(graph: bytes, calibration: NDArray[np.uint8], *, keep: Sequence[str] = ()) -> bytes:
    """Turn a network's weights and feature maps into 8-bit integers.

    Static quantisation by ONNX Runtime: the ranges of the feature maps are those that they take on the
    calibration faces. Weights get a scale for each channel and 7 bits: with 8, processors without VNNI
    instructions overflow and answer otherwise than those with them.

    Args:
        graph: an .onnx file's bytes, from `to_onnx`.
        calibration: uint8 (n, height, width), some hundred faces of the training part.
        keep: layers that stay in 32 bits, by the beginning of their names.

    Returns:
        The new .onnx file's bytes; same input, output and stored facts.
    """
    with TemporaryDirectory() as folder:
        whole, prepared, quantised = (Path(folder) / f"{name}.onnx" for name in ("whole", "prepared", "int8"))
        whole.write_bytes(graph)
        quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        names = [node.name for node in onnx.load(str(prepared)).graph.node]
        quantize_static(
            str(prepared),
            str(quantised),
            _Batches(calibration),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=[name for name in names if name.startswith(tuple(keep))],
        )
        model = onnx.load(str(quantised))
    facts = {entry.key: entry.value for entry in onnx.load_from_string(graph).metadata_props}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, facts)
    data: bytes = model.SerializeToString()
    return data


def compare(
    before: bytes,
    after: bytes,
    images: NDArray[np.uint8],
    targets: ArrayLike,
    *,
    threads: int = 1,
    runs: int = 100,
) -> QuantisationReport:
    """Measure two forms of one network side by side.

    Args:
        before: the .onnx file's bytes with 32 bits.
        after: with 8 bits.
        images: uint8 (n, height, width), n at least 1, faces that neither training nor calibration has seen.
        targets: (n,) the right output of each.
        threads: how many threads one run may use.
        runs: how often one face is timed.
    """
    sessions = [session_of(graph, threads) for graph in (before, after)]
    accuracy = [float((_predict(session, images) == np.asarray(targets)).mean()) for session in sessions]
    ms_before, ms_after = fastest_ms([before, after], images[:1], threads=threads, runs=runs)
    return QuantisationReport(
        accuracy_before=accuracy[0],
        accuracy_after=accuracy[1],
        ms_before=ms_before,
        ms_after=ms_after,
        bytes_before=len(before),
        bytes_after=len(after),
    )


def fastest_ms(
    forms: Sequence[bytes], images: NDArray[np.uint8], *, threads: int = 1, runs: int = 100
) -> list[float]:
    """Time forms of one network side by side.

    Args:
        forms: .onnx files' bytes.
        images: uint8 (n, height, width), what one run reads.
        threads: how many threads one run may use.
        runs: how many runs; the forms take turns, and the fastest run counts, so that other work on the
            machine disturbs little.

    Returns:
        Milliseconds of a run of each.
    """
    sessions = [session_of(form, threads) for form in forms]
    fastest = [np.inf] * len(forms)
    for _ in range(runs):
        for place, session in enumerate(sessions):
            start = time.perf_counter()
            session.run(None, {"image": images})
            fastest[place] = min(fastest[place], time.perf_counter() - start)
    return [1000 * seconds for seconds in fastest]


class _Batches:
    """The calibration faces, as ONNX Runtime asks for them."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self._batches: Iterator[NDArray[np.uint8]] = _in_batches(images)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"image": batch}


def _in_batches(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    return (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))


def session_of(graph: bytes, threads: int) -> Any:
    """Open an .onnx file's bytes in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _predict(session: Any, images: NDArray[np.uint8]) -> NDArray[np.int64]:
    logits = [session.run(["logits"], {"image": batch})[0] for batch in _in_batches(images)]
    return np.asarray(np.concatenate(logits).argmax(axis=1))


Grey = NDArray[np.uint8]

LAST_LAYERS: Final = ("votes", "fer2013", "presence", "landmarks", "places")
"""They stay in 32 bits: they are small, and landmarks are coordinates, of which 256 steps are too few."""

FIRST_LAYERS: Final = ("conv1/", "conv_dw_1/", "conv_pw_1/")
"""MobileNet's first block stays in 32 bits too: in 8 it costs 0.6 points of FER+ and saves 0.03 ms."""

_MOST_LOSS: Final = {
    "validation_accuracy": 0.005,
    "ferplus_all": 0.005,
    "kl": -0.01,
    "landmarks": -0.001,
    "presence_best": 0.005,
}
"""How far each figure may fall; of those below 0, how far it may rise."""

_CALIBRATION_FACES = 512
_NEGATIVES = 500
_BATCH = 64


@dataclass(frozen=True)
class JointInt8Report:
    """What 8 bits cost and gave.

    Attributes:
        before: figures on validation with 32 bits, by name.
        after: the same with 8 bits.
        ms_before: milliseconds for one face on one core, with 32 bits.
        ms_after: the same with 8 bits.
        bytes_before: size of the file, with 32 bits.
        bytes_after: the same with 8 bits.
    """

    before: dict[str, float]
    after: dict[str, float]
    ms_before: float
    ms_after: float
    bytes_before: int
    bytes_after: int

    @property
    def speed_ratio(self) -> float:
        """How many times as fast it became."""
        return self.ms_before / self.ms_after

    @property
    def too_much_lost(self) -> list[str]:
        """Name the figures that lost more than they may."""
        return [
            name
            for name, most in _MOST_LOSS.items()
            if name in self.before and np.sign(most) * (self.before[name] - self.after[name]) > abs(most)
        ]

    @property
    def pays(self) -> bool:
        """Whether to keep it: no figure lost too much, and it is at least 1.2 times as fast."""
        return not self.too_much_lost and self.speed_ratio >= LEAST_SPEED

    def as_dict(self) -> dict[str, Any]:
        """Return everything as a dictionary for JSON."""
        return {**asdict(self), "pays": self.pays}


def try_int8(graph: bytes, parts: Prepared) -> tuple[bytes, JointInt8Report]:
    """Turn a network into 8 bits and measure both forms side by side.

    Args:
        graph: the .onnx file's bytes with 32 bits.
        parts: faces of training show how far feature maps reach; those of validation are measured.

    Returns:
        The new file's bytes, and what it cost.
    """
    small = quantise(graph, seen_crops(parts.train), keep=FIRST_LAYERS + LAST_LAYERS)
    forms = [graph, small]
    before, after = (figures_of(form, parts.validation) for form in forms)
    ms_before, ms_after = fastest_ms(forms, parts.validation.images[:1])
    return small, JointInt8Report(before, after, ms_before, ms_after, len(graph), len(small))


def seen_crops(faces: FaceSet) -> Grey:
    """Choose crops that show how far feature maps reach: faces, moved faces, and pictures without one.

    With faces alone, a picture without a face reaches beyond the range, and then looks like a face.
    """
    random = np.random.default_rng(0)
    seen = faces.images[random.permutation(len(faces))[:_CALIBRATION_FACES]]
    unknown = np.full((len(seen) // 2, 68, 2), 0.5, np.float32)
    moved = look(seen[: len(unknown)], unknown, MOVED, random)[0]
    nothing = Negatives("train", faces.images.shape[1]).make(_CALIBRATION_FACES // 2, faces.images, random)
    return np.concatenate([moved, seen[len(unknown) :], nothing])


def figures_of(graph: bytes, faces: FaceSet) -> dict[str, float]:
    """Measure an exported network by all its answers, as `validation_figures` does, and `presence_best`.

    `presence_best` is the mean of the shares of faces and of pictures without one that are told right, where
    that is highest: calibration sets the threshold anew.
    """
    session = session_of(graph, 1)
    names = [output.name for output in session.get_outputs()]

    def answers(images: Grey) -> Arrays:
        return run_all(session, names, images)

    size_px = faces.images.shape[1]
    figures = validation_figures(answers, faces, Negatives("validation", size_px))
    nothing = Negatives("validation", size_px).make(_NEGATIVES, faces.images, np.random.default_rng(1))
    logits = np.concatenate([answers(images)["presence"][:, 0] for images in (faces.images, nothing)])
    wrongly, rightly, _ = roc_curve(np.arange(len(logits)) < len(faces), logits)
    figures["presence_best"] = float((rightly + 1 - wrongly).max() / 2)
    return figures


def run_all(session: onnxruntime.InferenceSession, names: list[str], images: Grey) -> Arrays:
    """Run a session over many images, a batch at a time; returns its outputs by name."""
    starts = range(0, len(images), _BATCH)
    parts = [session.run(names, {INPUT: images[start : start + _BATCH]}) for start in starts]
    return {name: np.concatenate([part[place] for part in parts]) for place, name in enumerate(names)}
