"""A network for clips at run time: what it sees of a clip, its facts, and what it says, in ONNX Runtime."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from mien.errors import ModelError
from mien.expression.calibration import softmax
from mien.expression.sidecar import TrainedOn, sidecar_path
from mien.measures.face3d import STANDARD_FACE
from mien.measures.pose import frontal, solve_pose
from mien.textfile import read_text
from mien.videos.clip import SIZE_PX, FaceClip

NOSE_TIP: Final = 30
"""The landmark that distances are measured from."""

DISTANCES: Final = 67
"""How many distances there are of one face: of all landmarks but the tip of the nose itself."""

LEAST_READ: Final = 4
"""With fewer steps read than this, a network says nothing about a clip."""

_OTHERS: Final = np.delete(np.arange(68), NOSE_TIP)
_USUAL: Final = np.linalg.norm(STANDARD_FACE[_OTHERS, :2] - STANDARD_FACE[NOSE_TIP, :2], axis=1)
_SCALE: Final = 10.0
"""Distances differ by a tenth of the eyes' distance; this makes that 1."""


class ClipSidecar(BaseModel):
    """The facts about a network for clips.

    Attributes:
        kind: that it is one.
        name: the network's.
        description: one line for people.
        label: what it tells from everything else.
        frames: steps that it sees of a clip.
        frames_per_second: that clips are read with.
        window_s: the usual length of the clips that it has learnt from; long videos are read in such pieces.
        answer: the output that counts.
        threshold: from this probability on, the label is said; chosen on the validation part.
        sha256: hash of the .onnx file.
        parameters: how many numbers were learned.
        data: what it was trained on.
        metrics: figures by the split that they were measured on.
        licence: under which terms the network may be used.
        versions: of the libraries that made it.
        created: when.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["clips"] = "clips"
    name: str = Field(min_length=1)
    description: str = ""
    label: str
    frames: int = Field(ge=2)
    frames_per_second: FiniteFloat = Field(gt=0)
    window_s: FiniteFloat = Field(gt=0)
    answer: str
    threshold: float = Field(0.5, ge=0, le=1)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    parameters: int = Field(ge=0)
    data: tuple[TrainedOn, ...] = ()
    metrics: dict[str, dict[str, FiniteFloat]] = {}
    licence: str = Field(min_length=1)
    versions: dict[str, str] = {}
    created: AwareDatetime


def nose_distances(landmarks: NDArray[np.floating]) -> NDArray[np.float32]:
    """Measure how far each landmark is from the tip of the nose, with the head turned to the front.

    Args:
        landmarks: (n, 68, 2) in pixels, finite.

    Returns:
        (n, 67) tenths of the distance between the outer corners of the eyes, less what the standard face has.
    """
    front = frontal(landmarks, solve_pose(landmarks))
    distances = np.linalg.norm(front[:, _OTHERS] - front[:, [NOSE_TIP]], axis=2)
    return np.asarray((distances - _USUAL) * _SCALE, np.float32)


def network_input(clip: FaceClip, frames: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | None:
    """Choose steps of a clip, evenly over those that were read, and return what a network sees of them.

    Args:
        clip: one face.
        frames: how many steps; where fewer were read, some are taken twice.

    Returns:
        Crops (frames, 64, 64) and distances (frames, 67); None where hardly anything was read.
    """
    known = np.flatnonzero(clip.present & np.isfinite(clip.landmarks).all(axis=(1, 2)))
    if len(known) < LEAST_READ:
        return None
    chosen = known[np.linspace(0, len(known) - 1, frames).round().astype(int)]
    return clip.crops[chosen], nose_distances(clip.landmarks[chosen])


class ClipNetwork:
    """A network for clips in ONNX Runtime.

    Attributes:
        sidecar: the facts about it.
    """

    def __init__(self, graph: bytes, sidecar: ClipSidecar, *, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.sidecar = sidecar
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def probabilities(
        self, crops: NDArray[np.uint8], distances: NDArray[np.float32]
    ) -> dict[str, NDArray[np.float64]]:
        """Return the probability of the label for n clips, (n,), by the names of the network's answers."""
        names = [output.name for output in self._session.get_outputs()]
        raw = self._session.run(names, {"crops": crops, "nose_distances": distances})
        return {name: softmax(logits)[:, 1] for name, logits in zip(names, raw, strict=True)}

    def mismatch(self) -> str | None:
        """Return where the graph isn't what the sidecar promises; None where it is."""
        frames = self.sidecar.frames
        wanted = {"crops": [frames, SIZE_PX, SIZE_PX], "nose_distances": [frames, DISTANCES]}
        received = {each.name: each.shape[1:] for each in self._session.get_inputs()}
        if received != wanted:
            return f"expected the inputs {wanted}, received {received}"
        outputs = [each.name for each in self._session.get_outputs()]
        return None if self.sidecar.answer in outputs else f"expected the output {self.sidecar.answer}"


def built_in_clip_networks() -> list[str]:
    """Name the networks for clips that come with Mien."""
    return sorted(path.stem for path in _models().glob("*.onnx"))


def load_clip_network(name_or_path: str | Path, threads: int = 1) -> ClipNetwork:
    """Load a network for clips and check it against its sidecar.

    Args:
        name_or_path: one of `built_in_clip_networks()`, or the path of an .onnx file with its sidecar beside.
        threads: how many threads one run may use.

    Raises:
        ModelError: the file or its sidecar is missing or damaged, or is no network for clips.
    """
    path = Path(name_or_path)
    if str(name_or_path) in built_in_clip_networks():
        path = _models() / f"{name_or_path}.onnx"
    elif path.suffix != ".onnx" or not path.is_file():
        raise ModelError(
            f"{name_or_path}: no such network for clips; train one (mien train CLIPS.csv --recipe"
            " happy-video) and give the path of its .onnx file"
        )
    place = sidecar_path(path)
    try:
        sidecar, graph = ClipSidecar.model_validate_json(read_text(place)), path.read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{place}: needs its sidecar beside it ({error})") from error
    except ValidationError as error:
        raise ModelError(f"{place}: not the sidecar of a network for clips") from error
    if hashlib.sha256(graph).hexdigest() != sidecar.sha256:
        raise ModelError(f"{path}: damaged, or another file than its sidecar's; get or train it again")
    try:
        network = ClipNetwork(graph, sidecar, threads=threads)
    except Exception as error:  # ONNX Runtime's errors have no common class
        raise ModelError(f"{path}: not an ONNX network that can be run: {error}") from error
    if fault := network.mismatch():
        raise ModelError(f"{path}: {fault}; use the sidecar that was written with it")
    return network


def _models() -> Path:
    return Path(str(files("mien") / "models" / "videos"))
