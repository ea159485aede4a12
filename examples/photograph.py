"""Reads the faces of a photograph, and marks them on a copy: python photograph.py family.jpg marked.png."""

import sys

from PIL import Image

import mien
from mien.show.draw import draw
from mien.source.images import read_image
from mien.source.portrait import portrait_path

path, copy = (*sys.argv[1:], *(portrait_path(), "marked.png")[len(sys.argv) - 1 :])
picture = read_image(path)
faces = mien.read(picture)
for face in faces:
    print(face, {name: round(p, 2) for name, p in face.probabilities.items() if p > 0.05})
Image.fromarray(draw(picture, faces)).save(copy)
