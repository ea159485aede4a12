"""Trained networks whose answers another network learns from."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mien.errors import DatasetError, ModelError
from mien.expression.calibration import softmax
from mien.expression.network import INPUT, read_graph
from mien.expression.sidecar import TrainedOn
from mien.files import written_whole
from mien.processors import usable_cores
from mien.train.backend import load_keras
from mien.train.targets import Arrays

TAUGHT: Final = "taught.npz"
_HEADS: Final = ("votes", "fer2013")
_BATCH: Final = 256

Ask = Callable[[Any], dict[str, Any]]


class Teachers:
    """Networks that are asked about the images that their pupil learns from; their mean counts.

    Each is read once. On a graphics card a teacher answers there, from the .keras file that its run left
    beside the .onnx file; one that has none, such as those that come with Mien, answers on the processor.

    Args:
        paths: .onnx files with their sidecars.
        size_px: side of the images.
        device: torch's name of the card; None for the processor.

    Attributes:
        hashes: of the .onnx files, in their order.
        facts: what a sidecar says of them.

    Raises:
        ModelError: one can't be read, takes images of another size, or has no such answers.
    """

    def __init__(self, paths: Sequence[Path], size_px: int, *, device: str | None = None) -> None:
        asked, facts = [], []
        for path in paths:
            graph, sidecar = read_graph(path)
            if not set(_HEADS) <= set(sidecar.outputs) or sidecar.size_px != size_px:
                raise ModelError(
                    f"{path}: expected a teacher with votes and fer2013 of {size_px} pixels, received one"
                    f" with {', '.join(sidecar.outputs)} of {sidecar.size_px}"
                )
            if device is None:
                asked.append(_on_processor(graph))
            elif path.with_suffix(".keras").is_file():
                asked.append(_on_device(path))
            else:
                asked.append(_from_device(_on_processor(graph)))
            name, terms = f"answers of {path.stem} (teacher)", f"those of {path.stem}: {sidecar.licence}"
            facts.append(TrainedOn(name=name, terms=terms, sha256=sidecar.sha256))
        self._asked: Sequence[Ask] = asked
        self.facts = tuple(facts)
        self.hashes = tuple(str(fact.sha256) for fact in facts)

    def __len__(self) -> int:
        return len(self.hashes)

    def ask(self, images: Any) -> dict[str, Any]:
        """Return probabilities `votes` (n, 10) and `fer2013` (n, 7) of images (n, size, size).

        Args:
            images: uint8 array; on a graphics card a float32 tensor, as the answers are then.
        """
        said = [ask(images) for ask in self._asked]
        return {name: sum(one[name] for one in said) / len(said) for name in _HEADS}

    def ask_once(self, images: NDArray[np.uint8], folder: Path) -> Arrays:
        """Ask about every face and its mirror image, once for a run.

        The answers are kept in the run's folder, since a resumed run has to learn the very same.

        Args:
            images: (n, size, size) uint8, the training faces.
            folder: the run's.

        Returns:
            Probabilities `votes` (n, 10) and `fer2013` (n, 7), as they come, without calibration.

        Raises:
            DatasetError: the folder holds the answers of others, or about other faces.
            OutputError: the answers can't be written.
        """
        kept = _read(folder / TAUGHT)
        if kept is not None:
            if tuple(kept["teachers"]) != self.hashes or len(kept["votes"]) != len(images):
                raise DatasetError(
                    f"{folder}: holds the answers of other teachers or about other faces; choose another"
                    " --out, or remove it"
                )
            return {name: kept[name] for name in _HEADS}
        parts = []
        for start in range(0, len(images), _BATCH):
            part = images[start : start + _BATCH]
            sides = [self.ask(side) for side in (part, part[:, :, ::-1].copy())]
            parts.append({name: np.mean([side[name] for side in sides], axis=0) for name in _HEADS})
        taught = {name: np.concatenate([part[name] for part in parts]) for name in _HEADS}
        with written_whole(folder / TAUGHT) as temporary:
            np.savez(temporary, teachers=np.array(self.hashes), **taught)  # type: ignore[arg-type]
        return taught


def _on_processor(graph: bytes) -> Ask:
    options = onnxruntime.SessionOptions()
    # Threads that spin while they wait would take the processor from the training itself.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.intra_op_num_threads = usable_cores()
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def ask(images: NDArray[np.uint8]) -> Arrays:
        said = session.run(list(_HEADS), {INPUT: images})
        return {name: softmax(one).astype(np.float32) for name, one in zip(_HEADS, said, strict=True)}

    return ask


def _on_device(teacher: Path) -> Ask:
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


def _from_device(ask: Ask) -> Ask:
    """Let a teacher on the processor answer about images on a graphics card."""
    import torch

    def asked(images: Any) -> dict[str, Any]:
        said = ask(images.round().to(torch.uint8).cpu().numpy())
        return {name: torch.from_numpy(one).to(images.device) for name, one in said.items()}

    return asked


def _read(path: Path) -> dict[str, NDArray[Any]] | None:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in ("teachers", *_HEADS)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
