// What the page's scripts do without a page; run by tests/web/test_scripts.py, which says where they are.

import assert from "node:assert/strict";
import { test } from "node:test";

const load = (name) => import(`${process.env.MIEN_MODULES}/${name}`);

const { Pace, WIDTHS } = await load("pace.js");
const { Speaker } = await load("speaker.js");
const { Stats } = await load("stats.js");
const { retryAfterMs } = await load("wire.js");
const { advice, percent, statusWords, sureness, timelineWords } = await load("words.js");
const { isCamera } = await load("indicator.js");
const { neutralWords } = await load("neutral.js");

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
  const speaker = new Speaker({ set textContent(words) { said.push(words); } });
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
  const words = "The source can't be opened; it is tried again. camera:7: no such camera";
  assert.equal(statusWords(status), words);
  assert.equal(statusWords({ ...status, state: "opening", restarts: 1 }), words);
  assert.ok(statusWords({ ...status, state: "opening" }).startsWith("Opening"));
  assert.ok(statusWords({ ...status, frames_read: 1 }).startsWith("The source broke off"));
});

test("the timeline in words names the largest shares", () => {
  const summary = { readings: 10, read: 0.5, shares: [["neutral", 0.7], ["happiness", 0.3], ["anger", 0]] };
  assert.equal(timelineWords(summary, 3), "In the last 3 minutes: a face read in 50\u00a0% of the readings; on average neutral 70\u00a0%, happiness 30\u00a0%.");
  assert.equal(timelineWords({ ...summary, readings: 0 }, 3), "Nothing read yet.");
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
  assert.deepEqual(neutralWords(on), { button: "Forget my neutral face", line: "Read by your own neutral face." });
  assert.match(neutralWords({ ...on, following: false }).line, /not in view/);
  assert.equal(neutralWords(null).button, "Learn my neutral face");
});
