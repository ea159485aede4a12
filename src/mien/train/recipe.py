"""A recipe: all that decides what a training run gives, in one TOML file that users copy and change."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from mien.errors import ConfigError
from mien.textfile import read_text
from mien.train.augment import Augmentation
from mien.train.joint.recipe import JointRecipe
from mien.train.network_parts import AnyNetworkPart, NetworkPart, network_part
from mien.train.recipe_parts import DataPart, RecipePart, Share


class HeadPart(RecipePart):
    """First phase: new layers on frozen features, which are computed once."""

    epochs: int = Field(10, ge=0)
    batch: int = Field(256, ge=1)
    learning_rate: float = Field(1e-3, gt=0)


class FinePart(RecipePart):
    """Second phase: all layers.

    Attributes:
        epochs: at most this many.
        minutes: of this phase after which the run ends, whatever the epoch; None leaves it to `epochs`.
        batch: faces a step.
        learning_rate: the highest; it rises over the first epoch and falls along a cosine to 0.
        weight_decay: of AdamW.
        label_smoothing: share of each target that is spread over all classes.
        votes_weight: weight of the second target, the FER+ votes (an output used in training only); 0 or data
            without votes leaves it out.
        average: momentum of the running average of the weights, which is what is kept.
        patience: stop when validation has not improved for this many epochs.
        teacher: a network, by name or path, whose answers are mixed into the targets; "" for none.
        teacher_share: of its answers in the targets.
    """

    epochs: int = Field(14, ge=1)
    minutes: float | None = Field(None, gt=0)
    batch: int = Field(64, ge=2)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    label_smoothing: Share = 0.1
    votes_weight: float = Field(1.0, ge=0)
    average: float = Field(0.998, ge=0, lt=1)
    patience: int = Field(5, ge=1)
    teacher: str = ""
    teacher_share: Share = 0.7


class Recipe(RecipePart):
    """A whole training run."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    description: str = ""
    seed: int = Field(0, ge=0)
    data: DataPart = DataPart()
    network: Annotated[AnyNetworkPart, BeforeValidator(network_part)] = NetworkPart()
    head: HeadPart = HeadPart()
    fine: FinePart = FinePart()
    augment: Augmentation = Augmentation()


def built_in_recipes() -> list[str]:
    """Name the recipes that come with Mien."""
    folder = files("mien.train") / "recipes"
    return sorted(
        entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")
    )


AnyRecipe = Recipe | JointRecipe


def read_recipe(name_or_path: str) -> AnyRecipe:
    """Read a recipe.

    Args:
        name_or_path: one of `built_in_recipes()`, or the path of a TOML file.

    Raises:
        ConfigError: it is missing, not TOML, or has a value that it can't have.
    """
    if name_or_path in built_in_recipes():
        text = (files("mien.train") / "recipes" / f"{name_or_path}.toml").read_text(encoding="utf-8")
        return parse_recipe(text, name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        raise ConfigError(
            f"no recipe {name_or_path}: expected a file, or one of {', '.join(built_in_recipes())}"
        )
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"recipe {name_or_path}: not a readable text file ({error})") from error
    return parse_recipe(text, name_or_path)


def parse_recipe(text: str, where: str) -> AnyRecipe:
    """Check a recipe's text.

    Args:
        text: TOML.
        where: its name, for the error.

    Raises:
        ConfigError: it is not TOML, or a value is out of range.
    """
    try:
        fields = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"recipe {where}: not valid TOML ({error})") from error
    return parse_config(fields, where)


def parse_config(fields: dict[str, Any], where: str) -> AnyRecipe:
    """Check a recipe's fields, as TOML or a run's config.json holds them.

    Args:
        fields: values by name; with `kind` "joint" it is a recipe of joint training.
        where: the recipe's name, for the error.

    Raises:
        ConfigError: a name is unknown, or a value is out of range.
    """
    try:
        return (JointRecipe if "kind" in fields else Recipe).model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        received = "" if first["type"] == "missing" else f", received {first['input']!r}"
        raise ConfigError(f"recipe {where}: {place}: {first['msg']}{received}") from error


def change_recipe(
    recipe: AnyRecipe,
    *,
    split: str | None = None,
    remove: list[str] | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
) -> AnyRecipe:
    """Give a recipe with some choices replaced; None leaves them.

    Raises:
        ConfigError: a value is one that it can't have.
    """
    fields = recipe.model_dump()
    loop = fields["fine" if isinstance(recipe, Recipe) else "fit"]
    for part, name, value in (
        (fields["data"], "split", split),
        (fields["data"], "remove", remove or None),
        (loop, "epochs", epochs),
        (loop, "minutes", minutes),
        (fields, "seed", seed),
    ):
        if value is not None:
            part[name] = value
    return parse_config(fields, recipe.name)
