"""Two live sources with one network, and a place of one's own for their readings: python own_sink.py."""

from collections import Counter

from mien.config import load_settings
from mien.live.session import LiveSession
from mien.source import open_live

faces: Counter[str] = Counter()
with LiveSession(load_settings()) as session, session.broadcaster.subscribe() as readings:
    for name in ("door", "bar"):
        session.add(name, lambda: open_live("portrait", fps=5))  # or "rtsp://192.168.1.30/door"
    while min(faces["door"], faces["bar"]) < 3:
        reading = readings.take(timeout_s=60)  # the newest of the source that has waited longest
        if reading is None:
            break
        faces[reading.source] += len(reading.faces)
print(dict(faces))
