"""`mien explain`: which regions of a face carried its label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mien.analysis.explain import Explanation, check_format, explain_faces, save_explanations
from mien.cli.console import print_json
from mien.cli.options import DetectorOption, JsonOption, MinFaceOption, NetworkOption, PriorOption
from mien.config import load_settings
from mien.errors import ConfigError, SourceError
from mien.expression.explain import Method
from mien.files import fitting_name
from mien.pipeline import Pipeline
from mien.source.images import read_image


def explain(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="A photograph.")],
    label: Annotated[
        str | None,
        typer.Option(help="The label to explain, instead of each face's most likely one.", metavar="NAME"),
    ] = None,
    method: Annotated[
        Literal["occlusion", "class-maps"] | None,
        typer.Option(help="Method [class maps if the network's are fine enough, else occlusion]."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The picture to write (.png, .jpg, .webp) [PHOTO-explained.png, in the working folder].",
            metavar="FILE",
        ),
    ] = None,
    detector: DetectorOption = None,
    network: NetworkOption = None,
    prior: PriorOption = None,
    min_face: MinFaceOption = None,
    crops: Annotated[
        bool, typer.Option("--crops", help="The photograph is a face crop: the whole image is the face.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show which regions of each face its label depended on.

    Writes a picture of each face with the region that counted most and the eight probabilities, and says
    where in the face that region is. The regions show what the network looked at, not what the person feels
    or whether the label is right; see docs/explain.md.

    Example: mien explain family.jpg --label surprise --out why.png
    """
    settings = load_settings(
        detector=detector, network=network, prior=prior, min_face_px=min_face, crops=crops or None, threads=1
    )
    out = _picture(photo, out)
    how: Method | None = "class maps" if method == "class-maps" else method
    image = read_image(photo, max_megapixels=settings.max_megapixels)
    with Pipeline(settings) as pipeline:
        explanations = explain_faces(pipeline, image, label, how)
    if not explanations:
        raise SourceError(
            f"{photo}: no face was found; --min-face finds smaller ones, --crops takes the whole image as"
            " a face"
        )
    save_explanations(out, image, explanations)
    if as_json:
        print_json({"source": photo, "picture": str(out), "faces": [each.as_dict() for each in explanations]})
    else:
        _print(explanations, out)


def _picture(photo: str, out: Path | None) -> Path:
    """Return where to draw, and refuse what can't be or must not be."""
    out = out or Path(fitting_name(Path(photo).stem, room_bytes=24) + "-explained.png")
    check_format(out)
    if out.exists() and Path(photo).exists() and out.samefile(photo):
        raise ConfigError(f"{out} is the photograph itself; choose another --out")
    return out


def _print(explanations: list[Explanation], out: Path) -> None:
    for number, each in enumerate(explanations):
        start = f"face {number}: " if len(explanations) > 1 else ""
        typer.echo(f"{start}{each.words} (by {each.method})")
    typer.echo(f"picture  {out}")
