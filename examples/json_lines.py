"""Prints one line of JSON for each face as it is read: python json_lines.py session.mp4 (or camera:0)."""

import json
import sys

import mien
from mien.source.portrait import portrait_path

for frame, faces in mien.stream(sys.argv[1] if len(sys.argv) > 1 else portrait_path()):
    for face in faces:
        reading = {
            "time_s": frame.time_s,
            "track": face.track,
            "label": face.label,
            "confidence": face.confidence,
        }
        print(json.dumps(reading), flush=True)
