"""The page's scripts without a page: what they compute, write and send."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.labels import EMOTIONS, UNCERTAIN
from mien.table import PLAIN, CsvTable, read_rows, table_frame
from mien.types import Faces
from mien.web.pages import STATIC, live_config
from mien.web.uploads import preview
from needs import program
from patience import LIMIT_S
from show.tables import some_rows
from web.backend import make_reading, one_face

pytestmark = pytest.mark.program

TIME_LIMIT_S = LIMIT_S


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts, in a folder where node knows that they are modules."""
    folder = tmp_path_factory.mktemp("modules")
    shutil.copytree(STATIC, folder, dirs_exist_ok=True)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    return folder


def run(modules: Path, *arguments: str, told: str = "") -> bytes:
    done = subprocess.run(
        [program("node", "which runs the page's scripts without a browser"), *arguments],
        input=told.encode(),
        capture_output=True,
        timeout=TIME_LIMIT_S,
        env={"PATH": os.environ["PATH"], "MIEN_MODULES": modules.as_uri()},
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout


def call(modules: Path, script: str, told: Any = None) -> bytes:
    """Run a script with our modules in reach; `told` is what was told, `give` writes bytes."""
    start = (
        "import { readFileSync, writeSync } from 'node:fs';"
        "const told = JSON.parse(readFileSync(0, 'utf8')); const give = (data) => writeSync(1, data);"
        "const load = (name) => import(`${process.env.MIEN_MODULES}/${name}`);"
    )
    return run(modules, "--input-type=module", "--eval", start + script, told=json.dumps(told))


def test_what_the_scripts_compute(modules: Path) -> None:
    run(modules, "--test", str(Path(__file__).with_name("live.test.mjs")))


def test_the_pages_csv_is_the_table_that_analyze_writes(modules: Path, tmp_path: Path) -> None:
    two = Faces(
        np.float32([[10.126, 20, 110, 140], [0, 0, 50, 60]]),
        track=[3, 4],
        quality=[0.123456, np.nan],
        probabilities=[[0.1] * 7 + [0.3], [np.nan] * 8],
        confidence=[0.3, np.nan],
        valence=[-0.00001, np.nan],
    )
    readings = [
        make_reading("browser-1", 0),
        make_reading("browser-1", 2, 0.0666667, faces=two),
        make_reading('a "b", c', 3, 1.5, faces=one_face()),
        make_reading("browser-1", 4, 2.0, faces=Faces.empty()),
    ]
    expected = tmp_path / "expected.csv"
    table = CsvTable(expected, PLAIN)
    for reading in readings:
        table.write(reading.rows)
    table.close()
    script = (
        "const { ReadingsTable } = await load('readings_table.js');"
        "const record = new ReadingsTable(told.config);"
        "told.readings.forEach((each) => record.add(each)); give(record.csv());"
    )
    told = {"config": live_config(), "readings": [each.as_dict(landmarks=True) for each in readings]}
    assert call(modules, script, told).decode() == expected.read_text(encoding="utf-8")


def test_readings_older_than_an_hour_are_let_go(modules: Path) -> None:
    script = (
        "const { ReadingsTable } = await load('readings_table.js');"
        "const record = new ReadingsTable(told.config);"
        "for (let s = 0; s < 3 * 3600; s += 10) {"
        "  told.reading.at = new Date(1e12 + 1000 * s).toISOString(); record.add(told.reading); }"
        "give(String(record.length));"
    )
    rows = int(
        call(modules, script, {"config": live_config(), "reading": make_reading("browser-1", 0).as_dict()})
    )
    assert 360 <= rows <= 1.1 * 360 + 1


@pytest.mark.parametrize("captured_ms", [0.0, 1234.5678, 1e12])
def test_a_frame_is_packed_as_the_server_reads_it(modules: Path, captured_ms: float) -> None:
    script = (
        "const { frameMessage } = await load('sockets.js');"
        "give(frameMessage(told.sequence, told.ms, Uint8Array.from(told.jpeg).buffer));"
    )
    jpeg = b"\xff\xd8 some bytes \xff\xd9"
    message = call(modules, script, {"sequence": 70_000, "ms": captured_ms, "jpeg": list(jpeg)})
    assert struct.unpack("<IId", message[:16]) == (70_000, 0, captured_ms)
    assert message[16:] == jpeg


def test_what_the_server_shows_is_taken_apart(modules: Path) -> None:
    text = json.dumps({"type": "reading", "where": "Käfig"}, ensure_ascii=False).encode()
    data = struct.pack("<I", len(text)) + text + b"\xff\xd8 picture"
    script = (
        "const { parseWatch } = await load('sockets.js');"
        "const { message, jpeg } = parseWatch(Uint8Array.from(told).buffer);"
        "give(JSON.stringify([message, [...new Uint8Array(await jpeg.arrayBuffer())], jpeg.type]));"
    )
    message, jpeg, kind = json.loads(call(modules, script, list(data)))
    assert message == {"type": "reading", "where": "Käfig"}
    assert bytes(jpeg) == b"\xff\xd8 picture"
    assert kind == "image/jpeg"


def test_the_timeline_agrees_with_means_over_its_span(modules: Path) -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(8), 100)
    points = [
        {"at_s": 1000 + i, "expression": None if i % 4 == 0 else "neutral", "probabilities": row.tolist(),
         "valence": 0.0, "arousal": 0.0}
        for i, row in enumerate(shares)
    ]  # fmt: skip
    script = (
        "globalThis.window = { addEventListener() {} };"
        "const { LiveChart } = await load('live_chart.js');"
        "const timeline = new LiveChart(null, told.labels, 'uncertain'); timeline.spanMs = 60000;"
        "timeline.fill(told.points); give(JSON.stringify(timeline.summary(1099000)));"
    )
    labels = live_config()["labels"]
    summary = json.loads(call(modules, script, {"labels": labels, "points": points}))
    shown = [i for i in range(100) if i >= 39]
    read = [i for i in shown if i % 4]
    assert summary["readings"] == len(shown)
    assert summary["read"] == pytest.approx(len(read) / len(shown))
    means = dict(zip(labels, shares[read].mean(axis=0), strict=True))
    assert dict(map(tuple, summary["shares"])) == pytest.approx(means)
    assert [share for _, share in summary["shares"]] == sorted(means.values(), reverse=True)


def test_the_timelines_axis_grows_with_the_data(modules: Path) -> None:
    script = (
        "globalThis.window = { addEventListener() {} };"
        "const { LiveChart } = await load('live_chart.js');"
        "const timeline = new LiveChart(null, ['neutral'], 'uncertain'); timeline.spanMs = 60000;"
        "const shown = [timeline.shownMs(5000)];"
        "const face = { confidence: 1, expression: 'neutral', probabilities: { neutral: 1 } };"
        "for (const ms of [0, 4000, 30000, 90000]) {"
        "  timeline.add(ms, face); shown.push(timeline.shownMs(ms)); }"
        "give(JSON.stringify(shown));"
    )
    assert json.loads(call(modules, script)) == [10_000, 10_000, 10_000, 30_000, 60_000]


def test_the_files_page_says_of_a_moment_what_the_tables_row_says(modules: Path, tmp_path: Path) -> None:
    """Also of a long video, whose curves are means; a gap and a face that was not read are said as such."""
    rows = some_rows(np.delete(np.arange(6000), np.arange(200, 400)) / 30)
    rows["expression"] = np.array(EMOTIONS)[rows.index % len(EMOTIONS)]
    rows.loc[5, "expression"] = UNCERTAIN
    unread = [name for name in rows.columns if name.startswith("p_")] + ["confidence", "valence", "arousal"]
    rows.loc[40:80, unread] = np.nan
    rows.to_csv(tmp_path / "table.csv", index=False)
    record = {"rows": len(rows), "duration_s": 200.0, "coverage": 1.0}
    data = preview.timeline(tmp_path / "table.csv", record, 1)
    (tmp_path / "timeline.json").write_text(json.dumps(data, allow_nan=False), encoding="utf-8")
    script = (
        "globalThis.window = { addEventListener() {} };"
        "globalThis.ResizeObserver = class { observe() {} };"
        "const { FileChart } = await load('file_chart.js'); const said = [];"
        "const data = JSON.parse(readFileSync(told.file, 'utf8'));"
        "const tell = (words) => said.push(words);"
        "const course = new FileChart({ addEventListener() {} }, { seek() {}, tell });"
        "course.load(data); said.length = 0; told.times.forEach((time) => course.at(time));"
        "give(JSON.stringify(said));"
    )
    table = table_frame(read_rows(tmp_path / "table.csv", every=1))
    asked = [0, 5, 60, 150, 1000, len(table) - 1]
    times_s = [*(table["time_s"][asked] + 0.001), 10.0]
    told = {"file": str(tmp_path / "timeline.json"), "times": times_s}
    said = [each.split(": ", 1)[1] for each in json.loads(call(modules, script, told))]
    expected = [
        f"{table['expression'][place]} {round(100 * table['confidence'][place])}\N{NO-BREAK SPACE}%"
        if place != 60
        else "no face read"
        for place in asked
    ]
    expected[1] = UNCERTAIN
    assert said == [*expected, "no face read"]
