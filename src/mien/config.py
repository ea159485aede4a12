"""Settings: defaults < mien.toml < MIEN_* environment < command line."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypedDict

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from mien.errors import ConfigError
from mien.prior import Prior
from mien.processors import usable_cores
from mien.textfile import read_text
from mien.wording import plainly

DetectorName = Literal["auto", "haar", "mtcnn", "yunet"]
Share = Annotated[float, Field(ge=0, le=1)]

LEAST_MEGAPIXELS: Final = 1.0
_MOST_MEGAPIXELS: Final = 178.0
"""Pillow opens nothing larger."""


class _OurFile(TomlConfigSettingsSource):
    def _read_file(self, file_path: Any) -> dict[str, Any]:
        try:
            return tomllib.loads(read_text(Path(file_path)))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"mien.toml is not valid TOML: {error}") from error
        except OSError as error:
            raise ConfigError(f"mien.toml can't be read ({error.strerror or error})") from error


class Settings(BaseSettings):
    """Everything that can be chosen about reading faces; frozen, and checked when it is made.

    Values given by name win over `MIEN_*` environment variables, which win over `mien.toml` in the working
    folder, which wins over the defaults here.

    Raises:
        ConfigError: a value is out of range, a name is unknown, or mien.toml is not TOML.
    """

    model_config = SettingsConfigDict(
        env_prefix="MIEN_", toml_file="mien.toml", frozen=True, extra="forbid", validate_default=True
    )

    detector: DetectorName = Field("auto", description="Which detector finds faces; auto is mtcnn.")
    detector_model: Path | None = Field(None, description="File of the yunet network, if it was not fetched.")
    min_face_px: int = Field(40, ge=12, le=4096, description="Smallest face looked for, in pixels.")
    min_detection: Share | None = Field(
        None, description="Faces with a lower score are left out; by default each detector's own threshold."
    )
    network: str = Field(
        "mien", description="Network that reads expressions: a built-in name, or the path of an .onnx file."
    )
    prior: Prior = Field(
        "balanced",
        description="How common each expression is where the faces come from: balanced, photographs, or a"
        " file of shares by label.",
    )
    redetect_s: float = Field(
        1.0, gt=0, description="Look for new faces this often, in seconds, while following."
    )
    max_gap_s: float = Field(
        1.0, ge=0, description="A face lost for longer than this ends its track, in seconds."
    )
    crops: bool = Field(
        False, description="Images are face crops already: no detector, the whole image is the face."
    )
    every: int = Field(1, ge=1, description="Analyse every nth frame of a video.")
    fps: float | None = Field(
        None, gt=0, description="Analyse at most this many frames per second of a video."
    )
    max_megapixels: float = Field(
        120.0,
        ge=LEAST_MEGAPIXELS,
        le=_MOST_MEGAPIXELS,
        description="Largest picture that is decoded, in millions of pixels; each takes about 8 bytes.",
    )
    smooth_half_life_s: float = Field(
        0.3, ge=0, description="Half-life of the smoothing in the live view, in seconds."
    )
    threads: int = Field(
        0,
        ge=0,
        description="Threads for the networks; 0 takes one per core, but one in analyze, so that its table"
        " does not depend on the machine.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the sources in their order; the first wins."""
        return init_settings, env_settings, _OurFile(settings_cls)

    @model_validator(mode="wrap")
    @classmethod
    def _in_one_line(cls, values: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return check(values)
        except ValidationError as error:
            raise ConfigError(_fault(error)) from error

    @property
    def thread_count(self) -> int:
        """Threads for the networks, at least 1."""
        return self.threads or usable_cores()


class Choices(TypedDict, total=False):
    """The settings that functions take by name, beside `detector` and `network`; see `Settings`."""

    detector_model: str | Path
    min_face_px: int
    min_detection: float
    prior: Prior | str | Path
    redetect_s: float
    max_gap_s: float
    crops: bool
    every: int
    fps: float
    smooth_half_life_s: float
    threads: int
    max_megapixels: float


def load_settings(**overrides: Any) -> Settings:
    """Gather the settings from all their sources.

    Args:
        **overrides: what the caller chose, by field name; None means "not chosen".

    Raises:
        ConfigError: a value is out of range, a name is unknown, or mien.toml is not TOML.
    """
    return Settings(**{name: value for name, value in overrides.items() if value is not None})


def _fault(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = get_close_matches(name, Settings.model_fields, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        return f"there is no setting {name} (in mien.toml, or given by name){meant}"
    told, why = "Value error, ", first["msg"]
    if why.startswith(told):  # our own sentence says what was received
        return f"setting {name}: {why.removeprefix(told)}"
    return f"setting {name}: {plainly(why)}, received {first['input']!r}"
