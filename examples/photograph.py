"""Reads the faces of a photograph, and marks them on a copy: python photograph.py family.jpg marked.png."""

import sys

import mien
from mien.source.portrait import portrait_path

picture, copy = (*sys.argv[1:], *(portrait_path(), "marked.png")[len(sys.argv) - 1 :])
faces = mien.read(picture)
for face in faces:
    print(face, {name: round(p, 2) for name, p in face.probabilities.items() if p > 0.05})
print(faces.to_frame()[["x", "y", "width", "height", "expression", "confidence"]])
faces.draw(picture).save(copy)
