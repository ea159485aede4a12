"""What each column means, in the few words that fit beside a variable in SPSS, Stata and Excel."""

from __future__ import annotations

from typing import Final

from mien.aggregate import LABELS, averaged
from mien.labels import EMOTIONS, MEASURES, NEUTRALS, POSE
from mien.table import NEUTRAL, POINTS

LONGEST: Final = 80
"""Letters that Stata has for a variable's label."""

LEVELS: Final = {"expression": LABELS, NEUTRAL: NEUTRALS}
"""What the words of a column may be, in their order: such columns are factors, or numbers with labels."""

_MEASURES: Final = {
    "yaw": "head turned to its left or right",
    "pitch": "head turned up or down",
    "roll": "head tilted",
    "eye_openness": "height by width of the eyes",
    "brow_distance": "brows above the eyes, in distances between the outer eye corners",
    "mouth_opening": "mouth opening, in distances between the outer eye corners",
    "smile_width": "width of the mouth, in distances between the outer eye corners",
    "lip_corner_lift": "lift of the lip corners, in distances between the outer eye corners",
}

_WORDS: Final = {
    "source": "file or camera",
    "frame": "index of the frame, from 0",
    "time_s": "seconds from the start",
    "track": "which face, from 0, while it is followed; no person's number",
    "x": "left edge of the face's box, pixels",
    "y": "top edge of the face's box, pixels",
    "width": "width, pixels",
    "height": "height, pixels",
    "detection": "score that this is a face, 0 to 1",
    "quality": "how usable the face is, 0 to 1",
    "expression": "most likely expression, or uncertain",
    "confidence": "how likely the expression is right, 0 to 1",
    "valence": "unpleasant to pleasant, -1 to 1",
    "arousal": "calm to excited, -1 to 1",
    "neutral": "neutral face that it is read against",
    **{f"p_{label}": f"probability of {label}, 0 to 1" for label in EMOTIONS},
    **{name: f"{_MEASURES[name]}{', degrees' if name in POSE else ''}" for name in _MEASURES},
    **{
        name: f"{name.removesuffix('_change')}, change from the own neutral"
        for name in MEASURES[len(_MEASURES) :]
    },
    **{
        name: f"landmark {point} of 68, {axis}, pixels"
        for name, point, axis in ((each, *each.split("_")[1:]) for each in POINTS)
    },
    "start_s": "first reading, seconds from the start",
    "end_s": "last reading, seconds from the start",
    "duration_s": "length, seconds",
    "frames": "readings of this face",
    "share_of_frames": "share of the analysed frames, 0 to 1",
    "longest_neutral_s": "longest unbroken neutral time, seconds",
    **{f"share_{label}": f"share of the readings that are {label}, 0 to 1" for label in LABELS},
    "kind": "photograph or video",
    "frame_rate_hz": "frames a second",
    "frames_read": "frames read",
    "frames_analysed": "frames analysed",
    "frames_with_face": "analysed frames with a face",
    "frames_dropped": "frames dropped",
    "share_with_face": "share of the analysed frames with a face, 0 to 1",
    "coverage": "share of the time with a face read, 0 to 1",
    "rows": "readings of all faces",
    "tracks": "different faces",
    "note": "what was odd",
    **{
        f"{name}_{what}": f"{said} of {name}"
        for name in averaged(measures=True)
        for what, said in (("mean", "mean"), ("sd", "standard deviation"))
    },
}


def words(column: str) -> str:
    """Return what a column means, in at most `LONGEST` letters."""
    return _WORDS[column]
