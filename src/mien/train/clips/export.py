"""A network for clips as ONNX: two inputs, crops and distances, and one output for each answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from mien.errors import ModelError
from mien.train.backend import copy_weights
from mien.train.clip_recipe import ClipRecipe
from mien.train.clips.faces import ClipFaces
from mien.train.clips.fit import predict
from mien.train.export import clip_layers  # noqa: F401  (registers its layers)
from mien.train.export.graph import Graph, Value
from mien.train.export.to_onnx import KERAS_LIMIT, written
from mien.videos.clip import SIZE_PX
from mien.videos.clip_network import DISTANCES, ClipNetwork, ClipSidecar


def clips_to_onnx(model: Any, recipe: ClipRecipe) -> onnx.ModelProto:
    """Write a trained network for clips as an ONNX graph.

    Args:
        model: of `fit`, on any backend.
        recipe: that it was built by.

    Returns:
        A graph from `crops`, uint8 (n, frames, 64, 64), and `nose_distances`, float32 (n, frames, 67), to the
        logits of each answer, (n, 2): of everything else, and of the label.
    """
    plain = copy_weights(model, recipe.build(distances=DISTANCES, size_px=SIZE_PX, layout="channels_first"))
    graph, frames = Graph(), recipe.data.frames
    shapes = {"crops": (frames, SIZE_PX, SIZE_PX), "nose_distances": (frames, DISTANCES)}
    kinds = {"crops": TensorProto.UINT8, "nose_distances": TensorProto.FLOAT}
    begun = [
        Value(graph.add("Cast", "crops", to=TensorProto.FLOAT), shapes["crops"]),
        Value("nose_distances", shapes["nose_distances"]),
    ]
    outputs = written(graph, plain, begun, recipe.network.answers)
    graph.fold_normalisations()
    return graph.build(recipe.name, {name: (kinds[name], shapes[name]) for name in shapes}, outputs)


def check_clips_against_keras(model: Any, graph: bytes, sidecar: ClipSidecar, faces: ClipFaces) -> float:
    """Make sure that the exported network answers as Keras does.

    Returns:
        The largest difference of a probability.

    Raises:
        ModelError: it is above `KERAS_LIMIT`.
    """
    said = ClipNetwork(graph, sidecar).probabilities(faces.crops, faces.distances)
    difference = 0.0
    for name, logits in predict(model, faces).items():
        wanted = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
        difference = max(difference, float(np.abs(said[name] - wanted).max()))
    if not difference <= KERAS_LIMIT:
        raise ModelError(
            f"the exported network differs from Keras by {difference:.3g}, expected {KERAS_LIMIT}"
        )
    return difference
