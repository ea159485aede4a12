"""Faces: found, followed, cropped and judged."""
