"""Other tools' files, and people's labels, as Mien's table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mien
from agreement import written
from mien import SourceError
from mien.agreement.formats import turned
from mien.agreement.reading import read_recordings
from mien.labels import MEASURES
from mien.measures.face3d import STANDARD_FACE
from mien.measures.pose import solve_pose
from mien.table import COLUMNS, POINTS, PROBABILITIES


def rotated_face(x_deg: float, y_deg: float, z_deg: float) -> np.ndarray:
    """(1, 68, 2) the standard face turned by Rx Ry Rz, as a camera far away sees it; axes by hand."""
    x, y, z = np.radians([x_deg, y_deg, z_deg])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return (100 * STANDARD_FACE @ (about_x @ about_y @ about_z).T)[None, :, :2]


@pytest.mark.parametrize("angles", [(20, 0, 0), (0, -25, 0), (0, 0, 15), (20, -25, 15)])
def test_other_rotations_become_the_angles_that_mien_measures(angles: tuple[float, float, float]) -> None:
    measured = solve_pose(rotated_face(*angles)).angles_deg[0]
    converted = turned(*(np.array([each], float) for each in angles))
    assert [float(converted[name][0]) for name in ("yaw", "pitch", "roll")] == pytest.approx(
        measured, abs=0.1
    )


def test_an_unknown_rotation_stays_unknown() -> None:
    assert np.isnan(turned(*(np.array([np.nan]) for _ in "xyz"))["yaw"]).all()


@pytest.mark.parametrize("spaces", [True, False])
def test_openface_s_video(tmp_path: Path, spaces: bool) -> None:
    path = written.openface(
        tmp_path / "session.csv", [(1, 0.0, 1, 0), (2, 0.033, 0, 0), (3, 0.067, 1, 250)], spaces=spaces
    )
    table = mien.read_ratings(path)
    assert list(table.columns) == [*COLUMNS, *MEASURES, *POINTS, "AU01_r", "AU12_r", "AU12_c", "AU28_c"]
    assert table["frame"].tolist() == [0, 2]  # one frame in which no face was followed
    assert table["time_s"].tolist() == [0.0, 0.067]
    assert table["detection"].tolist() == [0.98, 0.98]
    assert table["AU12_r"].tolist() == [0.0, 2.5]
    assert table["AU12_c"].tolist() == [0, 1]
    row = table.iloc[0]
    assert row["pitch"] < -15  # looks down
    assert row["yaw"] > 5  # to the picture's right
    assert row["roll"] > 0
    assert row["lm_0_x"] == 100
    assert row["lm_67_y"] == 80
    assert row["expression"] == ""
    assert table[[*PROBABILITIES, "x", "quality", "valence"]].isna().all(axis=None)


def test_a_spreadsheet_s_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    path = written.openface(tmp_path / "of.csv", [(1, 0.0, 1, 120), (2, 0.033, 1, 250)], spaces=False)
    plain = mien.read_ratings(path)
    path.write_text(path.read_text().replace(",", ";").replace(".", ","))
    assert mien.read_ratings(path).equals(plain)
    path.write_text(path.read_text().replace(",", "."))
    assert mien.read_ratings(path).equals(plain)
    path.write_text("success,confidence,timestamp,AU12_r\n1,0.9,0,1e200\n")
    with pytest.raises(mien.SourceError, match=r"AU12_r is 1e\+200, too large to be a reading"):
        mien.read_ratings(path)


def test_openface_s_photograph(tmp_path: Path) -> None:
    table = mien.read_ratings(written.openface_picture(tmp_path / "two.csv"))
    assert table["track"].tolist() == [0, 1]
    assert table["frame"].tolist() == table["time_s"].tolist() == [0, 0]
    assert table["yaw"].iloc[0] == pytest.approx(np.degrees(0.139), abs=1)  # -0.139 is to the picture's right
    assert table["pitch"].iloc[0] > 3


OLD_FEX = (
    "frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU12,Pitch,Roll,Yaw,"
    "anger,disgust,fear,happiness,sadness,surprise,neutral,input"
)


def test_py_feat_s_first_versions(tmp_path: Path) -> None:
    film = "F:\\src\\film.mp4"
    rows = [
        [0, 10, 20, 30, 40, 0.99, 0.96, 8.0, -2.0, -6.0, 0.01, 0, 0, 0.97, 0, 0.02, 0, film],
        [0, 90, 20, 30, 40, 0.98, 0.1, 0, 0, 0, 0.1, 0, 0, 0.1, 0, 0, 0.8, film],
        [1.0, *["nan"] * 16, film],
    ]
    table = mien.read_ratings(written.pyfeat(tmp_path / "fex.csv", rows, OLD_FEX))
    assert table["source"].tolist() == ["film.mp4"] * 2
    assert table["track"].tolist() == [0, 1]
    assert table["expression"].tolist() == ["happiness", "neutral"]
    assert table["p_happiness"].tolist() == [0.97, 0.1]
    assert table["p_contempt"].isna().all()
    assert table["time_s"].isna().all()
    assert table.loc[0, ["x", "y", "width", "height", "detection"]].tolist() == [10, 20, 30, 40, 0.99]
    assert table.loc[0, ["yaw", "pitch", "roll"]].tolist() == pytest.approx([6, 8, -2], abs=1)
    assert table["AU12_p"].tolist() == [0.96, 0.1]


def test_py_feat_s_newest_version_is_in_radians(tmp_path: Path) -> None:
    names = (
        "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,Pitch,Roll,Yaw,X,Y,Z,AU12,"
        "Neutral,Happy,Sad,Surprise,Fear,Disgust,Anger,valence,arousal,input,frame,approx_time,Identity"
    )
    rows = [
        [
            1, 2, 3, 4, 0.9, 0.1, 0.05, -0.2, 0, 0, 5, 0.3,
            0.1, 0.8, 0, 0, 0, 0, 0.1, 0.7, 0.2, "001.mp4", 7, "00:00", None,
        ]
    ]  # fmt: skip
    table = mien.read_ratings(written.pyfeat(tmp_path / "001.csv", rows, names))
    row = table.iloc[0]
    assert (row["frame"], row["expression"], row["valence"], row["arousal"]) == (7, "happiness", 0.7, 0.2)
    assert [row["yaw"], row["pitch"], row["roll"]] == pytest.approx([11.5, 5.7, 2.9], abs=1.5)


def test_py_feat_s_versions_with_wrong_names_give_no_pose(tmp_path: Path) -> None:
    names = "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,Pitch,Roll,Yaw,X,Y,Z,happiness,neutral,frame"
    path = written.pyfeat(tmp_path / "fex.csv", [[1, 2, 3, 4, 0.1, 0.2, 0.3, 0, 0, 5, 0.9, 0.1, 0]], names)
    assert "yaw" not in mien.read_ratings(path)
    [ratings] = read_recordings(path).values()
    assert "wrong names" in ratings.remarks[0]


def test_py_feat_s_photographs_are_recordings(tmp_path: Path) -> None:
    names = "frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,happiness,neutral,input"
    rows = [[place, 1, 2, 3, 4, 0.9, 0.1, f"/photos/{place}.jpg"] for place in range(3)]
    found = read_recordings(written.pyfeat(tmp_path / "fex.csv", rows, names))
    assert list(found) == ["0", "1", "2"]
    assert all(each.frame["time_s"].tolist() == [0.0] for each in found.values())


def test_py_feat_s_photographs_may_be_called_na_or_a_number(tmp_path: Path) -> None:
    names = "frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,happiness,neutral,input"
    called = ["NA", "007", "nan", "12"]
    rows = [[place, 1, 2, 3, 4, 0.9, 0.1, name] for place, name in enumerate(called)]
    assert list(read_recordings(written.pyfeat(tmp_path / "fex.csv", rows, names))) == called


def test_deepface_s_frames(tmp_path: Path) -> None:
    table = mien.read_ratings(written.deepface(tmp_path / "faces.json", [["happy", "sad"], [], ["angry"]]))
    assert table["frame"].tolist() == [0, 0, 2]
    assert table["track"].tolist() == [0, 1, 0]
    assert table["expression"].tolist() == ["happiness", "sadness", "anger"]
    assert table["p_happiness"].iloc[0] == pytest.approx(0.7)
    assert table.loc[0, ["x", "y", "width", "height", "detection"]].tolist() == [100, 80, 60, 60, 0.9]


@pytest.mark.parametrize(
    ("value", "frames", "tool"),
    [
        ({"emotion": {"happy": 90, "sad": 10}, "region": {"x": 1, "y": 2, "w": 3, "h": 4}}, [0], "DeepFace"),
        ({f"instance_{each}": {"emotion": {"sad": 99.0}} for each in (1, 2)}, [0, 1], "DeepFace"),
        ({"results": [{"emotion": {"sad": 0.9}}]}, [0], "DeepFace"),
        ([{"box": [277, 90, 48, 63], "emotions": {"angry": 0.02, "happy": 0.16}}], [0], "fer"),
        ([{"emotions": {"happy": 1}, "frame": 4}, {"emotions": {"happy": 1}, "frame": 9}], [4, 9], "fer"),
    ],
)  # fmt: skip
def test_other_forms_of_faces_in_json(tmp_path: Path, value: object, frames: list[int], tool: str) -> None:
    path = tmp_path / "faces.json"
    path.write_text(json.dumps(value))
    [ratings] = read_recordings(path).values()
    assert ratings.frame["frame"].tolist() == frames
    assert ratings.tool == tool
    assert ratings.frame[list(PROBABILITIES)].max(axis=None) <= 1


def test_lines_of_json_with_times(tmp_path: Path) -> None:
    path = tmp_path / "faces.jsonl"
    path.write_text(
        "\n".join(json.dumps({"emotion": {"sad": 80.0}, "timestamp": each / 2}) for each in range(3))
    )
    assert mien.read_ratings(path)["time_s"].tolist() == [0, 0.5, 1]


def test_fer_s_table_of_a_video(tmp_path: Path) -> None:
    table = mien.read_ratings(written.fer_csv(tmp_path / "data.csv", ["happy", "sad", "neutral"]))
    assert table["frame"].tolist() == [0, 0, 1, 2]
    assert table["track"].tolist() == [0, 1, 0, 0]
    assert table["expression"].tolist() == ["happiness", "happiness", "sadness", "neutral"]
    # fer reads a frame with a border of 40 pixels around it.
    assert table.loc[0, ["x", "y", "width", "height"]].tolist() == [100, 80, 60, 60]


def test_fer_s_first_face_of_pandas(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(",box,angry,happy\n0,[40 50 6 7],0.1,0.9\n1,(41  50 6 7),0.8,0.2\n")
    table = mien.read_ratings(path)
    assert table["expression"].tolist() == ["happiness", "anger"]
    assert table["x"].tolist() == [0, 1]


def test_facereader_s_detailed_log(tmp_path: Path) -> None:
    rows = [
        written.facereader_row("00:00:00.000", "FIND_FAILED"),
        written.facereader_row("00:00:00.033", "0.6000"),
        written.facereader_row(
            "00:01:00.066", "0,1000", unit="NotActive"
        ),  # a comma, as some countries write
    ]
    table = mien.read_ratings(written.facereader(tmp_path / "log.txt", rows))
    assert table["source"].tolist() == ["session.mp4"] * 2
    assert table["frame"].tolist() == [1, 2]
    assert table["time_s"].tolist() == [0.033, 60.066]
    assert table["expression"].tolist() == ["happiness", "neutral"]
    assert table["p_happiness"].tolist() == [0.6, 0.1]
    assert table["valence"].tolist() == [0.5, 0.5]
    assert table["arousal"].tolist() == [0.5, 0.5]  # 0.75 of 0 to 1
    assert table["roll"].tolist() == [-9.09, -9.09]
    assert table[["yaw", "pitch"]].isna().all(axis=None)
    assert table["AU12_r"].tolist() == [3, 0]


def test_facereader_s_logs_of_several_people_in_utf_16(tmp_path: Path) -> None:
    rows = [written.facereader_row(f"00:00:00.{each}00", "0.5", who=who) for who in "AB" for each in range(3)]
    path = written.facereader(tmp_path / "log.txt", rows, about=False, encoding="utf-16")
    assert list(read_recordings(path)) == ["A Analysis 5", "B Analysis 5"]


def test_facereader_s_rounded_times_are_made_anew(tmp_path: Path) -> None:
    # As spreadsheets save them: minutes and tenths.
    rows = [written.facereader_row(f"00:00.{each // 3}", "0.5") for each in range(6)]
    table = mien.read_ratings(written.facereader(tmp_path / "log.txt", rows))
    assert table["time_s"].tolist() == pytest.approx([each / 30 for each in range(6)], abs=1e-6)


def test_a_person_s_labels(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("time_s;label;end_s\n1,5;Happy;2,5\n0;angry;1\n00:01:02.5;calm;63\n")
    table = mien.read_ratings(path)
    assert table["time_s"].tolist() == [0, 1.5, 62.5]
    assert table["expression"].tolist() == ["anger", "happiness", "calm"]
    assert table["end_s"].tolist() == [1, 2.5, 63]


def test_our_own_table_is_read_as_ever(tmp_path: Path) -> None:
    path = written.ours(tmp_path / "table.csv", ["happiness", "uncertain"])
    pd.testing.assert_frame_equal(mien.read_ratings(path), mien.read_table(path))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "it is empty"),
        ("a.csv", b"\n \n", "it is empty"),
        ("a.csv", b"name,age\nAnn,3\n", "received columns age, name"),
        ("a.txt", b"Dear diary, today I was happy.\n", "expected a table of OpenFace"),
        ("a.csv", bytes(range(256)) * 4, "it is no text"),
        ("a.parquet", b"PAR1", "cannot read the table"),
        ("a.csv", b"box0,angry0,happy0\n\"[1, 2, 3, 4]\",1\n", "last line has 2 of 3 cells; it is cut off"),
        ("a.csv", b"box0,angry0,happy0\n\"[1, 2, 3, 4]\",much,0.9\n", "angry0 is 'much', no number"),
        ("a.csv", b"frame, timestamp, confidence, success\n1, 0, 1, 1\n2, 0.", "has 2 of 4 cells"),
        ("a.csv", b"frame, timestamp, confidence, success\n1, 0, high, 1\n", "ence is 'high', no number"),
        ("a.json", b"[{\"emotion\": {\"happy\": 9", "it is no whole JSON (line 1"),
        ("a.json", b"[]", "there is no face in it"),
        ("a.json", b"[[], []]", "there is no face in it"),
        ("a.json", b"[{\"age\": 31}]", "has no emotions"),
        ("a.json", b"{\"faces\": 3}", "has no emotions"),
        ("a.json", b"[{\"emotion\": {\"bored\": 1}}]", "no emotion that Mien knows"),
        ("a.json", b"[{\"emotion\": {\"sad\": 1}, \"frame\": \"x\"}]", "'x' is no number of a frame"),
        ("a.json", b"[3, 4]", "has no emotions"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.txt", b"Video analysis detailed log\n\nFace Model\tGeneral\n", "from Video Time on; is it cut"),
        ("a.txt", b"Video Time\tNeutral\tHappy\n00:00:00.000\t0.1\n", "its last line is cut off"),
        ("a.txt", b"Video Time\tNeutral\tHappy\n", "its last line is cut off"),
        ("a.txt", b"Video Time\tDominant Expression\n00:00:00.000\tHappy\n", "expected the detailed log"),
        ("a.txt", b"Video Time\tNeutral\tHappy\nnow\t0.1\t0.9\n", "'now' is no time in seconds"),
        ("a.txt", b"Video Time\tNeutral\tHappy\n0\tFIT_FAILED\tFIT_FAILED\n", "read no face in it"),
        ("a.csv", b"time_s,label\n", "it has no row"),
        ("a.csv", b"time_s,label\nsoon,happy\n", "'soon' is no time in seconds"),
        ("a.csv", b"time_s,label\n1,\n", "a row has no label"),
        ("a.csv", b"time_s,end_s,label\n2,1,happy\n", "ends before it begins"),
        ("a.csv", b"time_s,label\n0,happy\n1,sad\n1,angry\n", "at 1 s there are two labels"),
        ("a.csv", b"time_s,end_s,label\n0,3,happy\n2,4,sad\n", "at 2 s there are two labels"),
        ("a.csv", b"source,frame,time_s,track\na.mp4,0,0", "has 3 of 4 cells"),
        ("a.csv", b"FaceRectX,FaceRectY,frame,happiness\n1,2,,0.5\n", "a row has no frame"),
        ("a.csv", "time_s,label\n1,glücklich\n".encode("latin-1"), "it is not UTF-8 text"),
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_told_in_one_line(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError) as raised:
        mien.read_ratings(path)
    message = str(raised.value)
    assert words in message
    assert str(path) in message
    assert "\n" not in message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot read .*gone\.csv: there is no such file"):
        mien.read_ratings(tmp_path / "gone.csv")
    with pytest.raises(SourceError, match="has no table in it"):
        read_recordings(tmp_path)


def test_folders_hold_recordings_by_name(tmp_path: Path) -> None:
    written.openface(tmp_path / "b.csv", [(1, 0.0, 1, 0)])
    written.openface(tmp_path / "a.csv", [(1, 0.0, 1, 0)])
    (tmp_path / "a_of_details.txt").write_text("Input:a.mp4\n")  # OpenFace's notes beside each table
    assert list(read_recordings(tmp_path)) == ["a", "b"]
    (tmp_path / "summary.json").write_text("{}")
    written.ours(tmp_path / "table.csv", ["happiness"])
    assert list(read_recordings(tmp_path)) == ["session"]  # a folder of `mien analyze`


def test_what_else_lies_in_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Ask Ann about P-3.\n")
    with pytest.raises(SourceError, match="has no table in it"):
        read_recordings(tmp_path)
    written.openface(tmp_path / "a.csv", [(1, 0.0, 1, 0)])
    [ratings] = read_recordings(tmp_path).values()
    assert ratings.remarks[-1].endswith("being no table: notes.txt.")
    (tmp_path / "b.json").write_text("[{")  # what is known and damaged is no other thing
    with pytest.raises(SourceError, match="no whole JSON"):
        read_recordings(tmp_path)


def test_two_recordings_of_one_name(tmp_path: Path) -> None:
    for name in ("a.csv", "a.txt"):
        written.openface(tmp_path / name, [(1, 0.0, 1, 0)])
    with pytest.raises(SourceError, match="two recordings called a"):
        read_recordings(tmp_path)


def test_frames_a_second_are_for_files_without_times(tmp_path: Path) -> None:
    [fer] = read_recordings(written.fer_csv(tmp_path / "data.csv", ["happy", "sad"]), 4).values()
    assert fer.frame["time_s"].tolist() == [0, 0, 0.25]
    with pytest.raises(mien.ConfigError, match="has times of its own"):
        read_recordings(written.openface(tmp_path / "o.csv", [(1, 0.0, 1, 0)]), 30)


def test_no_cell_steers_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("time_s,label,source\n0,\x1b[31mhappy,\x07a.mp4\n")
    row = mien.read_ratings(path).iloc[0]
    assert row["expression"].isprintable()
    assert row["source"].isprintable()
