"""A network of one's own that says which label a short movement resembles, by its difference picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mien.errors import ModelError
from mien.expression.calibration import softmax
from mien.expression.network import Network, OnnxNetwork, load_network
from mien.videos.micro_motion import Way
from mien.videos.micro_picture import Moment, differences_along


def load_micro_network(path: str | Path) -> OnnxNetwork:
    """Load a network that takes difference pictures; none comes with Mien.

    Args:
        path: of its .onnx file, with the sidecar beside it.

    Raises:
        ModelError: the file or its sidecar is missing or damaged, or the network takes faces.
    """
    if not Path(path).is_file():
        raise ModelError(
            f"{path}: no such network for movements; train one (`mien train CLIPS.csv --recipe micro`) and"
            " give the path of its .onnx file"
        )
    return load_network(path, framing="difference")


def label_probabilities(
    network: Network,
    path: str | Path,
    moments: Sequence[Moment],
    followed: Sequence[Way],
    *,
    progress: Callable[[float], None] = lambda share: None,
) -> list[dict[str, float] | None]:
    """Read a film once more, and return how probable each label of each movement is.

    Args:
        network: of `load_micro_network`.
        path: of the film.
        moments: of the movements: onset and apex in seconds.
        followed: the face's ways in the film.
        progress: called with the share that is done, 0 to 1.

    Returns:
        For each movement its labels' probabilities, which sum to 1, in the sidecar's order; None where
        no face is followed from the onset to the apex.

    Raises:
        SourceError: the film can't be read.
    """
    facts = network.sidecar
    assert facts.input.gain is not None  # as its framing is "difference"
    pictures = differences_along(
        path, moments, followed, size_px=facts.input.size_px, gain=facts.input.gain, progress=progress
    )
    # One by one: a long film may have many movements, and a network takes little time for each.
    said = [
        None if each is None else softmax(network.answer(each[None]).logits, facts.temperature, facts.bias)[0]
        for each in pictures
    ]
    return [None if row is None else dict(zip(facts.labels, row.tolist(), strict=True)) for row in said]
