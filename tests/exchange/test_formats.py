"""Every format is read back by a reader of its own."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import needs
from mien.aggregate import LABELS, SummaryColumns
from mien.cli import main
from mien.errors import ConfigError, OutputError, SourceError
from mien.exchange.formats.convert import A_RECORDING, FORMATS, convert
from mien.exchange.formats.excel import write_workbook
from mien.exchange.formats.results import TABLES, Results
from mien.exchange.formats.words import LONGEST, words
from mien.labels import EMOTIONS
from mien.table import Columns, Row, new_table, read_table

for each in ("openpyxl", "xlsxwriter", "pyreadstat", "pympi"):
    needs.package(each)

ALL = Columns(measures=True, neutral=True)
NAMES = ("=1+1 Größe.mp4", "leer.mp4", "日本.mp4")


def face_rows(source: str, columns: Columns, seconds: float = 6.0, rate_hz: float = 10.0) -> list[Row]:
    """A face that smiles from 1 to 3 s and is angry from 2.5 to 4 s; another one at the beginning."""
    made: list[Row] = []
    for frame in range(round(seconds * rate_hz)):
        time_s = frame / rate_hz
        for track in (0, 1) if time_s < 1 else (0,):
            smiles, angry = 1 <= time_s < 3, 2.5 <= time_s < 4
            p = dict.fromkeys(EMOTIONS, 0.0) | {"happiness": 0.6 * smiles, "anger": 0.55 * angry}
            p["neutral"] = 1 - min(1, sum(p.values()))
            cells: dict[str, Any] = dict.fromkeys(columns.names, 0.25)
            cells |= {f"p_{label}": round(value, 5) for label, value in p.items()}
            cells |= {"p_contempt": None, "source": source, "frame": frame, "time_s": time_s, "track": track}
            cells |= {"valence": None if frame == 3 else 0.5, "neutral": "average"}
            cells["expression"] = "happiness" if smiles else "uncertain" if angry else "neutral"
            made.append(tuple(cells[name] for name in columns.names))
    return made


def a_record(source: str, **more: Any) -> dict[str, Any]:
    return {
        "source": source, "stem": source[:-4], "path": f"/films/{source}", "kind": "video", "width": 640,
        "height": 480, "duration_s": 6.0, "frame_rate_hz": 10.0, "frames_read": 60, "frames_analysed": 60,
        "frames_with_face": 60, "frames_dropped": 0, "coverage": 1.0, "note": "", **more,
    }  # fmt: skip


def make_results(folder: Path, suffix: str = "csv", columns: Columns = ALL) -> Path:
    folder.mkdir()
    with new_table(folder / f"table.{suffix}", columns) as table:
        for name in (NAMES[0], NAMES[2]):
            table.write(face_rows(name, columns))
    records = [a_record(name) for name in NAMES]
    (folder / "summary.json").write_text(json.dumps({"recordings": records}, ensure_ascii=False), "utf-8")
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_results(tmp_path_factory.mktemp("made") / "results")


def table_of(results: Path) -> pd.DataFrame:
    return read_table(next(results.glob("table.*")))


def test_a_parquet_table_is_read_as_a_csv_is(results: Path, tmp_path: Path) -> None:
    parquet = Results.open(make_results(tmp_path / "results", "parquet"))
    csv = Results.open(results)
    assert (parquet.columns, parquet.records) == (csv.columns, csv.records)
    assert list(parquet.rows()) == list(csv.rows())
    assert [record["source"] for record, _ in parquet.recordings()] == list(NAMES)


def test_excel_has_a_sheet_for_each_table_and_runs_no_formula(results: Path, tmp_path: Path) -> None:
    import openpyxl

    assert convert(results, tmp_path / "all.xlsx").notes == ()
    book = openpyxl.load_workbook(tmp_path / "all.xlsx")
    assert book.sheetnames == [*TABLES, "words"]
    expected = table_of(results)
    header, *rows = book["readings"].iter_rows()
    assert [cell.value for cell in header] == list(expected.columns)
    assert len(rows) == len(expected)
    assert (rows[0][0].value, rows[0][0].data_type) == (NAMES[0], "s")
    valence = expected.columns.get_loc("valence")
    assert [row[valence].value for row in rows[:9]] == [0.5] * 6 + [None] * 2 + [0.5]
    named = [cell.value for cell in book["recordings"]["A"]]
    assert named == ["source", *NAMES]
    told = {row[0]: row[1] for row in book["words"].iter_rows(values_only=True)}
    used = {name for sheet in TABLES for name in next(book[sheet].iter_rows(values_only=True))}
    assert used <= set(told)


def test_excel_goes_on_in_another_sheet_where_one_is_full(results: Path, tmp_path: Path) -> None:
    import openpyxl

    opened = Results.open(results)
    (note,) = write_workbook(opened, tmp_path / "x.xlsx", most_rows=60)
    assert note == "the readings fill 3 sheets: Excel takes 60 rows in one"
    book = openpyxl.load_workbook(tmp_path / "x.xlsx", read_only=True)
    assert book.sheetnames[:4] == ["readings", "readings 2", "readings 3", "tracks"]
    assert [book[name].max_row for name in book.sheetnames[:3]] == [60, 60, 23]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("suffix", ["sav", "dta"])
def test_spss_and_stata_have_labels(results: Path, tmp_path: Path, suffix: str, table: Any) -> None:
    import pyreadstat

    out = tmp_path / f"x.{suffix}"
    convert(results, out, table=table)
    read = pyreadstat.read_sav if suffix == "sav" else pyreadstat.read_dta
    frame, about = read(str(out))
    expected = Results.open(results).frame(table)
    assert list(frame.columns) == list(expected.columns)
    assert about.column_labels == [words(name) for name in expected.columns]
    assert about.variable_value_labels["expression"] == dict(enumerate(LABELS))
    assert frame["source"].tolist() == expected["source"].tolist()
    for name in expected.columns:
        if pd.api.types.is_numeric_dtype(expected[name]):
            np.testing.assert_array_equal(frame[name].astype(float), expected[name].astype(float), name)
    assert [LABELS[int(code)] for code in frame["expression"].dropna()] == expected[
        "expression"
    ].dropna().tolist()
    if table == "recordings":
        assert math.isnan(frame["valence_mean"][1])  # of nobody


def test_stata_s_own_limits_are_kept() -> None:
    for layout in (
        Columns(True, True, True),
        SummaryColumns("tracks", measures=True),
        SummaryColumns("recordings", measures=True),
    ):
        for name in layout.names:
            assert name.isidentifier()
            assert len(name) <= 32
            assert 0 < len(words(name)) <= LONGEST, name


def test_stata_s_file_is_pandas_too(results: Path, tmp_path: Path) -> None:
    convert(results, tmp_path / "x.dta", table="tracks")
    frame = pd.read_stata(tmp_path / "x.dta")
    assert frame["source"].tolist() == [NAMES[0]] * 2 + [NAMES[2]] * 2
    assert frame["expression"].tolist()[1] == "neutral"


@pytest.mark.parametrize("table", TABLES)
def test_parquet_has_the_types_of_r(results: Path, tmp_path: Path, table: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    convert(results, tmp_path / "x.parquet", table=table)
    schema = pq.read_schema(tmp_path / "x.parquet")
    factor = pa.dictionary(pa.int32(), pa.string())
    assert set(schema.types) <= {pa.int32(), pa.float64(), pa.string(), factor}
    assert schema.field("expression").type == factor
    frame = pd.read_parquet(tmp_path / "x.parquet")
    assert frame["expression"].cat.categories.tolist() == list(LABELS)
    expected = Results.open(results).frame(table)
    assert frame["source"].tolist() == expected["source"].tolist()
    np.testing.assert_array_equal(
        frame["valence" if table == "readings" else "valence_mean"].astype(float),
        expected["valence" if table == "readings" else "valence_mean"].astype(float),
    )


def test_csv_is_the_table_again(results: Path, tmp_path: Path) -> None:
    convert(results, tmp_path / "x.csv")
    pd.testing.assert_frame_equal(read_table(tmp_path / "x.csv"), table_of(results))
    convert(results, tmp_path / "t.csv", table="tracks")
    assert (
        (tmp_path / "t.csv").read_text("utf-8").splitlines()[1].startswith("'=1+1 Größe.mp4,0,0.000000,5.9")
    )


def test_elan_has_a_document_for_each_video(results: Path, tmp_path: Path) -> None:
    from pympi.Elan import Eaf

    written = convert(results, tmp_path / "elan", to="eaf")
    assert [path.name for path in written.files] == [f"{name[:-4]}.eaf" for name in NAMES]
    eaf = Eaf(str(written.files[0]))
    assert set(eaf.get_tier_names()) == {"face 0", "face 0 (2)", "face 0 in view", "face 1", "face 1 in view"}
    (smile,) = eaf.get_annotation_data_for_tier("face 0")
    assert smile == (950, 2950, "happiness")
    (anger,) = eaf.get_annotation_data_for_tier("face 0 (2)")
    assert anger[2] == "anger"
    assert 2400 < anger[0] < smile[1] < anger[1] < 4000
    assert eaf.get_annotation_data_for_tier("face 1 in view") == [(0, 900, "in view")]
    (linked,) = eaf.get_linked_files()
    assert linked["MEDIA_URL"] == (Path("/films") / NAMES[0]).as_uri()
    assert linked["MIME_TYPE"] == "video/mp4"
    assert (written.files[0].parent / linked["RELATIVE_MEDIA_URL"]).resolve() == Path("/films") / NAMES[0]
    assert set(eaf.get_cv_entries("expressions")) == {f"cve_{label}" for label in EMOTIONS}
    assert Eaf(str(written.files[1])).get_tier_names()  # ELAN opens none without a tier
    assert not list(tmp_path.rglob("*.bak"))


def test_one_file_is_of_one_recording(results: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one file, and there are 3 recordings"):
        convert(results, tmp_path / "x.eaf")
    assert convert(results, tmp_path / "x.eaf", source=NAMES[2]).files == (tmp_path / "x.eaf",)
    with pytest.raises(ConfigError, match="expected one of the recordings"):
        convert(results, tmp_path / "y.eaf", source="none")


def test_a_face_read_rarely_has_no_episodes(tmp_path: Path) -> None:
    with new_table(tmp_path / "table.csv") as table:
        table.write(face_rows("a.mp4", Columns(), rate_hz=2))
    (note,) = convert(tmp_path, tmp_path / "a.eaf").notes
    assert note.startswith("a.mp4: a face was read too rarely")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_table_of_nobody_is_written_all_the_same(tmp_path: Path, kind: str) -> None:
    with new_table(tmp_path / "table.csv"):
        pass
    if kind in (*A_RECORDING, "bids"):
        with pytest.raises(SourceError, match="no recording of a video"):
            convert(tmp_path, tmp_path / "x", to=kind)
        return
    (file,) = convert(tmp_path, tmp_path / f"x.{kind}").files
    assert file.stat().st_size > 0


def test_what_is_there_stays(tmp_path: Path) -> None:
    with new_table(tmp_path / "table.csv") as table:
        table.write(face_rows("a.mp4", Columns(), seconds=1))
    before = (tmp_path / "table.csv").read_bytes()
    for choice in ({}, {"overwrite": True}):
        with pytest.raises(ConfigError, match="is the file that is read"):
            convert(tmp_path, tmp_path / "table.csv", **choice)
    assert (tmp_path / "table.csv").read_bytes() == before
    (tmp_path / "x.csv").write_text("mine")
    with pytest.raises(OutputError, match="is there already"):
        convert(tmp_path, tmp_path / "x.csv")
    convert(tmp_path, tmp_path / "x.csv", overwrite=True)
    assert (tmp_path / "x.csv").read_bytes() == before
    with pytest.raises(OutputError, match="is a folder"):
        convert(tmp_path, tmp_path, to="xlsx")


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (
            {"to": "ods"},
            r"expected a file that ends in .xlsx.* \.xdf, or .* folder with the format .*xdf or bids;",
        ),
        ({"to": "xlsx", "table": "tracks"}, "no choice of a table"),
        ({"to": "csv", "table": "faces"}, "expected readings"),
        ({"to": "sav", "source": "a.mp4"}, "has all recordings"),
    ],
)
def test_wrong_use_is_said(tmp_path: Path, choices: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        convert(tmp_path, tmp_path / "x", **choices)


def test_what_is_no_result_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has no table"):
        convert(tmp_path, tmp_path / "x.csv")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match="not a table of readings"):
        convert(tmp_path, tmp_path / "x.csv")
    (tmp_path / "table.parquet").write_bytes(b"no")
    with pytest.raises(SourceError, match="cannot read the table"):
        convert(tmp_path / "table.parquet", tmp_path / "x.csv")
    with pytest.raises(ConfigError, match="both"):
        convert(tmp_path, tmp_path / "x.csv")
    text = ",".join(Columns().names) + "\n" + "a.mp4,no" + "," * 19 + "\n"
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(SourceError, match="cannot read the table"):
        convert(tmp_path / "t.csv", tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()


def test_a_file_in_the_folders_place_is_said(results: Path, tmp_path: Path) -> None:
    (tmp_path / "there.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"there\.txt is a file: name one that ends in \.eaf, or a folder"):
        convert(results, tmp_path / "there.txt", to="eaf", overwrite=True)
    assert (tmp_path / "there.txt").read_text() == "mine"


def test_the_command(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.sav"
    assert main(["convert", str(results), "--table", "tracks", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": [str(out)], "notes": []}
    assert main(["convert", str(results), "--out", str(out)]) == 1
    assert "is there already" in capsys.readouterr().err


def test_a_missing_package_is_named_with_its_extra(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, suffix in (("xlsxwriter", "xlsx"), ("pyreadstat", "dta"), ("pympi.Elan", "eaf")):
        with monkeypatch.context() as patch:
            patch.setitem(__import__("sys").modules, module, None)
            assert main(["convert", str(results), "--to", suffix, "--out", str(tmp_path / f"y.{suffix}"),
                         *(["--source", NAMES[0]] if suffix == "eaf" else [])]) == 1  # fmt: skip
            assert "[tables]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_edf_has_the_courses_of_each_face(results: Path, tmp_path: Path) -> None:
    mne = pytest.importorskip("mne")
    edfio = pytest.importorskip("edfio")
    written = convert(results, tmp_path / "edf", to="edf")
    assert [path.name for path in written.files] == [f"{name[:-4]}.edf" for name in (NAMES[0], NAMES[2])]
    assert written.notes == ("leer.mp4 has no face, so that there is nothing for an EDF file",)
    expected = table_of(results)
    expected = expected[(expected["source"] == NAMES[0]) & (expected["track"] == 0)]
    raw = mne.io.read_raw_edf(written.files[0], verbose="error")
    assert raw.info["sfreq"] == 10
    values = raw.get_data(["p_happiness 0"])[0]
    np.testing.assert_allclose(values[: len(expected)], expected["p_happiness"], atol=1e-4)
    signals = {each.label: each for each in edfio.read_edf(written.files[0]).signals}
    assert {"face valence 0", "face arousal 1", "quality 0", "yaw 1", "p_neutral 1"} <= set(signals)
    assert "p_contempt 0" not in signals  # nothing is known of it
    gap = signals["face valence 0"].data[3]  # the table's empty cell
    assert gap == pytest.approx(signals["face valence 0"].physical_range.min)
    assert signals["face valence 1"].data[9] == pytest.approx(0.5, abs=1e-3)
    assert signals["face valence 1"].data[10] == pytest.approx(signals["face valence 1"].physical_range.min)


def test_edf_is_read_back_by_mien_with_its_gaps(results: Path, tmp_path: Path) -> None:
    pytest.importorskip("edfio")
    from mien.signals.files import read_signals

    (file,) = convert(results, tmp_path / "a.edf", source=NAMES[2]).files
    read = {each.name: each for each in read_signals(file).signals}
    valence = read["face valence 0"]
    assert not np.isclose(valence.times_s, 0.3).any() or np.isnan(valence.values[3])


def test_courses_take_the_nearest_reading() -> None:
    from mien.exchange.formats.courses import courses_of

    rng = np.random.default_rng(0)
    names = Columns().names
    made: list[Row] = []
    for frame in range(300):
        if 100 <= frame < 120:
            continue  # the face is away
        cells = dict.fromkeys(names, float(frame)) | {"track": 3}
        cells["time_s"] = frame / 29.97 + rng.uniform(-0.004, 0.004) * (frame > 0)
        made.append(tuple(cells[name] for name in names))
    found = courses_of(made, Columns(), 8)
    assert (found.rate_hz, [face.track for face in found.faces]) == (30, [3])
    values = found.faces[0].values[:, found.names.index("valence")]
    times = np.array([row[names.index("time_s")] for row in made], float)
    for index, value in enumerate(values):
        distance = np.abs(times - index / 30)
        if np.isnan(value):
            assert distance.min() > 1 / 60
        else:
            assert value == made[int(distance.argmin())][names.index("valence")]
    assert 17 <= np.isnan(values).sum() <= 25
    assert courses_of([], Columns(), 8).faces == ()


def bids_problems(folder: Path) -> list[str]:
    """Return the files whose names BIDS's own schema doesn't know."""
    validator = pytest.importorskip("bidsschematools.validator")
    return sorted(Path(path).name for path in validator.validate_bids([str(folder)])["path_tracking"])


def test_bids_has_names_and_sidecars_by_its_rules(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    sources = (
        "sub-01/ses-2/sub-01_ses-2_task-rest_video.mp4",
        "=1+1 Größe.mp4",
        "=1+1 Grosse.mp4",
        "leer.mp4",
    )
    with new_table(results / "table.csv") as table:
        for name in sources[:3]:
            table.write(face_rows(name, Columns(), seconds=2))
    records = [a_record(name) for name in sources] + [a_record("x.jpg", kind="photograph")]
    (results / "summary.json").write_text(json.dumps({"recordings": records}), "utf-8")
    pulse = "time_s,track,rate_bpm,quality,method\n10,0,70.5,0.90,pos\n10,1,60,0.9,pos\n"
    pulse += "11,0,,0.20,\n13,0,71,0.80,chrom\n"
    (results / f"{sources[1][:-4]}.pulse.csv").write_text(pulse, "utf-8")

    written = convert(results, tmp_path / "bids", to="bids")
    assert written.notes == ("leer.mp4: no face was read; its table is empty",)
    made = {
        path.relative_to(tmp_path / "bids").as_posix()
        for path in (tmp_path / "bids").rglob("*")
        if path.is_file()
    }
    assert made == {path.relative_to(tmp_path / "bids").as_posix() for path in written.files}
    assert {
        "sub-01/ses-2/beh/sub-01_ses-2_task-rest_beh.tsv",
        "sub-11Gre/beh/sub-11Gre_task-face_beh.json",
    } <= made
    assert bids_problems(tmp_path / "bids") == []
    (tmp_path / "bids/sub-01/ses-2/beh/sub-01_rest_beh.tsv").touch()
    assert bids_problems(tmp_path / "bids") == ["sub-01_rest_beh.tsv"]

    beh = pd.read_csv(tmp_path / "bids/sub-11Gre/beh/sub-11Gre_task-face_beh.tsv", sep="\t")
    assert (len(beh), beh["valence"].isna().sum()) == (20, 1)
    sidecar = json.loads((tmp_path / "bids/sub-11Gre/beh/sub-11Gre_task-face_beh.json").read_text("utf-8"))
    assert set(beh.columns) == set(sidecar) - {"TaskName", "TaskDescription"}
    assert set(beh["expression"]) <= set(sidecar["expression"]["Levels"])

    about = json.loads((tmp_path / "bids/sub-11Gre/beh/sub-11Gre_task-face_physio.json").read_text("utf-8"))
    values = pd.read_csv(
        tmp_path / "bids/sub-11Gre/beh/sub-11Gre_task-face_physio.tsv.gz", sep="\t", names=about["Columns"]
    )
    assert (about["SamplingFrequency"], about["StartTime"]) == (1.0, 10.0)
    assert values["cardiac_rate"].fillna(0).tolist() == [70.5, 0, 0, 71]
    people = pd.read_csv(tmp_path / "bids/participants.tsv", sep="\t")
    assert people["participant_id"].tolist() == ["sub-01", "sub-11Gre", "sub-11Grosse", "sub-leer"]

    with pytest.raises(OutputError, match="not empty"):
        convert(results, tmp_path / "bids", to="bids")
    assert convert(results, tmp_path / "bids", to="bids", overwrite=True).files == written.files


def test_bids_refuses_two_recordings_of_one_name(tmp_path: Path) -> None:
    with new_table(tmp_path / "table.csv") as table:
        for name in ("a/sub-1_task-x.mp4", "b/sub-1_task-x.mp4"):
            table.write(face_rows(name, Columns(), seconds=1))
    with pytest.raises(SourceError, match="add run-1 and run-2"):
        convert(tmp_path, tmp_path / "bids", to="bids")
