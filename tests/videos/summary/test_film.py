from __future__ import annotations

from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest

from mien.errors import OutputError
from mien.source.video import VideoSource
from mien.videos.summary.course import voice_of
from mien.videos.summary.film import Cut, blurred, write_film
from videos.summary import films

CUTS = [Cut(1.2, 1.9, 1.5, "one"), Cut(3.0, 3.8, 3.1, "two"), Cut(6.1, 6.9, 6.5, "three")]
SECONDS = [1, 3, 6]
ENDS = np.cumsum([cut.end_s - cut.start_s for cut in CUTS]).tolist()
STARTS = [0.0, *ENDS[:-1]]
UNEVEN = sorted({0.0, *np.round(np.cumsum(np.tile([0.01, 0.3, 0.07, 0.12], 16)), 3).tolist()})


_MORE = pytest.mark.exhaustive


@pytest.mark.parametrize(
    "made",
    [
        pytest.param({}, id="plain"),
        pytest.param({"times_s": UNEVEN, "sounds": 3}, id="uneven times, three sound tracks"),
        pytest.param({"turned": 90.0, "size_wh": (64, 96), "start_s": 5.0}, id="turned, begins late"),
        pytest.param({"times_s": UNEVEN}, id="uneven times", marks=_MORE),
        pytest.param({"start_s": 5.0}, id="begins late", marks=_MORE),
        pytest.param({"sounds": 3}, id="three sound tracks", marks=_MORE),
        pytest.param({"codec": "libmp3lame"}, id="mp3", marks=_MORE),
        pytest.param({"size_wh": (98, 66)}, id="another size", marks=_MORE),
    ],
)
def test_picture_and_sound_of_each_piece_are_those_of_its_time(
    tmp_path: Path, made: dict[str, object]
) -> None:
    film = films.write_film(tmp_path / "film.mp4", **made)  # type: ignore[arg-type]
    out = tmp_path / "out.mp4"
    with write_film(film, out, CUTS, title="T") as made_pictures:
        pictures = made_pictures
    seen = films.pictures_of(out)
    for start_s, end_s, second in zip(STARTS, ENDS, SECONDS, strict=True):
        inside = [shown for time_s, shown in seen if start_s + 0.001 <= time_s < end_s - 0.02]
        assert inside
        assert np.allclose(inside, second, atol=0.2)
        assert films.sound_at(out, (start_s + end_s) / 2) == pytest.approx(films.tone_hz(second), abs=8)
        # Close to the edges too: picture and sound change at the same time.
        assert films.sound_at(out, start_s + 0.12, 0.12) == pytest.approx(films.tone_hz(second), abs=20)
        assert films.sound_at(out, end_s - 0.12, 0.12) == pytest.approx(films.tone_hz(second), abs=20)
    with av.open(str(out)) as container:
        video, audio = container.streams.video[0], container.streams.audio
        assert (video.codec_context.name, len(audio)) == ("h264", 1)
        assert audio[0].codec_context.name == "aac"
        assert float(audio[0].duration * audio[0].time_base) == pytest.approx(ENDS[-1], abs=0.08)
        size = (video.width, video.height)
        assert container.metadata["title"] == "T"
        told = [
            (float(each["start"] * each["time_base"]), each["metadata"]["title"])
            for each in container.chapters()
        ]
    stored = made.get("size_wh", (96, 64))
    assert size == (stored if "turned" not in made else stored[::-1])  # type: ignore[index]
    assert [title for _, title in told] == ["one", "two", "three"]
    assert [start for start, _ in told] == pytest.approx(STARTS, abs=0.002)
    assert len(pictures) == 3
    assert [(float(each[30, 30].mean()) - 20) / films.STEP for each in pictures] == pytest.approx(
        SECONDS, abs=0.2
    )


def test_a_film_without_sound_becomes_one_without(tmp_path: Path) -> None:
    film = films.write_film(tmp_path / "film.mp4", sounds=0)
    with write_film(film, tmp_path / "out.mp4", CUTS, title="T"):
        pass
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio
        assert container.streams.video[0].codec_context.name == "h264"


def test_a_picture_that_stands_still_is_shown_in_a_piece_that_begins_after_it(tmp_path: Path) -> None:
    film = films.write_film(tmp_path / "film.mp4", times_s=[0.0, 3.0, 7.0, 7.9], sounds=0)
    with closing(VideoSource(film)) as source:
        found = [
            (place, since, round((frame.image[30, 30].mean() - 20) / films.STEP))
            for place, since, frame in source.within([(1.0, 2.0), (2.5, 3.5), (4.0, 5.0), (7.95, 9.0)])
        ]
    assert [(place, pytest.approx(since, abs=1e-3), shown) for place, since, shown in found] == [
        (0, 0.0, 0), (1, 0.0, 0), (1, 0.5, 3), (2, 0.0, 3), (3, 0.0, 7),
    ]  # fmt: skip


def test_voice_is_told_from_quiet_and_the_edges_from_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "voice.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream("aac", rate=16_000, layout="mono")
        for index in range(60):
            image = np.full((48, 64, 3), index, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(video.encode())
        random = np.random.default_rng(0)
        time_s = np.arange(6 * 16_000) / 16_000
        loud = ((time_s >= 1) & (time_s < 2.5)) | ((time_s >= 4) & (time_s < 5))
        wave = 0.002 * random.standard_normal(len(time_s)) + 0.3 * loud * np.sin(2 * np.pi * 500 * time_s)
        frame = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(track.encode(frame))
        container.mux(track.encode())
    voice = voice_of(path, 60)
    assert voice is not None
    assert (
        voice != ((np.arange(60) >= 10) & (np.arange(60) < 25) | (np.arange(60) >= 40) & (np.arange(60) < 50))
    ).sum() <= 4
    silent = films.write_film(tmp_path / "film.mp4", sounds=0)
    assert voice_of(silent, 80) is None


def test_what_is_blurred_is_gone_and_the_rest_is_as_it_was() -> None:
    image = np.random.default_rng(0).integers(0, 255, (100, 160, 3), np.uint8)
    before = image.copy()
    result = blurred(image, [np.array([20.0, 20, 60, 60]), np.array([-30.0, -30, -10, -10])])
    assert (result[:, 80:] == image[:, 80:]).all()
    assert result[20:60, 20:60].std() < 0.3 * image[20:60, 20:60].std()
    assert (image == before).all()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_leaves_no_film_and_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = films.write_film(tmp_path / "film.mp4")
    from mien.show import video

    real = av.open
    monkeypatch.setattr(
        video.av,
        "open",
        lambda path, *rest, **named: real("/dev/full" if "w" in rest else path, *rest, **named),
    )
    out = tmp_path / "out" / "out.mp4"
    with (
        pytest.raises(OutputError, match=r"cannot write .*out\.mp4: "),
        write_film(film, out, CUTS, title="T"),
    ):
        pass
    assert list(out.parent.iterdir()) == []
