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
from mien.exchange.formats.convert import FORMATS, convert
from mien.exchange.formats.excel import write_workbook
from mien.exchange.formats.results import TABLES, Results
from mien.exchange.formats.words import LONGEST, words
from mien.labels import EMOTIONS
from mien.table import Columns, Row, new_table, read_table

for each in ("openpyxl", "xlsxwriter", "pyreadstat", "pympi"):
    needs.package(each)

ALL = Columns(measures=True, landmarks=True, neutral=True)
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


@pytest.fixture(scope="module", params=["csv", "parquet"])
def results(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    return make_results(tmp_path_factory.mktemp("made") / "results", request.param)


def table_of(results: Path) -> pd.DataFrame:
    return read_table(next(results.glob("table.*")))


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
    for layout in (ALL, SummaryColumns("tracks", measures=True), SummaryColumns("recordings", measures=True)):
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
    if kind == "eaf":
        with pytest.raises(SourceError, match="no recording of a video"):
            convert(tmp_path, tmp_path / "x.eaf")
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
        ({"to": "ods"}, "expected a file that ends in"),
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
