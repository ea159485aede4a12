"""A trained network at run time, in ONNX Runtime; checked against its sidecar before it says anything."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from mien.errors import ModelError
from mien.expression.calibration import logistic, softmax
from mien.expression.sidecar import CLIP_COMMANDS, Framing, Sidecar, read_sidecar, sidecar_path
from mien.labels import EMOTIONS, FERPLUS_VOTES
from mien.types import LANDMARKS
from mien.wording import reason

INPUT: Final = "image"
"""The name of a network's input, uint8 (n, size, size)."""
MAPS: Final = "maps"
"""The name of the output with one map for each class, (n, classes, height, width); a network may have it.

It is asked for only to explain a label, so it does not stand among the sidecar's outputs.
"""

OF_CLIPS: Final = {"happy-video": CLIP_COMMANDS["clips"], "video-sentiment": CLIP_COMMANDS["sentiment"]}
"""The names of networks that read whole clips, and the command that uses each."""

_OTHER_FRAMING: Final[dict[Framing, str]] = {
    "fer2013": "reads faces, not movements; `mien train CLIPS.csv --recipe micro` trains a network for these",
    "difference": "reads movements, not faces: use `mien micro VIDEO --network FILE.onnx`",
}
"""What is said of a network that takes other pictures than it would be shown."""

NOT_A_GRAPH = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a network says of n crops; None where it has no such output.

    Attributes:
        logits: (n, k) of the expression, one for each label of the sidecar.
        no_face: (n,) share of the ten votes for unknown or not a face that it expects, 0 to 1.
        fer2013: (n, 7) logits of FER-2013's classes.
        presence: (n,) probability that the crop shows a face.
        landmarks: (n, 68, 2) x and y as shares of the crop's side, from its left top corner.
        affect: (n, 2) valence and arousal, -1 to 1, as the network itself learned them.
    """

    logits: NDArray[np.float32]
    no_face: NDArray[np.float32] | None = None
    fer2013: NDArray[np.float32] | None = None
    presence: NDArray[np.float32] | None = None
    landmarks: NDArray[np.float32] | None = None
    affect: NDArray[np.float32] | None = None


class Network(Protocol):
    """What reads crops; `OnnxNetwork` is one, and a test's fake is a few lines."""

    @property
    def sidecar(self) -> Sidecar:
        """The facts about the network."""

    def answer(self, crops: NDArray[np.uint8]) -> Answers:
        """Read grey crops, uint8 (n, size, size); n may be 0."""

    def close(self) -> None:
        """Free the memory."""


class OnnxNetwork:
    """A network in ONNX Runtime, on the processor.

    Attributes:
        sidecar: the facts about it.
    """

    def __init__(self, graph: bytes, sidecar: Sidecar, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        # Idle threads that spin would take the processor from the decoding of the next frame.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self.sidecar = sidecar
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def answer(self, crops: NDArray[np.uint8]) -> Answers:
        """Read some crops, all in one run.

        Args:
            crops: uint8 (n, size, size) grey; n may be 0.

        Raises:
            ValueError: the crops have another size or type.
        """
        side = self.sidecar.size_px
        shape, dtype = crops.shape, crops.dtype
        if dtype != np.uint8 or shape[1:] != (side, side):
            raise ValueError(f"expected uint8 crops of shape (n, {side}, {side}), received {dtype} {shape}")
        if len(crops) == 0:
            raw = [np.empty((0, _width(self.sidecar, name)), np.float32) for name in self.sidecar.outputs]
        else:
            raw = self._session.run(list(self.sidecar.outputs), {INPUT: crops})
        return _answers(self.sidecar, dict(zip(self.sidecar.outputs, raw, strict=True)))

    def class_maps(self, crops: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Return one map for each class, of which the class's logit is the mean.

        Args:
            crops: uint8 (n, size, size) grey; n may be 0.

        Returns:
            (n, classes, height, width), the classes in the order of the expression's output; None where the
            network has none.
        """
        if MAPS not in {output.name for output in self._session.get_outputs()}:
            return None
        if len(crops) == 0:
            return np.empty((0, len(self.sidecar.labels), 1, 1), np.float32)
        return np.asarray(self._session.run([MAPS], {INPUT: crops})[0], np.float32)

    def warm_up(self) -> None:
        """Run once, so that the first face doesn't wait for memory to be laid out."""
        side = self.sidecar.size_px
        self.answer(np.zeros((1, side, side), np.uint8))

    def close(self) -> None:
        """Free the memory; the network can't be used any more."""
        del self._session

    def mismatch(self) -> str | None:
        """Return where the graph isn't what the sidecar promises; None where it is."""
        side, labels = self.sidecar.size_px, self.sidecar.labels
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        if [(i.name, i.type) for i in inputs] != [(INPUT, "tensor(uint8)")] or shape[1:] != [side, side]:
            received = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs)
            return f"expected the input {INPUT} uint8 (n, {side}, {side}), received {received}"
        there = {o.name: (o.type, o.shape[1:]) for o in outputs}
        for name in self.sidecar.outputs:
            if there.get(name) != ("tensor(float)", [_width(self.sidecar, name)]):
                received = ", ".join(f"{o.name} {o.type} {o.shape}" for o in outputs)
                return f"expected {_width(self.sidecar, name)} numbers of {name}, received {received}"
        maps = there.get(MAPS, ("", [0, 0, 0]))[1]
        if MAPS in there and (
            len(maps) != 3 or maps[0] != _width(self.sidecar, self.sidecar.expression_output)
        ):
            return f"expected {MAPS} of (n, {len(labels)}, height, width), received {['n', *maps]}"
        inside = self._session.get_modelmeta().custom_metadata_map.get("labels", ",".join(labels))
        if inside != ",".join(labels):
            return f"expected the labels {inside}, received a sidecar with {','.join(labels)}"
        return None


def _width(sidecar: Sidecar, name: str) -> int:
    """How many numbers an output has for each crop."""
    if name == "fer2013" and sidecar.fer2013 is not None:
        return len(sidecar.fer2013.labels)
    widths = {"votes": len(FERPLUS_VOTES), "presence": 1, "landmarks": 2 * LANDMARKS, "affect": 2}
    return widths.get(name, len(sidecar.labels))


def _answers(sidecar: Sidecar, raw: dict[str, NDArray[np.float32]]) -> Answers:
    expression = raw[sidecar.expression_output]
    no_face = presence = landmarks = None
    if sidecar.expression_output == "votes":
        no_face = softmax(expression)[:, len(EMOTIONS) :].sum(axis=1).astype(np.float32)
    if sidecar.presence is not None:
        scale = sidecar.presence
        presence = logistic(scale.slope * raw["presence"][:, 0] + scale.offset).astype(np.float32)
    if "landmarks" in raw:
        landmarks = raw["landmarks"].reshape(-1, LANDMARKS, 2)
    logits = expression[:, : len(sidecar.labels)]
    return Answers(logits, no_face, raw.get("fer2013"), presence, landmarks, raw.get("affect"))


def built_in_networks() -> list[str]:
    """Name the networks that come with Mien."""
    return sorted(path.stem for path in _models().glob("*.onnx"))


def load_network(name_or_path: str | Path, threads: int = 1, *, framing: Framing = "fer2013") -> OnnxNetwork:
    """Load a network and check it against its sidecar.

    Args:
        name_or_path: one of `built_in_networks()`, or the path of an .onnx file with its sidecar beside it.
        threads: how many threads one run may use.
        framing: what it is going to be shown.

    Raises:
        ModelError: the file or its sidecar is missing or damaged, they don't fit each other, or the network
            takes other pictures.
    """
    path = find_network(name_or_path)
    graph, sidecar = read_graph(path)
    if sidecar.input.framing != framing:
        raise ModelError(f"{path}: {_OTHER_FRAMING[sidecar.input.framing]}")
    try:
        network = OnnxNetwork(graph, sidecar, threads=threads)
    except NOT_A_GRAPH as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{path}: not an ONNX network that can be run: {reason}") from error
    if fault := network.mismatch():
        raise ModelError(f"{path}: {fault}; use the sidecar that was exported with it")
    return network


def read_graph(path: Path) -> tuple[bytes, Sidecar]:
    """Read a network's file once, and check what was read; what is run has to be these bytes.

    Args:
        path: of the .onnx file, with its sidecar beside it.

    Raises:
        ModelError: the file or its sidecar is missing or damaged, or the file leads to others.
    """
    sidecar = read_sidecar(sidecar_path(path))
    try:
        graph = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {reason(error)}") from error
    received = hashlib.sha256(graph).hexdigest()
    if received != sidecar.sha256:
        raise ModelError(
            f"{path}: damaged: expected sha256 {sidecar.sha256}, received {received}; get or export it again"
        )
    if path.parent != _models():  # ours are known to be whole, and need not wait for `onnx`
        check_whole(path, graph)
    return graph, sidecar


def check_whole(path: Path, graph: bytes) -> None:
    """Check that a graph keeps its numbers in itself: ONNX lets it name any file of this machine instead.

    Raises:
        ModelError: it does not, or it is no graph.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.ModelProto.FromString(graph)
    except DecodeError as error:
        raise ModelError(f"{path}: not an ONNX network that can be run: it can't be parsed") from error
    if _leads_elsewhere(model):
        raise ModelError(
            f"{path}: its weights are in other files, which are not read: save it as one file"
            " (onnx.save without save_as_external_data)"
        )


def _leads_elsewhere(message: Any) -> bool:
    from onnx import TensorProto

    if isinstance(message, TensorProto):
        return message.data_location == TensorProto.EXTERNAL or bool(message.external_data)
    parts = [value for field, value in message.ListFields() if field.message_type is not None]
    lists = [[part] if hasattr(part, "ListFields") else part for part in parts]
    return any(_leads_elsewhere(each) for one in lists for each in one)


def find_network(name_or_path: str | Path) -> Path:
    """Find a network's .onnx file; a built-in name goes before a file of that name.

    Raises:
        ModelError: there is none.
    """
    if str(name_or_path) in built_in_networks():
        return _models() / f"{name_or_path}.onnx"
    if (command := OF_CLIPS.get(str(name_or_path))) is not None:
        raise ModelError(f"{name_or_path} reads whole clips, not single faces: use `{command} VIDEO`")
    path = Path(name_or_path)
    if not path.is_file():
        names = ", ".join(built_in_networks()) or "none"
        raise ModelError(f"{path}: no such network; built in: {names}; or give the path of an .onnx file")
    if path.suffix != ".onnx":
        raise ModelError(f"{path}: expected a network file ending in .onnx")
    return path


def _models() -> Path:
    return Path(str(files("mien") / "models"))
