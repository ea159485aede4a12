"""Running the command line in tests, and making small inputs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

import mien
from patience import LIMIT_S


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The lines that begin with "mien: error:", without that."""
        start = "mien: error: "
        return [line.removeprefix(start) for line in self.err.splitlines() if line.startswith(start)]


Run = Callable[..., Ran]


# A process finds the same package as this one, from any folder. It compiles for itself alone: where a file
# may not grow, Python leaves half a module beside the source, and every later process reads that.
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(Path(mien.__file__).parents[1]),
    "PYTHONDONTWRITEBYTECODE": "1",
}


def run_process(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "mien", *map(str, arguments)],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=LIMIT_S, check=False, **options,
    )  # fmt: skip


def save_clip(
    path: Path,
    images: list[NDArray[np.uint8]],
    rate_hz: int = 10,
    pixel_shape: Fraction | None = None,
    *,
    index_first: bool = False,
) -> Path:
    """Write a video with PyAV.

    Args:
        path: of the file.
        images: its frames.
        rate_hz: frames a second.
        pixel_shape: width by height of its pixels.
        index_first: put the index of an MP4 where a cut file still has it.
    """
    options = {"movflags": "faststart"} if index_first and path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=rate_hz)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if pixel_shape is not None:
            stream.codec_context.sample_aspect_ratio = pixel_shape
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24")))
        container.mux(stream.encode(None))
    return path
