"""Which network a recipe for one label set trains: one part for each architecture."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field, ValidationError
from pydantic_core import InitErrorDetails

from mien.train.recipe_parts import RecipePart


class ArchitecturePart(RecipePart):
    """What the parts of all architectures have in common."""

    @property
    def from_imagenet(self) -> bool:
        """Whether a part of the network starts from ImageNet's weights."""
        return False


class NetworkPart(ArchitecturePart):
    """The network of `networks/mobilenet.py`.

    Attributes:
        architecture: a file in `train/networks`.
        last_block: the backbone ends after this block; what stands behind is removed.
        stem_stride: stride of the first convolution; 1 keeps the resolution of small faces.
        weights: start the backbone from ImageNet, or from chance.
        dense: width of the new dense layer.
        dropout: share of features dropped before each new layer.
    """

    architecture: Literal["mobilenet"] = "mobilenet"
    last_block: int = Field(11, ge=1, le=13)
    stem_stride: Literal[1, 2] = 1
    weights: Literal["imagenet", "random"] = "imagenet"
    dense: int = Field(128, ge=8)
    dropout: float = Field(0.3, ge=0, lt=1)

    @property
    def from_imagenet(self) -> bool:
        """Whether the backbone starts from ImageNet's weights."""
        return self.weights == "imagenet"


class ZhouPart(ArchitecturePart):
    """The network of `networks/zhou.py`, which is always the same."""

    architecture: Literal["zhou"]


class ShcnnPart(ArchitecturePart):
    """The network of `networks/shcnn.py`.

    Attributes:
        architecture: its name.
        widths: channels of the three convolutions.
        dense: width of the dense layer behind them.
        dropout: share of its features that is dropped before the answers.
    """

    architecture: Literal["shcnn"]
    widths: tuple[int, int, int] = (48, 96, 128)
    dense: int = Field(64, ge=8)
    dropout: float = Field(0.3, ge=0, lt=1)


class EdgesPart(ArchitecturePart):
    """The network of `networks/edges.py`.

    Attributes:
        architecture: its name.
        edges: where the edges of the image are laid over: nowhere, over the image, or over the feature maps
            of every layer.
        bank: which kernels find them.
        widths: channels of the three convolutions.
        dense: width of the dense layer behind them.
        dropout: share of its features that is dropped before the answers.
    """

    architecture: Literal["edges"]
    edges: Literal["none", "input", "every layer"] = "every layer"
    bank: Literal["kirsch", "sobel"] = "kirsch"
    widths: tuple[int, int, int] = (32, 64, 128)
    dense: int = Field(64, ge=8)
    dropout: float = Field(0.3, ge=0, lt=1)


class ScepPart(ArchitecturePart):
    """The network of `networks/scep.py`.

    Attributes:
        architecture: its name.
        backbone: what the attention stands on.
        attention: which kinds there are.
        squeeze: channels for each hidden number of the channel attention.
        last_block: MobileNet ends after this block.
        weights: start MobileNet from ImageNet, or from chance; the VGG-like backbone starts from chance.
        dropout: share of channels dropped before the answers.
        affect_weight: weight of the loss of valence and arousal, against 1 for that of the classes.
    """

    architecture: Literal["scep"]
    backbone: Literal["vgg", "mobilenet"] = "vgg"
    attention: Literal["none", "channel", "spatial", "both"] = "both"
    squeeze: int = Field(8, ge=1)
    last_block: int = Field(11, ge=1, le=13)
    weights: Literal["imagenet", "random"] = "imagenet"
    dropout: float = Field(0.3, ge=0, lt=1)
    affect_weight: float = Field(1.0, ge=0)

    @property
    def from_imagenet(self) -> bool:
        """Whether the backbone starts from ImageNet's weights."""
        return self.backbone == "mobilenet" and self.weights == "imagenet"


AnyNetworkPart = NetworkPart | ZhouPart | ShcnnPart | EdgesPart | ScepPart

PARTS: Final[dict[str, type[AnyNetworkPart]]] = {
    "mobilenet": NetworkPart,
    "zhou": ZhouPart,
    "shcnn": ShcnnPart,
    "edges": EdgesPart,
    "scep": ScepPart,
}
"""The part of each architecture, by the name that a recipe calls it."""


def network_part(fields: Any) -> Any:
    """Check a recipe's choice of a network against the part of its architecture.

    Args:
        fields: values by name, without `architecture` those of MobileNet; or a part, which is given back.

    Raises:
        ValidationError: the architecture is unknown, or a value is out of range.
    """
    if isinstance(fields, ArchitecturePart):
        return fields
    name = fields.get("architecture", "mobilenet") if isinstance(fields, dict) else "mobilenet"
    if name not in PARTS:
        expected = ", ".join(f"'{each}'" for each in PARTS)
        wrong = InitErrorDetails(
            type="literal_error", loc=("architecture",), input=name, ctx={"expected": expected}
        )
        raise ValidationError.from_exception_data("network", [wrong])
    return PARTS[name].model_validate(fields)
