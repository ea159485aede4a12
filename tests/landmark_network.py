"""A network that finds the same face in every crop: the standard one, turned as asked for, and neutral."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from measures.synthetic import seen
from mien.labels import EMOTIONS, FERPLUS_VOTES
from tiny_network import answers_graph, save_tiny


def save_landmark_network(folder: Path, *, yaw: float = 0, pitch: float = 0, roll: float = 0) -> Path:
    """Write the network and its sidecar; gives the .onnx file."""
    shares = seen(yaw=yaw, pitch=pitch, roll=roll, scale=0.5, shift=(0.5, 0.4))
    votes = np.where(np.array(FERPLUS_VOTES) == "neutral", 9.0, 0.0)
    answers = {"votes": votes, "presence": np.array([9.0]), "landmarks": shares.ravel()}
    graph = answers_graph(answers, constant=True)
    return save_tiny(folder, graph, "finds", labels=EMOTIONS, outputs=tuple(answers), presence={})
