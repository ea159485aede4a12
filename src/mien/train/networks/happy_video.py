"""HappyER-DDF, happy or not from a clip: a reconstruction after Samadiani, Huang, Hu, Li (2021).

    Samadiani, N., Huang, G., Hu, Y., & Li, X. (2021). Happy emotion recognition from unconstrained videos
    using 3D hybrid deep features. IEEE Access, 9, 35524-35538. https://doi.org/10.1109/ACCESS.2021.3061744

    crops      each step, and what differs from the clip's mean: conv 3x5x5, pool, a 3-D inception-residual
               block, a convolution that halves, another block; the mean of each step's map, then an LSTM
    distances  of each landmark to the tip of the nose: the mean over the steps, and how far above and below
               it they go; two dense layers
    fused      `features`: a dense layer over both; `decisions`: the mean of both branches' logits

Known, from the paper's abstract: a hybrid 3-D Inception-ResNet with an LSTM; the distance of each landmark to
a reference point such as the tip of the nose, whose changes a smile brings; fusion of features and of
decisions.

Chosen by us, as the paper's tables are not at hand: one block of each kind where the paper stacks many (the
file stays below 1 MB, and a processor trains it), widths, normalisation, the mean taken off, and the three
answers learnt at once, so that the branches that answer alone have seen the fusion's gradient as well.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from mien.train.backend import batch_normalization, load_keras
from mien.train.networks.spec import ClipSpec

_MOMENTUM: Final = 0.9
"""Of the normalisations: a few hundred clips give a few hundred steps."""


class HappyVideo(ClipSpec):
    """What a recipe may choose.

    Attributes:
        architecture: its name.
        widths: channels of the two inception-residual blocks; the stem has those of the first.
        branch: channels of each branch in a block.
        units: of the LSTM, and of the dense layers over the distances.
        dropout: share of features that is dropped before each answer.
    """

    architecture: Literal["happy-video"] = "happy-video"
    widths: tuple[int, int] = (16, 48)
    branch: int = Field(8, ge=1)
    units: int = Field(48, ge=4)
    dropout: float = Field(0.3, ge=0, lt=1)

    answers: ClassVar[tuple[str, ...]] = ("features", "decisions", "frames", "distances")

    def build(self, *, frames: int, size_px: int, distances: int, classes: int, layout: str) -> Any:
        """See `ClipSpec.build`."""
        keras = load_keras()
        layers = keras.layers
        crops = keras.Input((frames, size_px, size_px), name="crops")
        measured = keras.Input((frames, distances), name="nose_distances")
        seen = layers.Dropout(self.dropout)(self._frames_branch(crops, frames, size_px, layout))
        flat = _changes(measured, frames, distances, layout)
        for number in (1, 2):
            flat = layers.Dense(self.units, activation="relu", name=f"distances_dense{number}")(flat)
            flat = layers.Dropout(self.dropout)(flat)
        both = layers.Concatenate(name="both")([seen, flat])
        both = layers.Dropout(self.dropout)(
            layers.Dense(self.units, activation="relu", name="both_dense")(both)
        )
        alone = [
            layers.Dense(classes, name="frames")(seen),
            layers.Dense(classes, name="distances")(flat),
        ]
        mean = layers.Rescaling(0.5, name="decisions")(layers.Add(name="sum")(alone))
        answers = {
            "features": layers.Dense(classes, name="features")(both),
            "decisions": mean,
            "frames": alone[0],
            "distances": alone[1],
        }
        return keras.Model([crops, measured], answers, name="happy_video")

    def _frames_branch(self, crops: Any, frames: int, size_px: int, layout: str) -> Any:
        layers = load_keras().layers
        first = layout == "channels_first"
        x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(crops)
        shape = (frames, size_px, size_px)
        x = layers.Reshape((1, *shape) if first else (*shape, 1), name="channel")(x)
        usual = layers.AveragePooling3D((frames, 1, 1), data_format=layout, name="usual")(x)
        changed = layers.Subtract(name="changed")([x, usual])
        x = layers.Concatenate(axis=1 if first else -1, name="seen")([x, changed])
        x = _convolved(x, self.widths[0], (3, 5, 5), "stem", layout, strides=(1, 2, 2))
        x = layers.MaxPooling3D((1, 2, 2), data_format=layout, name="stem_pool")(x)
        x = _block(x, self.branch, self.widths[0], "block1", layout)
        x = _convolved(x, self.widths[1], (3, 3, 3), "reduce", layout, strides=(2, 2, 2))
        x = _block(x, self.branch, self.widths[1], "block2", layout)
        steps, side = x.shape[2:4] if first else x.shape[1:3]
        x = layers.AveragePooling3D((1, side, side), data_format=layout, name="means")(x)
        if first:
            x = layers.Permute((2, 1), name="steps")(layers.Reshape((self.widths[1], steps), name="maps")(x))
        else:
            x = layers.Reshape((steps, self.widths[1]), name="steps")(x)
        return layers.LSTM(self.units, name="lstm")(x)


def _changes(measured: Any, frames: int, distances: int, layout: str) -> Any:
    """The mean of each distance over the steps, and how far above and below it they go; normalised."""
    layers = load_keras().layers
    shape = (1, frames, distances, 1) if layout == "channels_first" else (frames, distances, 1, 1)
    x = layers.Reshape(shape, name="distances_map")(measured)

    def pooled(kind: str, what: Any, name: str) -> Any:
        over = getattr(layers, f"{kind}Pooling3D")((frames, 1, 1), data_format=layout, name=name)
        return layers.Flatten(name=f"{name}_flat")(over(what))

    mean = pooled("Average", x, "distances_mean")
    most = pooled("Max", x, "distances_most")
    least = pooled("Max", layers.Rescaling(-1.0, name="distances_negative")(x), "distances_least")
    above = layers.Subtract(name="distances_above")([most, mean])
    below = layers.Add(name="distances_below")([least, mean])
    joined = layers.Concatenate(name="distances_changes")([mean, above, below])
    return batch_normalization("distances_bn", axis=1, momentum=_MOMENTUM)(joined)


def _convolved(
    x: Any, channels: int, kernel: tuple[int, int, int], name: str, layout: str, *, strides: Any = 1
) -> Any:
    layers = load_keras().layers
    axis = 1 if layout == "channels_first" else -1
    x = layers.Conv3D(
        channels, kernel, strides=strides, padding="same", use_bias=False, data_format=layout, name=name
    )(x)
    x = batch_normalization(f"{name}_bn", axis=axis, momentum=_MOMENTUM)(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _block(x: Any, branch: int, channels: int, name: str, layout: str) -> Any:
    """Three branches of one, two and three convolutions, joined, brought back, and added to what came in.

    Source: Szegedy, Ioffe, Vanhoucke, Alemi (2017), Inception-v4 (block A), with a third axis as in Hasani &
    Mahoor (2017), arXiv:1705.07871.
    """
    layers = load_keras().layers
    axis = 1 if layout == "channels_first" else -1
    branches = []
    for depth in (0, 1, 2):
        y = _convolved(x, branch, (1, 1, 1), f"{name}_{depth}_in", layout)
        for number in range(depth):
            y = _convolved(y, branch, (3, 3, 3), f"{name}_{depth}_{number}", layout)
        branches.append(y)
    y = layers.Concatenate(axis=axis, name=f"{name}_join")(branches)
    y = layers.Conv3D(channels, 1, data_format=layout, name=f"{name}_out")(y)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([x, y]))
