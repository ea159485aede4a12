"""What trained networks say of the training faces, for a smaller network to learn from."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mien.errors import DatasetError, ModelError
from mien.expression.calibration import softmax
from mien.expression.network import INPUT, load_network, read_graph
from mien.expression.sidecar import TrainedOn
from mien.files import sha256_of, written_whole
from mien.processors import usable_cores
from mien.train.backend import load_keras
from mien.train.joint.batches import Outputs

TAUGHT = "taught.npz"
_HEADS = ("votes", "fer2013")
_BATCH = 256


def taught_by(teachers: Sequence[Path], images: NDArray[np.uint8], *, folder: Path) -> Outputs | None:
    """Ask the teachers, each about every face and its mirror image, and take the mean.

    The answers are kept in the run's folder, since a resumed run has to learn the very same.

    Args:
        teachers: .onnx files with their sidecars.
        images: (n, size, size) uint8, the training faces.
        folder: the run's.

    Returns:
        Probabilities `votes` (n, 10) and `fer2013` (n, 7), as they come, without calibration; None without
        teachers.

    Raises:
        DatasetError: the folder holds the answers of others, or about other faces.
        ModelError: one can't be read, takes images of another size, or has no such answers.
        OutputError: the answers can't be written.
    """
    if not teachers:
        return None
    hashes = np.array([sha256_of(_checked(teacher, images.shape[1])) for teacher in teachers])
    kept = _read(folder / TAUGHT)
    if kept is not None:
        if not np.array_equal(kept["teachers"], hashes) or len(kept["votes"]) != len(images):
            raise DatasetError(
                f"{folder}: holds the answers of other teachers or about other faces; choose another --out,"
                " or remove it"
            )
        return {name: kept[name] for name in _HEADS}
    said = [_ask(teacher, images) for teacher in teachers]
    taught = {name: np.mean([one[name] for one in said], axis=0).astype(np.float32) for name in _HEADS}
    with written_whole(folder / TAUGHT) as temporary:
        np.savez(temporary, teachers=hashes, **taught)
    return taught


class Teachers:
    """Networks that are asked about every image that their pupil learns from; their mean counts.

    On a graphics card a teacher answers there, from the .keras file that its run left beside the .onnx file.

    Args:
        teachers: .onnx files with their sidecars, at least one.
        size_px: side of the images.
        device: torch's name of the card; None for the processor.

    Attributes:
        hashes: of the .onnx files, in their order.

    Raises:
        ModelError: one can't be read, takes images of another size, or has no such answers.
    """

    def __init__(self, teachers: Sequence[Path], size_px: int, *, device: str | None = None) -> None:
        self.hashes = tuple(sha256_of(_checked(teacher, size_px)) for teacher in teachers)
        self._ask = [_on_device(teacher) if device else _on_processor(teacher) for teacher in teachers]

    def ask(self, images: Any) -> dict[str, Any]:
        """Give probabilities `votes` (n, 10) and `fer2013` (n, 7) of images (n, size, size).

        Args:
            images: uint8 array; on a graphics card a float32 tensor, as the answers are then.
        """
        said = [ask(images) for ask in self._ask]
        return {name: sum(one[name] for one in said) / len(said) for name in _HEADS}


def _on_processor(teacher: Path) -> Callable[[NDArray[np.uint8]], Outputs]:
    options = onnxruntime.SessionOptions()
    # Threads that spin while they wait would take the processor from the training itself.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.intra_op_num_threads = usable_cores()
    session = onnxruntime.InferenceSession(
        read_graph(teacher)[0], options, providers=["CPUExecutionProvider"]
    )

    def ask(images: NDArray[np.uint8]) -> Outputs:
        said = session.run(list(_HEADS), {INPUT: images})
        return {name: softmax(one).astype(np.float32) for name, one in zip(_HEADS, said, strict=True)}

    return ask


def _on_device(teacher: Path) -> Callable[[Any], dict[str, Any]]:
    import torch

    path = teacher.with_suffix(".keras")
    try:
        model = load_keras().saving.load_model(path, compile=False)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path}: on a graphics card a teacher answers from its .keras file ({error})"
        ) from error

    def ask(images: Any) -> dict[str, Any]:
        with torch.no_grad():
            said = model(images[..., None], training=False)
        return {name: torch.softmax(said[name].float(), dim=1) for name in _HEADS}

    return ask


def teachers_facts(teachers: Sequence[Path]) -> tuple[TrainedOn, ...]:
    """Name the teachers among what a network was trained on."""
    return tuple(
        TrainedOn(
            name=f"answers of {teacher.stem} (teacher)",
            terms=f"those of {teacher.stem}: {load_network(teacher).sidecar.licence}",
            sha256=sha256_of(teacher),
        )
        for teacher in teachers
    )


def _checked(teacher: Path, size_px: int) -> Path:
    sidecar = load_network(teacher).sidecar
    if not set(_HEADS) <= set(sidecar.outputs) or sidecar.size_px != size_px:
        raise ModelError(
            f"{teacher}: expected a teacher with votes and fer2013 of {size_px} pixels, received one with"
            f" {', '.join(sidecar.outputs)} of {sidecar.size_px}"
        )
    return teacher


def _ask(teacher: Path, images: NDArray[np.uint8]) -> Outputs:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    session = onnxruntime.InferenceSession(
        read_graph(teacher)[0], options, providers=["CPUExecutionProvider"]
    )
    said: dict[str, list[NDArray[np.float64]]] = {name: [] for name in _HEADS}
    for start in range(0, len(images), _BATCH):
        part = images[start : start + _BATCH]
        sides = [session.run(list(_HEADS), {INPUT: side}) for side in (part, part[:, :, ::-1].copy())]
        for place, name in enumerate(_HEADS):
            said[name].append(np.mean([softmax(side[place]) for side in sides], axis=0))
    return {name: np.concatenate(parts).astype(np.float32) for name, parts in said.items()}


def _read(path: Path) -> dict[str, NDArray[np.float32]] | None:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in ("teachers", *_HEADS)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
