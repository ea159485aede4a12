"""A jointly trained network as it is given away: Keras's own layers, 32 bits, and as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.expression.sidecar import OutputName
from mien.files import written_whole
from mien.labels import EMOTIONS
from mien.train.backend import copy_weights
from mien.train.checkpoint import LoopState, read_checkpoint
from mien.train.export import write_network
from mien.train.joint.fit import build
from mien.train.joint.recipe import JointRecipe
from mien.train.loop import CHECKPOINT
from mien.train.to_onnx import to_onnx

OUTPUTS: Final[tuple[OutputName, ...]] = ("votes", "fer2013", "presence", "landmarks")
"""The answers in the order of the exported graph's outputs."""


def outputs_of(model: Any) -> tuple[OutputName, ...]:
    """Name the answers that a Keras network has, in the order of `OUTPUTS`."""
    return tuple(name for name in OUTPUTS if name in model.output)


def deploy(model: Any, recipe: JointRecipe) -> Any:
    """Build the network as it is given away: channels last, 32 bits, with the trained weights."""
    landmarks = "landmarks" in model.output
    return copy_weights(model, build(recipe, landmarks=landmarks, layout="channels_last"))


def averaged_network(recipe: JointRecipe, folder: Path) -> tuple[Any, LoopState]:
    """Read the network from a run's checkpoint, whether or not the run is finished.

    Args:
        recipe: the run's.
        folder: the run's.

    Returns:
        A Keras network with the running average of the weights, and where the loop stood.

    Raises:
        DatasetError: there is no checkpoint yet, or it is another network's.
    """
    state, arrays = read_checkpoint(folder / CHECKPOINT)
    average = arrays["average"]
    for landmarks in (True, False):
        model = build(recipe, landmarks=landmarks)
        if [weight.shape for weight in average] == [weight.shape for weight in model.get_weights()]:
            model.set_weights(average)
            return model, state
    raise DatasetError(f"{folder / CHECKPOINT}: holds another network than the recipe {recipe.name}")


def write_deployed(
    deployed: Any, folder: Path, name: str, images: NDArray[np.uint8]
) -> tuple[Path, bytes, float]:
    """Write NAME.keras and NAME.onnx, with weights of 16 bits.

    Args:
        deployed: what `deploy` gives.
        folder: where they go.
        name: of the network.
        images: (n, size, size) uint8, faces to compare the answers on.

    Returns:
        The .onnx file; its bytes with 32 bits; the largest difference of an answer between Keras and ONNX.

    Raises:
        ModelError: they answer differently.
        OutputError: a file can't be written.
    """
    with written_whole(folder / f"{name}.keras") as temporary:
        deployed.save(temporary)
    network = folder / f"{name}.onnx"
    outputs = outputs_of(deployed)
    difference = write_network(deployed, network, name=name, labels=EMOTIONS, images=images, outputs=outputs)
    single = to_onnx(deployed, name=name, labels=EMOTIONS, outputs=outputs).SerializeToString()
    return network, single, difference
