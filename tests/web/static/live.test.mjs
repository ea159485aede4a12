// What the page's scripts do without a page; run by tests/web/static/test_live_scripts.py, which says where they are.

import assert from "node:assert/strict";
import { test } from "node:test";

const load = (name) => import(`${process.env.MIEN_MODULES}/${name}`);

const { Pace, WIDTHS } = await load("pace.js");
const { Announcer } = await load("announcer.js");
const { Stats } = await load("stats.js");
const { retryAfterMs } = await load("sockets.js");
const { advice, afterWords, figureWords, headWords, percent, sensorWords, statusWords, sureness, timelineWords, tooFew } = await load("wording.js");
const { placeLabels, shared } = await load("label_placement.js");
const { meaning } = await load("keyboard.js");
globalThis.window ??= { addEventListener() {} };
const { Chart } = await load("chart.js");
const { cellAt, lanesOf, momentWords } = await load("signal_lanes.js");
const { meaning: answerMeaning } = await load("connection.js");
const { foundWords, overview, overviewCsv, shortWords, shownColumns } = await load("file_results.js");
const { Session } = await load("session.js");
const { isCamera } = await load("camera_indicator.js");
const { neutralWords } = await load("own_neutral.js");

function answers(pace, count, roundTripMs, fromMs) {
  for (let i = 0; i < count; i++) pace.answered(roundTripMs, fromMs + i * 100);
  return fromMs + count * 100;
}

test("pictures get smaller while answers are slow, and never smaller than the smallest", () => {
  const pace = new Pace();
  const before = pace.width(1920);
  const nowMs = answers(pace, 30, 300, 0);
  assert.ok(pace.width(1920) < before);
  answers(pace, 200, 300, nowMs);
  assert.equal(pace.width(1920), WIDTHS[0]);
});

test("pictures get larger again while answers are quick, and never larger than the camera's", () => {
  const pace = new Pace();
  answers(pace, 400, 20, 0);
  assert.equal(pace.width(1920), WIDTHS.at(-1));
  assert.equal(pace.width(640), 640);
});

test("between slow and quick nothing changes", () => {
  const pace = new Pace();
  const before = pace.width(1920);
  answers(pace, 300, 80, 0);
  assert.equal(pace.width(1920), before);
});

test("one picture at a time while the server drops, two otherwise", () => {
  const pace = new Pace();
  assert.equal(pace.limit, 2);
  pace.dropped(1000);
  assert.equal(pace.limit, 1);
  pace.answered(50, 2900);
  assert.equal(pace.limit, 1);
  pace.answered(50, 3100);
  assert.equal(pace.limit, 2);
});

function spoken(heard) {
  const said = [];
  const speaker = new Announcer({ set textContent(words) { said.push(words); } });
  for (const [words, ms] of heard) speaker.hear(words, ms);
  return said;
}

const every100 = (words, fromMs, untilMs) => Array.from({ length: (untilMs - fromMs) / 100 }, (_, i) => [words, fromMs + i * 100]);

test("a label is spoken once, when it has held for two seconds", () => {
  assert.deepEqual(spoken(every100("happiness", 0, 2000)), []);
  assert.deepEqual(spoken(every100("happiness", 0, 20000)), ["happiness"]);
});

test("a label that comes and goes is never spoken", () => {
  const flicker = Array.from({ length: 200 }, (_, i) => [i % 15 < 8 ? "anger" : "neutral", i * 100]);
  assert.deepEqual(spoken(flicker), []);
});

test("two labels are spoken at least five seconds apart", () => {
  const heard = [...every100("happiness", 0, 3000), ...every100("neutral", 3000, 6900)];
  assert.deepEqual(spoken(heard), ["happiness"]);
  assert.deepEqual(spoken([...heard, ...every100("neutral", 6900, 7200)]), ["happiness", "neutral"]);
});

test("the rate counts the readings of the last seconds, the latency is their median", () => {
  const stats = new Stats();
  for (let ms = 0; ms <= 6000; ms += 50) {
    stats.read({}, ms);
    stats.drew(ms < 3000 ? 500 : 40);
  }
  const { rate, latency } = stats.numbers(6000);
  assert.ok(Math.abs(rate - 20) < 0.5, rate);
  assert.equal(latency, 40); // of the last 90, 61 are quick
  assert.equal(stats.lastReading !== null, true);
});

test("nothing read is no number", () => {
  assert.deepEqual(new Stats().numbers(1000), { rate: 0, latency: null });
});

test("latencies are kept, but not for ever", () => {
  const stats = new Stats();
  for (let i = 0; i < 100_000; i++) stats.drew(i);
  assert.ok(stats.latency_ms.length <= 4000);
  assert.equal(stats.latency_ms.at(-1), 99_999);
});

test("pauses between tries grow, and end at eight seconds", () => {
  const pauses = Array.from({ length: 8 }, (_, i) => retryAfterMs(i));
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000]);
});

const face = (more) => ({ quality: 0.9, width: 200, height: 240, confidence: 0.8, expression: "anger", probabilities: { anger: 0.8, fear: 0.2, contempt: null }, ...more });

test("a face gets advice only where its quality is poor", () => {
  assert.equal(advice(face()), null);
  assert.equal(advice(face({ quality: null })), null);
  assert.match(advice(face({ quality: 0.1 })), /light/);
  assert.match(advice(face({ quality: 0.1, width: 30 })), /closer/);
});

test("uncertain says what is likeliest, and a face that wasn't read says so", () => {
  assert.equal(sureness(face(), "uncertain"), "80\u00a0%");
  assert.equal(sureness(face({ expression: "uncertain" }), "uncertain"), "most likely anger, 80\u00a0%");
  assert.equal(sureness(face({ confidence: null, expression: "uncertain" }), "uncertain"), "not read");
  assert.equal(percent(null), "–");
});

test("a running source is nothing to speak of, a lost one says for how long", () => {
  assert.equal(statusWords({ state: "running" }), null);
  assert.equal(statusWords({ state: "away", away_s: 12.3, note: null }), "Connection lost for 12 s; trying again.");
  for (const state of ["opening", "waiting", "stalled", "failed", "ended", "stopped"]) assert.ok(statusWords({ state, note: null }));
});

test("a source that never gave a picture says why, until it gives one", () => {
  const status = { state: "waiting", frames_read: 0, restarts: 0, note: "camera:7: no such camera" };
  const words = "The source can't be opened; trying again. camera:7: no such camera";
  assert.equal(statusWords(status), words);
  assert.equal(statusWords({ ...status, state: "opening", restarts: 1 }), words);
  assert.ok(statusWords({ ...status, state: "opening" }).startsWith("Opening"));
  assert.ok(statusWords({ ...status, frames_read: 1 }).startsWith("The source was interrupted"));
});

test("the timeline in words names the largest shares", () => {
  const summary = { readings: 10, read: 0.5, shares: [["neutral", 0.7], ["happiness", 0.3], ["anger", 0]] };
  assert.equal(timelineWords(summary, 180), "In the last 3 minutes: a face read in 50\u00a0% of the readings; on average neutral 70\u00a0%, happiness 30\u00a0%.");
  assert.equal(timelineWords({ ...summary, readings: 0 }, 180), "No readings yet.");
});

test("the timeline's words name the time that it shows, which grows", () => {
  const summary = { readings: 10, read: 1, shares: [] };
  assert.match(timelineWords(summary, 12), /^In the last 12 seconds: /);
  assert.match(timelineWords(summary, 60), /^In the last minute: /);
});

test("under five readings a second it is said that they are too few to record", () => {
  assert.equal(tooFew(5), null);
  assert.equal(tooFew(null), null);
  assert.match(tooFew(4.94), /^Only 4\.9 readings per second: too few to record\./);
  assert.match(tooFew(0), /^Only 0\.0 /);
});

test("the head's pose is told by the person's own left and right", () => {
  assert.equal(headWords({ yaw: 12.4, pitch: -5, roll: 3.6 }), "Head: 12° left, 5° down, tilted 4° left");
  assert.equal(headWords({ yaw: -20, pitch: 6, roll: -9 }), "Head: 20° right, 6° up, tilted 9° right");
  assert.equal(headWords({ yaw: 1, pitch: -2, roll: 0 }), "Head: straight");
  assert.equal(headWords(null), "Head: –");
});

// Five faces as they stand in a photograph: two side by side, two above them, one aside.
const FIVE = [[110, 205, 58, 72], [175, 215, 53, 66], [255, 150, 45, 58], [300, 165, 52, 68], [352, 62, 48, 62]];
const SIZES = [[150, 20], [90, 20], [28, 20]];

for (const [name, room, boxes] of [
  ["a desktop", [620, 470], FIVE.map((box) => box.map((each) => 1.5 * each))],
  ["a phone", [358, 268], FIVE.map(([x, y, w, h]) => [0.8 * x, 0.8 * y, 0.8 * w, 0.8 * h])],
]) {
  test(`five faces' labels cover no face and no other label on ${name}`, () => {
    const places = placeLabels(boxes, boxes.map(() => SIZES), room);
    const labels = places.map(({ x, y, form }) => [x, y, ...SIZES[form]]);
    labels.forEach((label, i) => {
      for (const box of boxes) assert.equal(shared(label, box), 0, `label ${i} covers a face`);
      for (const other of labels.slice(0, i)) assert.equal(shared(label, other), 0, `label ${i} covers a label`);
      assert.ok(label[0] >= 0 && label[1] >= 0 && label[0] + label[2] <= room[0] && label[1] + label[3] <= room[1]);
    });
    assert.ok(places.filter(({ form }) => form === 0).length >= 3, "most say all");
  });
}

test("where there is no room at all, the shortest label covers as little as it can", () => {
  const [{ form }] = placeLabels([[0, 0, 100, 100]], [SIZES], [100, 100]);
  assert.equal(form, 2);
});

// A target that is within what some of these selectors name.
const within = (...names) => ({ closest: (selector) => (names.some((each) => selector.split(", ").includes(each)) ? {} : null) });
const key = (name, more) => ({ key: name, target: within(), ...more });

test("keys mean something where nobody types and no button is reached by keyboard", () => {
  assert.deepEqual([" ", "m", "M", "s", "?", "f", "x"].map((each) => meaning(key(each))), ["pause", "mark", "mark", "snapshot", "keys", "full", null]);
  assert.equal(meaning(key("m", { ctrlKey: true })), null);
  assert.equal(meaning(key("m", { repeat: true })), null);
  for (const name of ["select", "textarea", "dialog"]) assert.equal(meaning(key("m", { target: within(name) })), null);
  assert.equal(meaning(key(" ", { target: within("button") }), true), null);
  assert.equal(meaning(key(" ", { target: within("button") }), false), "pause"); // a click left the focus there
  assert.equal(meaning(key("m", { target: within("button") }), true), "mark");
});

test("what was looked at is summed up by time, and a pause is no face read", () => {
  const session = new Session();
  assert.equal(session.summary(), null);
  const face = (expression, confidence = 0.9) => ({ expression, confidence });
  session.add(0, face("neutral"));
  session.add(1000, face("happiness"));
  session.add(2000, face("happiness"));
  session.add(8000, null); // paused, or a slow machine: of these six seconds 1.5 are known
  session.add(9000, face("anger", null)); // found, not read
  session.add(10000, null);
  const { length_s: length, readings, coverage, shares } = session.summary();
  assert.deepEqual([length, readings, coverage], [10, 6, 0.35]);
  assert.deepEqual(shares, [["happiness", 2.5 / 3.5], ["neutral", 1 / 3.5]]);
  assert.equal(afterWords(session.summary()), "0:10 long, 6 readings, a face read in 35\u00a0% of the time.");
  session.clear();
  assert.equal(session.summary(), null);
});

test("cameras and streams are told from files and the portrait", () => {
  for (const where of ["camera:0", "0", "/dev/video0", "rtsp://***@door/1", "https://door/1"]) assert.ok(isCamera(where), where);
  for (const where of ["portrait", "session.mp4", "camera.mp4", "browser's camera"]) assert.ok(!isCamera(where), where);
});

test("the neutral face's button says what it would do, and the line how things stand", () => {
  const off = { state: "off", origin: "average", seconds: 0, wanted_s: null, following: false, note: null };
  assert.deepEqual(neutralWords(off), { button: "Learn my neutral face", line: "" });
  assert.equal(neutralWords({ ...off, note: "try again" }).line, "try again");
  const learning = neutralWords({ ...off, state: "learning", seconds: 1.25, wanted_s: 3 });
  assert.deepEqual(learning, { button: "Cancel", line: "Look neutral: 1.3 of 3 s" });
  const on = { ...off, state: "on", origin: "first", seconds: 3, following: true };
  assert.deepEqual(neutralWords(on), { button: "Forget my neutral face", line: "Read against your own neutral face." });
  assert.match(neutralWords({ ...on, following: false }).line, /not in view/);
  assert.equal(neutralWords(null).button, "Learn my neutral face");
});

const photograph = (expressions, more) => ({ kind: "photograph", rows: Object.values(expressions).reduce((sum, each) => sum + each, 0), frames_analysed: 1, expressions, duration_s: null, coverage: null, ...more });
const video = (expressions, more) => ({ ...photograph(expressions), kind: "video", tracks: 1, frames_with_face: 40, frames_analysed: 50, duration_s: 2, coverage: 0.8, ...more });

test("of several faces in a photograph it is said how many show what, not a share", () => {
  assert.equal(shortWords(photograph({ happiness: 5 })), "5 faces: happiness 5");
  assert.equal(shortWords(photograph({ uncertain: 1, happiness: 4 })), "5 faces: happiness 4, uncertain 1");
  assert.equal(shortWords(photograph({ happiness: 1 })), "1 face: happiness");
  assert.equal(shortWords(photograph({})), "No face was found");
  assert.equal(shortWords(video({ neutral: 30, happiness: 10 })), "A face in 40 of 50 frames, coverage 80\u00a0%: neutral 75\u00a0%, happiness 25\u00a0%");
  assert.match(shortWords(video({ neutral: 90 }, { tracks: 3 })), /^3 faces in 40 of 50 frames/);
  assert.equal(foundWords(photograph({ happiness: 2 }, { seldom_found: "Seldom fear.", note: "dark" }), "mien"), "2 faces: happiness 2. Read by network mien. Seldom fear. Note: dark.");
});

test("face, expression and confidence come first, and no column is lost", () => {
  const columns = ["source", "frame", "track", "x", "expression", "confidence", "valence"];
  const shown = shownColumns(columns);
  assert.deepEqual(shown.map(({ title }) => title), ["face", "expression", "confidence", "source", "frame", "x", "valence"]);
  assert.deepEqual(shown.map(({ place }) => columns[place]).sort(), [...columns].sort());
});

test("the overview has a row for each file and totals, faces and readings apart", () => {
  const items = [
    { name: "a.jpg", status: photograph({ happiness: 4, uncertain: 1 }) },
    { name: "b.jpg", status: photograph({}) },
    { name: "=c,d.mp4", status: video({ neutral: 40 }) },
    { name: "e.mp4", status: video({ neutral: 20, anger: 20 }, { duration_s: 6, coverage: 0.4, tracks: 2 }) },
  ];
  const rows = overview(items);
  assert.deepEqual(rows.map(({ file }) => file), ["a.jpg", "b.jpg", "=c,d.mp4", "e.mp4", "Total of 2 photographs", "Total of 2 videos"]);
  const [, empty, , , photographs, videos] = rows;
  assert.equal(empty.expression, "no face");
  assert.deepEqual([photographs.faces, photographs.expression, photographs.coverage], ["5", "happiness 4, uncertain 1", ""]);
  assert.deepEqual([videos.faces, videos.length, videos.coverage], ["3", "0:08", "50\u00a0%"]); // by time: (0.8 * 2 + 0.4 * 6) / 8
  assert.equal(videos.expression, "neutral 75\u00a0%, anger 25\u00a0%");
  const [head, first, , formula] = overviewCsv(rows).split("\n");
  assert.equal(head, "file,faces,length,coverage,anger,happiness,neutral,uncertain");
  assert.equal(first, "a.jpg,5,,,0,4,0,1");
  assert.ok(formula.startsWith("\"'=c,d.mp4\",1,0:02,80%,"));
});

test("a page sees that the program is gone, was started again, or does not know its visitor any more", () => {
  assert.equal(answerMeaning(200, "2026-05-01T09:00:00Z", null), "here");
  assert.equal(answerMeaning(200, "2026-05-01T09:00:00Z", "2026-05-01T09:00:00Z"), "here");
  assert.equal(answerMeaning(200, "2026-05-01T09:10:00Z", "2026-05-01T09:00:00Z"), "restarted");
  assert.equal(answerMeaning(401, undefined, "2026-05-01T09:00:00Z"), "logged out");
  for (const status of [0, 421, 500, 503]) assert.equal(answerMeaning(status, undefined, null), "away");
});

test("a chart's moments and places agree, its ticks lie within, and its lanes fill the room", () => {
  for (const [width, from, to] of [[1200, 0, 200], [340, 0, 3.5], [800, 599.2, 629.2], [500, 0, 7200]]) {
    const chart = new Chart({}, width, 220, { from, to, names: 62 });
    assert.equal(chart.left, width < 500 ? 4 : 62);
    for (const timeS of [from, (from + to) / 2, to]) assert.ok(Math.abs(chart.timeAt(chart.x(timeS)) - timeS) < 1e-6);
    const ticks = chart.clockTicks().map(([timeS]) => timeS);
    assert.ok(ticks.length > 1 && ticks.every((timeS) => timeS >= from - 1e-9 && timeS <= to + 1e-9), `${width}: ${ticks}`);
    assert.ok(ticks.length <= chart.width / 76 + 1);
    const lanes = chart.lanes(0.64, 6, 0.36);
    assert.equal(lanes[1].height, 6);
    lanes.slice(1).forEach(({ top }, i) => assert.equal(top, lanes[i].top + lanes[i].height + 8));
    assert.ok(Math.abs(lanes[2].top + lanes[2].height - chart.bottom) <= 1);
  }
});

const MEASURES = [
  { name: "arousal", title: "Body arousal", decimals: 2, least_span: 1, limits: [0, 1], joined: "best" },
  { name: "heart_rate", title: "Heart rate", decimals: 0, least_span: 20, limits: null, joined: "best" },
  { name: "skin_level", title: "Skin conductance", decimals: 1, least_span: 1, limits: null, joined: "best" },
  { name: "breathing_rate", title: "Breathing", decimals: 0, least_span: 8, limits: null, joined: "best" },
  { name: "muscle_activity", title: "Muscle", decimals: 1, least_span: 2, limits: null, joined: null },
  { name: "eeg_alpha", title: "EEG alpha", decimals: 1, least_span: 5, limits: null, joined: "median" },
];
const figure = (measure, signal, from, to, value, quality = 0.9, unit = "1/min") => ({ measure, signal, from, to, value, quality, unit });

test("the body has one lane for each measure, in order, and for each muscle", () => {
  const lanes = lanesOf([
    figure("muscle_activity", "smile", 0, 60, 8), figure("muscle_activity", "brow", 0, 60, 5), figure("eeg_alpha", "F3", 0, 60, 1),
    figure("eeg_alpha", "F4", 0, 60, 3), figure("eeg_alpha", "Cz", 0, 60, null, 0.1), figure("heart_rate", "ECG", 0, 60, 70), figure("unheard_of", "x", 0, 60, 1),
  ], MEASURES);
  assert.deepEqual(lanes.map(({ title, signal }) => [title, signal]), [["Heart rate", null], ["Muscle", "brow"], ["Muscle", "smile"], ["EEG alpha", null]]);
  assert.equal(lanes[3].cells[0].value, 2); // the median of those that say something
});

test("of a measure without any reading only the first few say so", () => {
  const lanes = lanesOf([figure("heart_rate", "ECG", 0, 60, null, 0), figure("eeg_alpha", "F3", 0, 60, null, 0)], MEASURES);
  assert.deepEqual(lanes.map(({ title }) => title), ["Heart rate"]);
  assert.equal(momentWords(lanes, 30), "heart rate: no reading");
});

test("of several sensors the one of the best quality counts, if it has a reading", () => {
  const [lane] = lanesOf([figure("heart_rate", "ECG", 0, 60, 70, 0.7), figure("heart_rate", "PPG", 0, 60, 71, 0.9), figure("heart_rate", "ECG", 60, 120, 72, 0.6), figure("heart_rate", "PPG", 60, 120, null, 0.95)], MEASURES);
  assert.deepEqual(lane.cells.map(({ value }) => value), [71, 72]);
  const [live] = lanesOf([figure("heart_rate", "ECG", 0, 12, 70, 0.7), figure("heart_rate", "strap", 1, 13, 71, 0.9)], MEASURES, 5);
  assert.deepEqual(live.cells.map(({ value }) => value), [71]);
});

test("windows that overlap stand for what is nearest to their middle, and gaps stay gaps", () => {
  const [lane] = lanesOf([figure("heart_rate", "ECG", 0, 60, 70), figure("heart_rate", "ECG", 10, 70, 71), figure("heart_rate", "ECG", 300, 360, null, 0.2)], MEASURES);
  assert.deepEqual(lane.cells.map(({ from, to }) => [from, to]), [[0, 35], [35, 70], [300, 360]]);
  assert.equal(cellAt(lane.cells, 150), null);
  assert.equal(momentWords([lane], 150), "");
  assert.equal(momentWords([lane], 20), "heart rate 70/min");
  assert.equal(momentWords([lane], 330), "heart rate: no reading");
});

test("an axis covers at least what means something, and never less than its values", () => {
  const axis = (measure, ...values) => lanesOf(values.map((value, i) => figure(measure, "x", 10 * i, 10 * i + 10, value)), MEASURES)[0].limits;
  assert.deepEqual(axis("arousal", 0.2, 0.3), [0, 1]);
  const [low, high] = axis("heart_rate", 70, 71);
  assert.ok(low < 70 && high > 71 && high - low >= 20 - 1e-9);
  assert.deepEqual(axis("skin_level", 0.1, 0.2).map((each) => Math.round(10 * each)), [0, 10]);
  assert.ok(axis("heart_rate", 50, 150)[1] > 150);
});

test("a body's figures are told with their units as people write them", () => {
  const told = [[72.4, "1/min", 0], [4.126, "uS", 1], [-0.031, "", 2], [33.04, "degC", 1], [11.5, "uV2", 1], [12, "ms2", 0]];
  assert.deepEqual(told.map(([value, unit, decimals]) => figureWords(value, { unit, decimals })), ["72/min", "4.1\u00a0µS", "−0.03", "33.0\u00a0°C", "11.5\u00a0µV²", "12\u00a0ms²"]);
});

test("a sensor that fails says why", () => {
  assert.equal(sensorWords({ state: "running", note: null, restarts: 0 }), "Running");
  assert.equal(sensorWords({ state: "failed", note: "lsl:Muse: no such stream", restarts: 0 }), "Failed. lsl:Muse: no such stream");
  assert.match(sensorWords({ state: "waiting", note: "board:cyton: it was pulled out", restarts: 2 }), /again soon\. board:cyton: it was pulled out/);
});

test("the body's course breaks where there is no reading, and is paler where its quality is worse", () => {
  const drawn = [];
  const shades = [];
  const pen = new Proxy({ measureText: () => ({ width: 10 }) }, {
    get: (kept, name) => kept[name] ?? ((...at) => (name === "fillRect" ? shades.push([kept.globalAlpha, ...at]) : ["moveTo", "lineTo"].includes(name) ? drawn.push(name) : undefined)),
  });
  globalThis.getComputedStyle ??= () => ({ getPropertyValue: () => "#000" });
  globalThis.document ??= { documentElement: null };
  const chart = new Chart(pen, 600, 50, { from: 0, to: 100, names: 60, foot: 2 });
  const cells = [[0, 20, 70, 1], [20, 40, 71, 0.5], [40, 60, null, 0.1], [60, 80, 72, 1]].map(([from, to, value, quality]) => ({ from, to, value, quality }));
  chart.drawCourse({ top: 2, height: 40 }, cells, [60, 80]);
  assert.deepEqual(drawn, ["moveTo", "lineTo", "lineTo", "lineTo", "moveTo", "lineTo", "lineTo"]);
  const alphas = shades.map(([alpha]) => alpha);
  assert.ok(alphas[0] > alphas[1] && alphas[1] > alphas[2] && alphas[2] > 0);
  assert.equal(shades.length, 4); // nothing from 80 to 100
});
