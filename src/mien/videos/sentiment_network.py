"""A network that reads a whole clip by attention in time, in ONNX Runtime; its sidecar says what it takes.

A clip is a row of seconds, each with the mean of what its frames say. The attention weighs the seconds and
answers once for the clip; the same answers for each second by itself make the course. The order of the
seconds plays no part, so that shuffled seconds give the same answer, and their attention shuffled.

The graph has the input `seconds` (n, features) and, where it looks at pictures itself, `image` uint8
(n, side, side); then it answers `features` for each picture, too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from mien.errors import ModelError
from mien.expression.calibration import softmax
from mien.expression.circumplex import COORDINATES
from mien.expression.network import NOT_A_GRAPH, check_whole
from mien.expression.sidecar import TrainedOn
from mien.textfile import read_text
from mien.types import LOGITS

SHIPPED: Final = "video-sentiment"
"""The network that comes with Mien."""

Polarity = Literal["negative", "neutral", "positive"]
POLARITIES: Final[tuple[Polarity, ...]] = ("negative", "neutral", "positive")
InputKind = Literal["expression", "face", "scene"]
"""What the network sees of a frame: what the expression network says of the face, the face, or all of it."""

EXPRESSION_FEATURES: Final = LOGITS + 1
"""What an expression network says of a face: its logits, and the log-odds that there is a face at all."""

Floats = NDArray[np.float32]


class SentimentSidecar(BaseModel):
    """The facts about one network of clips; frozen, and checked when it is made.

    Attributes:
        kind: that it is of this kind, and not one that reads faces.
        name: the network's name.
        description: one line for people.
        labels: the categories, in the order of the logits.
        polarity: whether each label is negative, neutral or positive, in their order.
        input: what it sees of a frame.
        size_px: side of the picture that it takes; 0 where it takes none.
        reads: the network whose answers it takes, by name and hash; empty where it takes pictures.
        reads_sha256: that network's hash.
        frames_per_second: how many frames of a second it was trained on.
        features: numbers that it keeps of each second.
        sha256: hash of the .onnx file.
        parameters: how many numbers were learned.
        temperature: the logits are divided by this, so that the probabilities are calibrated.
        data: what it was trained on.
        metrics: figures by the split that they were measured on.
        licence: under which terms the network may be used.
        versions: of the libraries that made it.
        created: when it was exported, with the time zone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["sentiment"] = "sentiment"
    name: str = Field(min_length=1)
    description: str = ""
    labels: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=2)
    polarity: tuple[Polarity, ...]
    input: InputKind
    size_px: int = Field(0, ge=0)
    reads: str = ""
    reads_sha256: str = ""
    frames_per_second: float = Field(5.0, gt=0)
    features: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    parameters: int = Field(0, ge=0)
    temperature: float = Field(1.0, gt=0)
    data: tuple[TrainedOn, ...] = ()
    metrics: dict[str, dict[str, float]] = {}
    licence: str = Field(min_length=1)
    versions: dict[str, str] = {}
    created: AwareDatetime

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.polarity) != len(self.labels) or len(set(self.labels)) != len(self.labels):
            raise ValueError("expected every label once, and a polarity for each")
        if (self.input == "expression") == bool(self.size_px):
            raise ValueError("expected size_px where the input is a picture, and only there")
        if (self.input == "expression") != bool(self.reads):
            raise ValueError("expected the name of a network where the input is its answers, and only there")
        return self


def polarity_of(label: str) -> Polarity | None:
    """Return a label's polarity by the published place of its word; None for a word that has none.

    The polarities' own names are labels as well.
    """
    named: dict[str, Polarity] = {each: each for each in POLARITIES}
    if label in named:
        return named[label]
    if label not in COORDINATES:
        return None
    valence = COORDINATES[label][0]
    return "positive" if valence > 0 else "negative" if valence < 0 else "neutral"


@dataclass(frozen=True, eq=False)
class ClipAnswer:
    """What a network says of n seconds.

    Attributes:
        probabilities: (labels,) of the whole clip.
        affect: (2,) valence and arousal of the whole clip, -1 to 1.
        attention: (n,) share of each second in that answer; they sum to 1.
        second_probabilities: (n, labels) of each second by itself.
        second_affect: (n, 2) likewise.
    """

    probabilities: Floats
    affect: Floats
    attention: Floats
    second_probabilities: Floats
    second_affect: Floats


class SentimentNetwork:
    """A network of clips, on the processor.

    Args:
        graph: the bytes of the .onnx file.
        sidecar: the facts about it.
        threads: how many threads one run may use.
    """

    def __init__(self, graph: bytes, sidecar: SentimentSidecar, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self.sidecar = sidecar
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def features(self, pictures: NDArray[np.uint8]) -> Floats:
        """Return (n, features) of grey pictures, uint8 (n, side, side), by SCEP's attention."""
        nothing = np.zeros((1, self.sidecar.features), np.float32)
        return np.asarray(self._session.run(["features"], {"image": pictures, "seconds": nothing})[0])

    def answer(self, seconds: Floats) -> ClipAnswer:
        """Answer for a clip.

        Args:
            seconds: (n, features), n at least 1: the mean of each second's frames, of those that show a face.
        """
        fed = {"seconds": np.asarray(seconds, np.float32)}
        if self.sidecar.size_px:
            fed["image"] = np.zeros((1, self.sidecar.size_px, self.sidecar.size_px), np.uint8)
        names = ["logits", "affect", "attention", "second_logits", "second_affect"]
        logits, affect, attention, second_logits, second_affect = self._session.run(names, fed)
        scale = self.sidecar.temperature
        return ClipAnswer(
            softmax(logits[None], scale)[0].astype(np.float32),
            affect,
            attention,
            softmax(second_logits, scale).astype(np.float32),
            second_affect,
        )

    def mismatch(self) -> str | None:
        """Return where the graph isn't what the sidecar promises; None where it is."""
        side, labels = self.sidecar.size_px, len(self.sidecar.labels)
        inputs = {each.name: each.shape[1:] for each in self._session.get_inputs()}
        expected = {"seconds": [self.sidecar.features]} | ({"image": [side, side]} if side else {})
        if inputs != expected:
            return f"expected the inputs {expected}, received {inputs}"
        outputs = {each.name: each.shape for each in self._session.get_outputs()}
        if outputs.get("logits") != [labels] or "attention" not in outputs:
            return f"expected {labels} logits and the attention, received {', '.join(outputs)}"
        return None


def load_sentiment_network(name_or_path: str | Path = SHIPPED, *, threads: int = 1) -> SentimentNetwork:
    """Load a network of clips and check it against its sidecar.

    Args:
        name_or_path: the shipped one's name, or the path of an .onnx file with its sidecar beside it.
        threads: how many threads one run may use.

    Raises:
        ModelError: the file or its sidecar is missing, damaged or of another kind, or they don't fit.
    """
    shipped = str(name_or_path) == SHIPPED
    path = (
        Path(str(files("mien") / "models" / "videos")) / f"{SHIPPED}.onnx" if shipped else Path(name_or_path)
    )
    if not path.is_file() or path.suffix != ".onnx":
        raise ModelError(f"{path}: no such network; give {SHIPPED}, or the .onnx file that a training wrote")
    sidecar = _read_sidecar(path.with_suffix(".json"))
    graph = path.read_bytes()
    received = hashlib.sha256(graph).hexdigest()
    if received != sidecar.sha256:
        raise ModelError(f"{path}: damaged: expected sha256 {sidecar.sha256}, received {received}")
    if not shipped:
        check_whole(path, graph)
    try:
        network = SentimentNetwork(graph, sidecar, threads=threads)
    except NOT_A_GRAPH as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{path}: not an ONNX network that can be run: {reason}") from error
    if fault := network.mismatch():
        raise ModelError(f"{path}: {fault}; use the sidecar that was exported with it")
    return network


def _read_sidecar(path: Path) -> SentimentSidecar:
    try:
        return SentimentSidecar.model_validate_json(read_text(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: needs its sidecar beside it ({error})") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise ModelError(
            f"{path}: not the sidecar of a network of clips, as `mien train --recipe {SHIPPED}` writes it:"
            f" {where}: {first['msg']}"
        ) from error
