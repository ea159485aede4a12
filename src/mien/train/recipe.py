"""A recipe: all that decides what a training run gives, in one TOML file that users copy and change.

There are two kinds that learn from faces (two others, in `clip_recipe.py` and `sentiment_recipe.py`, learn
from whole clips). One trains a network for one label set, whatever the data has; with `kind = "joint"` one
network learns all that Mien asks of a face. Both are read, trained and reported by the same code.
"""

from __future__ import annotations

import tomllib
from abc import ABC, abstractmethod
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar, cast

from pydantic import AliasChoices, BeforeValidator, Field, SerializeAsAny, ValidationError

from mien.errors import ConfigError
from mien.textfile import read_text
from mien.train.augment import Augmentation
from mien.train.clip_recipe import ClipRecipe
from mien.train.data.prepare import DataSection
from mien.train.micro_recipe import MicroRecipe
from mien.train.networks import network_spec
from mien.train.networks.mobilenet import MobileNet
from mien.train.networks.residual import Residual
from mien.train.networks.spec import JointSpec, Kind, LabelSpec, NetworkSpec
from mien.train.section import AnyRecipe, Section, Share
from mien.train.sentiment_recipe import SentimentRecipe
from mien.wording import plainly, reason


class FitSection(Section, ABC):
    """How it learns.

    Attributes:
        epochs: at most this many.
        minutes: of training after which the run ends, whatever the epoch; None leaves it to `epochs`.
        batch: faces a step.
        learning_rate: the highest; it rises over the first epoch and falls along a cosine to 0.
        weight_decay: of AdamW.
        label_smoothing: share of each label that is spread over all classes.
        average: momentum, a step, of the running average of the weights, which is what is kept.
        patience: stop when validation has not improved for this many epochs, and keep the best one; None goes
            on to the end, and keeps the last.
    """

    epochs: int = Field(ge=1)
    minutes: float | None = Field(None, gt=0)
    batch: int = Field(ge=2)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    label_smoothing: Share = 0.1
    average: float = Field(ge=0, lt=1)
    patience: int | None = Field(None, ge=1)

    average_every: ClassVar[int] = 1
    """Steps between two takes of the running average."""
    not_decayed: ClassVar[tuple[str, ...]] = ("bias",)
    """The variables that the weight decay leaves alone."""

    @property
    @abstractmethod
    def loss_weights(self) -> dict[str, float]:
        """The weight of each answer's loss, by the answer's name."""


class Recipe(AnyRecipe, ABC):
    """A whole training run: what recipes of both kinds have.

    Attributes:
        kind: of one label set, or of all answers.
        data: which faces.
        network: which network.
        fit: how it learns.
        augment: how faces are varied.
    """

    kind: Kind
    data: DataSection = DataSection()
    network: NetworkSpec
    fit: FitSection
    augment: Augmentation = Augmentation()

    @property
    def builds_on(self) -> tuple[str, ...]:
        """The recipes that have to be trained before it."""
        return ()

    @property
    def networks(self) -> tuple[str, ...]:
        """The trained networks that it goes on from or is taught by, as `names_network` describes them."""
        return ()

    @abstractmethod
    def build(
        self, *, classes: int = 7, votes: bool = True, landmarks: bool = False, given_away: bool = False
    ) -> Any:
        """Build the network, with weights from chance.

        Args:
            classes: of the data.
            votes: whether the data has FER+'s votes.
            landmarks: whether it has landmarks.
            given_away: as it is exported, 32 bits and channels last; else as it is trained.
        """


class HeadSection(Section):
    """First phase: new layers on frozen features, which are computed once."""

    epochs: int = Field(10, ge=0)
    batch: int = Field(256, ge=1)
    learning_rate: float = Field(1e-3, gt=0)


class LabelFit(FitSection):
    """How a network for one label set learns; see also `FitSection`.

    Attributes:
        votes_weight: weight of the second target, the FER+ votes (an output used in training only); 0 or data
            without votes leaves it out.
        teacher: a network, by name or path, whose answers are mixed into the targets; "" for none.
        teacher_share: of its answers in the targets.
    """

    epochs: int = Field(14, ge=1)
    batch: int = Field(64, ge=2)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    average: float = Field(0.998, ge=0, lt=1)
    patience: int | None = Field(5, ge=1)
    votes_weight: float = Field(1.0, ge=0)
    teacher: str = ""
    teacher_share: Share = 0.7

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weight of each answer's loss."""
        return {"logits": 1.0, "votes": self.votes_weight}


class LabelRecipe(Recipe):
    """A recipe for one label set.

    Attributes:
        head: the first phase, for a network that has one.
        fit: how all layers learn; recipes of earlier versions call it `fine`.
    """

    kind: Literal["labels"] = "labels"
    network: Annotated[
        SerializeAsAny[LabelSpec], BeforeValidator(lambda fields: network_spec(fields, "labels"))
    ] = MobileNet()
    head: HeadSection = HeadSection()
    fit: LabelFit = Field(LabelFit(), validation_alias=AliasChoices("fit", "fine"))

    @property
    def networks(self) -> tuple[str, ...]:
        """The network whose backbone it goes on from; `fit.teacher` is none of these."""
        return (self.network.from_network,) if self.network.from_network else ()

    def build(
        self, *, classes: int = 7, votes: bool = True, landmarks: bool = False, given_away: bool = False
    ) -> Any:
        """See `Recipe.build`; it answers with the votes if they count."""
        return self.network.build(
            size_px=self.data.size_px,
            classes=classes,
            votes=votes and self.fit.votes_weight > 0,
            layout="channels_last" if given_away else None,
        )


class JointData(DataSection):
    """Which faces, and what is no face; see also `DataSection`.

    Attributes:
        negatives: pictures without a face in each batch, as a share of its faces.
    """

    negatives: Share = 0.06


class JointFit(FitSection):
    """How joint training learns; see also `FitSection`.

    Attributes:
        precision: Keras's name of the type that feature maps are computed in.
        teachers_share: share of the targets that comes from the teachers' answers, where there are teachers.
        wild: share of the faces that are moved as `augment_wild` says, for landmarks and presence.
        wild_expression: weight of such a face's expression.
        mixup: share of the other faces that are mixed with another (Zhang et al. 2018, arXiv:1710.09412).
        fer2013_weight: of FER-2013's label against the votes, whose weight is 1.
        landmarks_weight: of the mean distance of a coordinate, in shares of the side.
        presence_weight: of presence.
    """

    epochs: int = Field(40, ge=1)
    batch: int = Field(128, ge=2)
    learning_rate: float = Field(2e-3, gt=0)
    weight_decay: float = Field(0.05, ge=0)
    average: float = Field(0.999, ge=0, lt=1)
    precision: Literal["float32", "mixed_bfloat16"] = "mixed_bfloat16"
    teachers_share: Share = 0.7
    wild: Share = 0.25
    wild_expression: Share = 0.25
    mixup: Share = 0.15
    fer2013_weight: float = Field(0.6, ge=0)
    landmarks_weight: float = Field(20.0, ge=0)
    presence_weight: float = Field(0.3, ge=0)

    average_every: ClassVar[int] = 4
    """Taking every step would cost much and change nothing."""
    not_decayed: ClassVar[tuple[str, ...]] = ("bias", "gamma", "beta")

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weight of each answer's loss."""
        return {
            "votes": 1.0,
            "fer2013": self.fer2013_weight,
            "presence": self.presence_weight,
            "landmarks": self.landmarks_weight,
        }


class JointRecipe(Recipe):
    """A recipe of joint training.

    Attributes:
        starts_from: the recipe whose network this one goes on from, or a network (see `names_network`); None
            starts from chance or ImageNet.
        taught_by: recipes whose networks' answers are part of the targets, or networks.
        augment: how most faces are varied.
        augment_wild: how the others are.
    """

    kind: Literal["joint"] = "joint"
    starts_from: str | None = None
    taught_by: tuple[str, ...] = ()
    data: JointData = JointData()
    network: Annotated[
        SerializeAsAny[JointSpec], BeforeValidator(lambda fields: network_spec(fields, "joint"))
    ] = Residual()
    fit: JointFit = JointFit()
    augment_wild: Augmentation = Augmentation()

    @property
    def builds_on(self) -> tuple[str, ...]:
        """The recipes that have to be trained before it, each once."""
        return tuple(name for name in self._named if not names_network(name))

    @property
    def networks(self) -> tuple[str, ...]:
        """The trained networks that it goes on from or is taught by, each once."""
        return tuple(name for name in self._named if names_network(name))

    @property
    def _named(self) -> dict[str, None]:
        return dict.fromkeys(filter(None, (self.starts_from, *self.taught_by)))

    def build(
        self, *, classes: int = 7, votes: bool = True, landmarks: bool = False, given_away: bool = False
    ) -> Any:
        """See `Recipe.build`; classes and votes are always FER-2013's and FER+'s."""
        return self.network.build(
            size_px=self.data.size_px,
            landmarks=landmarks,
            precision="float32" if given_away else self.fit.precision,
            layout="channels_last" if given_away else None,
        )


KINDS: Final[dict[Kind, type[AnyRecipe]]] = {
    "labels": LabelRecipe,
    "joint": JointRecipe,
    "clips": ClipRecipe,
    "sentiment": SentimentRecipe,
    "micro": MicroRecipe,
}

_Kept = TypeVar("_Kept", bound=AnyRecipe)
"""A recipe stays of its kind when it is changed."""


def names_network(value: str) -> bool:
    """Whether what a recipe names is a trained network, and not another recipe: an .onnx file.

    `NAME.onnx` is the network of this name that comes with Mien, such as mien.onnx, else it is a path.
    """
    return value.endswith(".onnx")


def built_in_recipes() -> list[str]:
    """Return the names of the recipes that come with Mien."""
    folder = files("mien.train") / "recipes"
    return sorted(
        entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")
    )


def read_recipe(name_or_path: str) -> Recipe:
    """Read a recipe that learns from faces; arguments and errors as of `read_any_recipe`."""
    return _of_faces(read_any_recipe(name_or_path), name_or_path)


def _of_faces(recipe: AnyRecipe, where: str) -> Recipe:
    if not isinstance(recipe, Recipe):
        raise ConfigError(f"recipe {where}: learns from clips: mien train CLIPS.csv --recipe {where}")
    return recipe


def read_any_recipe(name_or_path: str) -> AnyRecipe:
    """Read a recipe of any kind.

    Args:
        name_or_path: one of `built_in_recipes()`, or the path of a TOML file.

    Raises:
        ConfigError: it is missing, not TOML, or has a value that it can't have.
    """
    if name_or_path in built_in_recipes():
        text = (files("mien.train") / "recipes" / f"{name_or_path}.toml").read_text(encoding="utf-8")
        return _parse(text, name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        raise ConfigError(
            f"no recipe {name_or_path}: expected a file, or one of {', '.join(built_in_recipes())}"
        )
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"recipe {name_or_path}: not a readable text file ({reason(error)})") from error
    return _parse(text, name_or_path)


def parse_recipe(text: str, where: str) -> Recipe:
    """Check the text of a recipe that learns from faces; errors as of `parse_any_config`."""
    return _of_faces(_parse(text, where), where)


def _parse(text: str, where: str) -> AnyRecipe:
    try:
        fields = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"recipe {where}: not valid TOML ({error})") from error
    return parse_any_config(fields, where)


def parse_config(fields: dict[str, Any], where: str) -> Recipe:
    """Check the fields of a recipe that learns from faces; otherwise as `parse_any_config`."""
    return _of_faces(parse_any_config(fields, where), where)


def parse_any_config(fields: dict[str, Any], where: str) -> AnyRecipe:
    """Check a recipe's fields, as TOML or a run's config.json holds them.

    Args:
        fields: values by name; `kind` says which kind of recipe it is, and one label set is meant without it.
        where: the recipe's name, for the error.

    Raises:
        ConfigError: a name is unknown, or a value is out of range.
    """
    kind = fields.get("kind", "labels")
    if kind not in KINDS:
        raise ConfigError(f"recipe {where}: kind: expected {' or '.join(KINDS)}, received {kind!r}")
    try:
        return KINDS[kind].model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        received = "" if first["type"] == "missing" else f", received {first['input']!r}"
        raise ConfigError(f"recipe {where}: {place}: {plainly(first['msg'])}{received}") from error


def change_recipe(
    recipe: _Kept,
    *,
    split: str | None = None,
    remove: list[str] | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
) -> _Kept:
    """Return a recipe with some choices replaced; None leaves them.

    Raises:
        ConfigError: a value is one that it can't have.
    """
    fields = recipe.model_dump()
    for part, name, value in (
        (fields["data"], "split", split),
        (fields["data"], "remove", remove or None),
        (fields["fit"], "epochs", epochs),
        (fields["fit"], "minutes", minutes),
        (fields, "seed", seed),
    ):
        if value is not None:
            if name not in part:
                raise ConfigError(f"recipe {recipe.name}: takes no {name}")
            part[name] = value
    return cast("_Kept", parse_any_config(fields, recipe.name))
