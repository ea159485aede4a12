"""The facts about a network, NAME.json beside NAME.onnx: labels, input, hash, training data, figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    model_validator,
)

from mien.errors import ModelError
from mien.files import write_json

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkInput(_Part):
    """What the network takes: square grey crops.

    Attributes:
        size_px: side of the crop in pixels.
        framing: where the eyes stand in it; "fer2013" is the framing of `face.crop`.
        colour: the crop's colours.
    """

    size_px: int = Field(ge=8, le=1024)
    framing: Literal["fer2013"] = "fer2013"
    colour: Literal["grey"] = "grey"


class TrainedOn(_Part):
    """One data set that the network was trained on.

    Attributes:
        name: the data set.
        terms: its licence, or under which terms it may be used.
        sha256: hash of the file, where it is one file.
    """

    name: str = Field(min_length=1)
    terms: str = Field(min_length=1)
    sha256: Sha256 | None = None


class Sidecar(_Part):
    """The facts about one network; frozen, and checked when it is made.

    Attributes:
        format: version of this format.
        name: the network's name.
        description: one line for people.
        labels: what the outputs mean, in their order.
        input: what the network takes.
        sha256: hash of the .onnx file.
        parameters: how many numbers were learned.
        temperature: the logits are divided by this, so that the probabilities are calibrated.
        uncertain_below: a face whose highest probability is below this is `uncertain`.
        data: what the network was trained on.
        metrics: figures by the split that they were measured on: {"validation": {"accuracy": 0.71}}.
        licence: under which terms the network may be used.
        versions: of the libraries that made it, by name.
        created: when it was exported, with the time zone.
    """

    format: Literal[1] = 1
    name: str = Field(min_length=1)
    description: str = ""
    labels: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=2)
    input: NetworkInput
    sha256: Sha256
    parameters: int = Field(ge=0)
    temperature: FiniteFloat = Field(1.0, gt=0)
    uncertain_below: float = Field(0.0, ge=0, le=1)
    data: tuple[TrainedOn, ...] = ()
    metrics: dict[str, dict[str, FiniteFloat]] = {}
    licence: str = Field(min_length=1)
    versions: dict[str, str] = {}
    created: AwareDatetime

    @property
    def size_px(self) -> int:
        """Side of the crops that the network takes, in pixels."""
        return self.input.size_px

    @model_validator(mode="after")
    def _labels_are_unique(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("expected every label once")
        return self


def sidecar_path(network: Path) -> Path:
    """Give the sidecar's place: NAME.json beside NAME.onnx."""
    return network.with_suffix(".json")


def read_sidecar(path: Path) -> Sidecar:
    """Read a sidecar.

    Args:
        path: the .json file.

    Raises:
        ModelError: the file is missing, is no JSON, or a field is missing, unknown or out of range.
    """
    try:
        return Sidecar.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelError(
            f"{path}: a network needs its sidecar beside it ({error.strerror}); `mien export` writes both"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise ModelError(
            f"{path}: damaged or of another version: {where}: {first['msg']}; export the network again"
        ) from error


def write_sidecar(path: Path, sidecar: Sidecar) -> None:
    """Write a sidecar, whole or not at all.

    Args:
        path: the .json file, beside the .onnx file; see `sidecar_path`.
        sidecar: the facts.

    Raises:
        OutputError: it can't be written.
    """
    write_json(path, sidecar.model_dump(mode="json"))
