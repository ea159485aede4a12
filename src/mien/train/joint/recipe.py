"""A recipe of joint training: all that decides what a run gives, in one TOML file to copy and change."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from mien.train.augment import Augmentation
from mien.train.network_parts import ArchitecturePart
from mien.train.recipe_parts import DataPart, RecipePart, Share


class JointData(DataPart):
    """Which faces, and what is no face.

    Attributes:
        negatives: pictures without a face in each batch, as a share of its faces.
    """

    negatives: Share = 0.06


class HeadsPart(RecipePart):
    """The answers.

    Attributes:
        dropout: share of features dropped before the expressions.
        landmark_channels: width of the map that the landmarks are read from.
    """

    dropout: float = Field(0.3, ge=0, lt=1)
    landmark_channels: int = Field(32, ge=1)


class ResidualPart(ArchitecturePart):
    """The network of `networks/residual.py`.

    Attributes:
        architecture: its name.
        widths: channels of the stem and of each stage.
        blocks: residual blocks of each stage.
        heads: the answers.
    """

    architecture: Literal["residual"] = "residual"
    widths: tuple[int, ...] = (48, 64, 128, 256)
    blocks: tuple[int, ...] = (1, 2, 2)
    heads: HeadsPart = HeadsPart()

    @model_validator(mode="after")
    def _stages_fit(self) -> ResidualPart:
        if len(self.widths) != len(self.blocks) + 1:
            raise ValueError("expected one width for the stem and one for each stage")
        return self


class MobileNetPart(ArchitecturePart):
    """The network of `networks/mobilenet.py` under the same answers.

    Attributes:
        architecture: its name.
        last_block: the backbone ends after this block.
        stem_stride: stride of the first convolution.
        enlarged_px: side to which the network first enlarges the image; None leaves it as it is.
        weights: start the backbone from ImageNet, or from chance.
        heads: the answers.
    """

    architecture: Literal["mobilenet"] = "mobilenet"
    last_block: int = Field(11, ge=1, le=13)
    stem_stride: Literal[1, 2] = 1
    enlarged_px: int | None = Field(None, ge=48, le=224)
    weights: Literal["imagenet", "random"] = "imagenet"
    heads: HeadsPart = HeadsPart()

    @property
    def from_imagenet(self) -> bool:
        """Whether the backbone starts from ImageNet's weights."""
        return self.weights == "imagenet"


class JointFit(RecipePart):
    """How it learns.

    Attributes:
        epochs: this many, or fewer where `minutes` says so.
        minutes: of training after which the run ends, whatever the epoch; None leaves it to `epochs`.
        batch: faces a step.
        learning_rate: the highest; it rises over the first epoch and falls along a cosine to 0.
        weight_decay: of AdamW, on kernels.
        average: momentum, a step, of the running average of the weights, which is what is kept.
        precision: Keras's name of the type that feature maps are computed in.
        label_smoothing: share of FER-2013's label that is spread over its classes.
        teachers_share: share of the targets that comes from the teachers' answers, where there are teachers.
        wild: share of the faces that are moved as `augment_wild` says, for landmarks and presence.
        wild_expression: weight of such a face's expression.
        mixup: share of the other faces that are mixed with another (Zhang et al. 2018, arXiv:1710.09412).
        fer2013_weight: of FER-2013's label against the votes, whose weight is 1.
        landmarks_weight: of the mean distance of a coordinate, in shares of the side.
        presence_weight: of presence.
    """

    epochs: int = Field(40, ge=1)
    minutes: float | None = Field(None, gt=0)
    batch: int = Field(128, ge=2)
    learning_rate: float = Field(2e-3, gt=0)
    weight_decay: float = Field(0.05, ge=0)
    average: float = Field(0.999, ge=0, lt=1)
    precision: Literal["float32", "mixed_bfloat16"] = "mixed_bfloat16"
    label_smoothing: Share = 0.1
    teachers_share: Share = 0.7
    wild: Share = 0.25
    wild_expression: Share = 0.25
    mixup: Share = 0.15
    fer2013_weight: float = Field(0.6, ge=0)
    landmarks_weight: float = Field(20.0, ge=0)
    presence_weight: float = Field(0.3, ge=0)


class JointRecipe(RecipePart):
    """A whole run of joint training.

    Attributes:
        kind: marks a recipe of joint training.
        name: of the network, and of the run's folder.
        description: one line for people.
        seed: of all chance, and of the cut into training and validation part.
        starts_from: the recipe whose network this one goes on from; None starts from chance or ImageNet.
        taught_by: recipes whose networks' answers are part of the targets.
        data: which faces.
        network: which network.
        fit: how it learns.
        augment: how most faces are varied.
        augment_wild: how the others are.
    """

    kind: Literal["joint"]
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    description: str = ""
    seed: int = Field(0, ge=0)
    starts_from: str | None = None
    taught_by: tuple[str, ...] = ()
    data: JointData = JointData()
    network: Annotated[ResidualPart | MobileNetPart, Field(discriminator="architecture")] = ResidualPart()
    fit: JointFit = JointFit()
    augment: Augmentation = Augmentation()
    augment_wild: Augmentation = Augmentation()
