"""The facts about a network, NAME.json beside NAME.onnx: labels, input, hash, training data, figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, Literal, Self

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
from mien.labels import EMOTIONS, FER2013
from mien.prior import Mix
from mien.textfile import read_text
from mien.wording import reason

CLIP_COMMANDS: Final = {"clips": "mien happy", "sentiment": "mien sentiment"}
"""Of networks for clips, by their kind, the command that uses them."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Framing = Literal["fer2013", "difference"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkInput(_Part):
    """What the network takes: square grey crops.

    Attributes:
        size_px: side of the crop in pixels.
        framing: what it shows, and where the eyes stand in it: "fer2013" is a face in the framing of
            `face.crop`, "difference" the difference picture of a movement (`videos.micro_picture`).
        gain: of a difference picture, the grey levels for each that changes; None for a face.
        colour: the crop's colours.
    """

    size_px: int = Field(ge=8, le=1024)
    framing: Framing = "fer2013"
    gain: FiniteFloat | None = Field(None, gt=0)
    colour: Literal["grey"] = "grey"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.gain is not None) != (self.framing == "difference"):
            raise ValueError("expected a gain where the framing is difference, and only there")
        return self


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


class Effort(_Part):
    """What the training took, that of other networks that it stands on left out.

    Attributes:
        epochs: passes over the training faces.
        core_minutes: minutes of one processor core: in these epochs, with their measuring on validation, and
            before them, where new layers are taught alone first.
    """

    epochs: int = Field(ge=0)
    core_minutes: FiniteFloat = Field(ge=0)


class Head(_Part):
    """A further set of labels that the network answers with, for comparison.

    Attributes:
        labels: what the output's numbers mean, in their order.
        temperature: the logits are divided by this.
        bias: added to each logit then; empty for none.
    """

    labels: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=2)
    temperature: FiniteFloat = Field(1.0, gt=0)
    bias: tuple[FiniteFloat, ...] = ()


class Presence(_Part):
    """What the logit of `presence` means: the probability of a face is the logistic of slope * x + offset.

    Attributes:
        slope: above 0.
        offset: any.
    """

    slope: FiniteFloat = Field(1.0, gt=0)
    offset: FiniteFloat = 0.0


class Certainty(_Part):
    """How likely a label is right: a logistic regression, fitted on `validation`.

    Its inputs are log-odds (of the highest calibrated probability, of presence, and of the votes for
    "unknown" or "not a face") and the quality; see `calibration.certainty_inputs`.

    Attributes:
        intercept, confidence, presence, no_face, quality: the coefficients.
        below: a face for which the model gives less than this is `uncertain`.
    """

    intercept: FiniteFloat
    confidence: FiniteFloat
    presence: FiniteFloat
    no_face: FiniteFloat
    quality: FiniteFloat
    below: float = Field(ge=0, le=1)


Eight = Annotated[tuple[FiniteFloat, ...], Field(min_length=8, max_length=8)]
"""A number for each of `labels.EMOTIONS`."""


class LabelCertainty(_Part):
    """How likely a label is right, and from where on it is given.

    logistic(intercept + slope * log-odds of q + presence * min(0, log-odds of presence)
    + quality * min(0, quality - GOOD_QUALITY)), where q is the label's probability after the logarithms of
    all of them were divided by `temperature`, and `bias` was added. On a face that is there and well seen
    only q counts, so that its ranking is that of confidence alone. See `decision.certainty_inputs`.

    Attributes:
        temperature, bias: as said; no bias is none.
        intercept: any.
        slope, presence, quality: no input counts backwards.
        below: a face for which this gives less is `uncertain`.
    """

    temperature: FiniteFloat = Field(gt=0)
    bias: Eight | tuple[()] = ()
    intercept: FiniteFloat
    slope: FiniteFloat = Field(gt=0)
    presence: FiniteFloat = Field(ge=0)
    quality: FiniteFloat = Field(ge=0)
    below: float = Field(ge=0, le=1)


class Decision(_Part):
    """One answer out of the heads `votes` and `fer2013`, with the mix of expressions taken out.

    Attributes:
        weights: 15 rows of 8: from the eight logits of `votes` and the seven of `fer2013`, each head's less
            their mean, to what speaks for each of `labels.EMOTIONS` whatever the mix.
        bias: added to these eight.
        shares_temperature: the eight logits of `votes` are divided by this for the shares of people ...
        shares_bias: ... and this is added then.
        certainty: of a label under a mix, by FER-2013's labels.
        shares_certainty: of the label that most people would choose, by ten people's votes.
        mixes: the mix of each label set that it was fitted with: "fer2013", "ferplus".
    """

    weights: tuple[Eight, ...] = Field(min_length=15, max_length=15)
    bias: Eight
    shares_temperature: FiniteFloat = Field(gt=0)
    shares_bias: Eight | tuple[()] = ()
    certainty: LabelCertainty
    shares_certainty: LabelCertainty
    mixes: dict[str, Mix] = {}


class OwnNeutral(_Part):
    """What it takes to read a face by the person's own neutral face; see `expression.personal.personal`.

    Attributes:
        average: (15,) what `decision.features` are of everybody's neutral face.
        bias: added to the change of evidence, in units of the face's own noise; 0 for neutral.
        noise: how much these 15 usually vary from one gentle view of a face to another.
        half_s: seconds after which a neutral face counts half as the person's own.
        certainty: of a label that is read so.
    """

    average: Annotated[tuple[FiniteFloat, ...], Field(min_length=15, max_length=15)]
    bias: Eight
    noise: FiniteFloat = Field(gt=0)
    half_s: FiniteFloat = Field(gt=0)
    certainty: LabelCertainty


class SizeCalibration(_Part):
    """What faces of one size say, for counting many of them; see `Quantification`.

    Attributes:
        px: side of the crop in the picture, in pixels.
        slope: the evidence is multiplied by this ...
        bias: ... and this is added to each label's then.
        confusion: a row for each label: the mean probabilities, with all labels as common, of its faces.
    """

    px: FiniteFloat = Field(gt=0)
    slope: FiniteFloat = Field(gt=0)
    bias: tuple[FiniteFloat, ...]
    confusion: tuple[tuple[Annotated[float, Field(ge=0, le=1)], ...], ...]


class Quantification(_Part):
    """What it takes to say how common each label is among many faces, fitted on `validation`.

    The evidence of a face is linear in `decision.features`, by FER-2013's labels alone: the label of a single
    face (`Decision`) stands between two label sets, and a count must not. See `places.quantification`.

    Attributes:
        labels: what is counted.
        weights: 15 rows, a column for each label.
        sizes: by rising `px`, of faces that were shrunk to it.
        doubt: standard deviation of the logarithm of a large crowd's shares, as `validation` has only so many
            faces.
    """

    labels: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=2)
    weights: Annotated[tuple[tuple[FiniteFloat, ...], ...], Field(min_length=15, max_length=15)]
    sizes: tuple[SizeCalibration, ...] = Field(min_length=1)
    doubt: FiniteFloat = Field(ge=0)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        count = len(self.labels)
        rows = [*self.weights, *(each.bias for each in self.sizes)]
        rows += [row for each in self.sizes for row in each.confusion]
        if any(len(row) != count for row in rows) or any(len(each.confusion) != count for each in self.sizes):
            raise ValueError(f"expected {count} numbers in each row of the quantification")
        if any(label not in EMOTIONS for label in self.labels):
            raise ValueError(f"expected labels out of {', '.join(EMOTIONS)}")
        if [each.px for each in self.sizes] != sorted({each.px for each in self.sizes}):
            raise ValueError("expected sizes of a quantification that rise")
        return self


OutputName = Literal["logits", "votes", "fer2013", "presence", "landmarks", "affect"]


class Sidecar(_Part):
    """The facts about one network; frozen, and checked when it is made.

    Attributes:
        format: version of this format.
        name: the network's name.
        description: one line for people.
        labels: what the expression's logits mean, in their order.
        outputs: what the network answers with. `logits` has one number for each label. `votes` has ten,
            FER+'s eight emotions (which are then the labels), unknown, and not a face. `affect` has two,
            valence and arousal. (The graph may give `maps`, too, which only explains a label.)
        input: what the network takes.
        sha256: hash of the .onnx file.
        parameters: how many numbers were learned.
        temperature: the logits are divided by this, so that the probabilities are calibrated.
        bias: added to each label's logit after that; empty for none.
        uncertain_below: a face whose highest probability is below this is `uncertain`, without `certainty`.
        mix: of the expressions that the probabilities were fitted with; where it isn't said, that of the
            data set with these labels (`prior.TRAINED_MIX`), or none where there is no such data set.
        fer2013: the facts about the output of that name.
        presence: the facts about the output of that name.
        certainty: decides what is `uncertain`, where the network can tell more than one probability.
        decision: makes one answer of both heads, instead of `certainty`; in format 2 only.
        own_neutral: reads a face by the person's own neutral face; with a decision only.
        quantification: counts many faces; with a decision only.
        data: what the network was trained on.
        effort: what the training took, where that was counted.
        metrics: figures by the split that they were measured on: {"validation": {"accuracy": 0.71}}.
        licence: under which terms the network may be used.
        versions: of the libraries that made it, by name.
        created: when it was exported, with the time zone.
    """

    format: Literal[1, 2] = 2
    name: str = Field(min_length=1)
    description: str = ""
    labels: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=2)
    outputs: tuple[OutputName, ...] = ("logits",)
    input: NetworkInput
    sha256: Sha256
    parameters: int = Field(ge=0)
    temperature: FiniteFloat = Field(1.0, gt=0)
    bias: tuple[FiniteFloat, ...] = ()
    uncertain_below: float = Field(0.0, ge=0, le=1)
    fer2013: Head | None = None
    presence: Presence | None = None
    certainty: Certainty | None = None
    mix: Mix | None = None
    decision: Decision | None = None
    own_neutral: OwnNeutral | None = None
    quantification: Quantification | None = None
    data: tuple[TrainedOn, ...] = ()
    effort: Effort | None = None
    metrics: dict[str, dict[str, FiniteFloat]] = {}
    licence: str = Field(min_length=1)
    versions: dict[str, str] = {}
    created: AwareDatetime

    @property
    def size_px(self) -> int:
        """Side of the crops that the network takes, in pixels."""
        return self.input.size_px

    @property
    def expression_output(self) -> OutputName:
        """The output that the expression is read from."""
        return "votes" if "votes" in self.outputs else "logits"

    @property
    def finds_landmarks(self) -> bool:
        """Whether the network finds landmarks, and says whether there is a face at all."""
        return {"landmarks", "presence"} <= set(self.outputs)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("expected every label once")
        if {"votes", "logits"} <= set(self.outputs) or not {"votes", "logits"} & set(self.outputs):
            raise ValueError("expected either logits or votes among the outputs")
        if self.expression_output == "votes" and self.labels != EMOTIONS:
            raise ValueError(f"expected the labels {', '.join(EMOTIONS)} with the output votes")
        if len(self.bias) not in (0, len(self.labels)):
            raise ValueError("expected a bias for every label, or none")
        for name in ("fer2013", "presence"):
            if (name in self.outputs) != (getattr(self, name) is not None):
                raise ValueError(f"expected facts about the output {name} where there is one, and only there")
        if self.fer2013 is not None and len(self.fer2013.bias) not in (0, len(self.fer2013.labels)):
            raise ValueError("expected a bias for every label of fer2013, or none")
        if self.decision is not None and self.format < 2:
            raise ValueError("expected a decision in format 2 only")
        if self.own_neutral is not None and self.decision is None:
            raise ValueError("expected own_neutral with a decision only")
        if self.quantification is not None and self.decision is None:
            raise ValueError("expected a quantification with a decision only")
        if self.decision is not None and not {"votes", "fer2013", "presence"} <= set(self.outputs):
            raise ValueError("expected the outputs votes, fer2013 and presence where there is a decision")
        if self.decision is not None and self.fer2013 is not None and self.fer2013.labels != FER2013:
            raise ValueError(f"expected the labels {', '.join(FER2013)} of fer2013 where there is a decision")
        return self


def sidecar_path(network: Path) -> Path:
    """Return the sidecar's place: NAME.json beside NAME.onnx."""
    return network.with_suffix(".json")


def read_sidecar(path: Path) -> Sidecar:
    """Read a sidecar.

    Args:
        path: the .json file.

    Raises:
        ModelError: the file is missing, is no JSON, or a field is missing, unknown or out of range.
    """
    try:
        return Sidecar.model_validate_json(read_text(path))
    except OSError as error:
        raise ModelError(
            f"{path}: needs its sidecar beside it ({reason(error)}); `mien models export` writes both"
        ) from error
    except UnicodeDecodeError as error:
        raise ModelError(
            f"{path}: damaged or of another version: expected JSON in UTF-8 ({error});"
            " export the network again"
        ) from error
    except ValidationError as error:
        if command := CLIP_COMMANDS.get(_kind(path)):
            raise ModelError(
                f"{path}: its network reads whole clips, not single faces: use `{command} VIDEO --network"
                f" {path.stem}.onnx`"
            ) from error
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise ModelError(
            f"{path}: damaged or of another version: {where}: {first['msg']}; export the network again"
        ) from error


def _kind(path: Path) -> str:
    """Return what kind of network a JSON file says it is of; "" where it says nothing."""
    try:
        said = json.loads(read_text(path))
    except ValueError:
        return ""
    return str(said.get("kind", "")) if isinstance(said, dict) else ""


def write_sidecar(path: Path, sidecar: Sidecar) -> None:
    """Write a sidecar, whole or not at all.

    Args:
        path: the .json file, beside the .onnx file; see `sidecar_path`.
        sidecar: the facts.

    Raises:
        OutputError: it can't be written.
    """
    write_json(path, sidecar.model_dump(mode="json"))
