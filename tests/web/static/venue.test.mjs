// What the scripts of a venue's pages compute without a page; run by tests/web/static/test_venue_scripts.py.

import assert from "node:assert/strict";
import { test } from "node:test";

const load = (name) => import(`${process.env.MIEN_MODULES}/${name}`);

class Shape {
  constructor(kind) {
    Object.assign(this, { kind, children: [], attributes: {}, values: {} });
    this.style = { setProperty: (name, value) => (this.values[name] = value) };
  }
  setAttribute(name, value) {
    this.attributes[name] = String(value);
  }
  append(...children) {
    this.children.push(...children);
  }
  get text() {
    return this.children.map((each) => (typeof each === "string" ? each : each.text)).join("");
  }
}
globalThis.document = { createElementNS: (space, kind) => new Shape(kind), createElement: (kind) => new Shape(kind) };
globalThis.HTMLElement = class {};
globalThis.customElements = { define() {} };
globalThis.window = { addEventListener() {} };

const { bars, binNames, coverageWords, limitsOf, longWords, rangeWords, strength, stretchWords, tile, usualWords, week } = await load("venue_charts.js");
const { agreementWords, changeWords, effectWords } = await load("venue_wording.js");
const { area, moved, rectangle, warning } = await load("zones.js");
const { nextStep } = await load("venue_stations.js");
const { hoursProblem } = await load("venue_setup.js");
const { percent } = await load("wording.js");

const plain = (text) => text.replaceAll("\u00a0", " ");
const interval = (value, room = 0.05) => ({ value, low: value - room, high: value + room });

test("times are told as people say them", () => {
  assert.deepEqual([40.4, 89, 130, 180].map((each) => plain(longWords(each))), ["40 s", "89 s", "2 min 10 s", "3 min"]);
  assert.deepEqual([0, 1500, 27_000, 3600].map((each) => plain(stretchWords(each))), ["0 min", "25 min", "7 h 30 min", "1 h"]);
  assert.deepEqual(binNames([0, 5, 15, 30, 60, 120, 300]).map(plain), ["under 5 s", "5 to 15 s", "15 to 30 s", "30 s to 1 min", "1 to 2 min", "2 to 5 min", "over 5 min"]);
});

test("a range has its unit once", () => {
  assert.equal(plain(rangeWords({ low: 0.291, high: 0.53 }, percent)), "29 to 53 %");
  assert.equal(plain(rangeWords({ low: 50, high: 130 }, longWords)), "50 s to 2 min 10 s");
});

test("coverage comes first, with a warning where little was seen", () => {
  assert.equal(plain(coverageWords({ seen: 0.9, open_s: 36_000, blind_s: 3600 })), "Coverage 90 %: 9 h of 10 h were seen.");
  assert.match(coverageWords({ seen: 0.3, open_s: 36_000, blind_s: 25_200 }), /with care/);
  assert.match(coverageWords({ seen: null, open_s: 0, blind_s: 0 }), /not known/);
});

test("an axis holds every interval, and stays within what is possible", () => {
  const [low, high] = limitsOf([interval(0.4, 0.1), null, interval(0.5, 0.2)], { least: 0, most: 1 });
  assert.ok(low < 0.3 && low >= 0 && high > 0.7 && high <= 1);
  assert.deepEqual(limitsOf([interval(0.02, 0.02), interval(0.97, 0.03)], { least: 0, most: 1 }), [0, 1]);
  assert.deepEqual(limitsOf([], { least: -1, most: 1 }), [-1, 1]);
});

test("a day is set against what is usual, and the tile stands out only where it differs", () => {
  const usual = { day: 0.5, usual: interval(0.4), unusual: true };
  assert.equal(plain(usualWords(usual, percent)), "above usual (35 to 45 %)");
  assert.equal(plain(usualWords({ ...usual, day: 0.3 }, percent)), "below usual (35 to 45 %)");
  assert.equal(plain(usualWords({ ...usual, day: 0.41, unusual: false }, percent)), "as usual (35 to 45 %)");
  assert.equal(tile({ name: "Smiling", value: 0.5, usual, words: percent }).attributes.class, "tile unusual");
  assert.equal(tile({ name: "Smiling", value: 0.5, words: percent }).attributes.class, "tile");
});

const figures = (visits, value) => ({ visits, smiling: interval(value), valence: interval(value - 0.5) });
const SLOTS = [
  { weekday: 0, hour: 11, days: 2, figures: figures(40, 0.3) },
  { weekday: 6, hour: 13, days: 4, figures: figures(120, 0.5) },
];

test("the usual week has a row an hour and a column a weekday; empty where nothing is known", () => {
  const { rows: [head, body], low, high } = week(SLOTS, "smiling");
  assert.equal(head.children[0].children.length, 8);
  assert.deepEqual(body.children.map((row) => row.children[0].text), ["11:00", "12:00", "13:00"]);
  const [first, last] = [body.children[0].children[1], body.children[2].children[7]];
  assert.deepEqual([first.text, first.values["--strength"]], ["30", "0.000"]);
  assert.deepEqual([last.text, last.values["--strength"]], ["50", "1.000"]);
  assert.match(plain(last.attributes.title), /Sunday, 13:00: share smiling 50 %, 90 % interval 45 to 55 %; 4 days, 30 visits each/);
  assert.equal(body.children[1].children[1].attributes.class, "none");
  assert.deepEqual([plain(low), plain(high)], ["30 %", "50 %"]);
  assert.equal(week(SLOTS, "visits").rows[1].children[0].children[1].text, "20");
  assert.equal(week([], "smiling"), null);
  assert.equal(strength(1, 1, 1), 0.5);
});

test("a bar has its interval as a line", () => {
  const [row] = bars([{ name: "a", share: 0.2, low: 0.1, high: 0.3, words: "20 %" }], 0.4);
  const [fill, line] = row.children[1].children;
  assert.equal(fill.style.transform, "scaleX(0.500)");
  assert.deepEqual([line.style.left, line.style.width], ["25.0%", "50.0%"]);
});

test("effects are told with their interval; what chance may explain is told in one line", () => {
  const effect = (measure, difference, sure) => ({ measure, before: 0.32, after: 0.43, difference, sure });
  const mark = { missing: "", days_before: 18, days_after: 12, effects: [effect("smiling", { value: 0.11, low: 0.08, high: 0.14 }, true), effect("valence", interval(0.01), false)] };
  const [sure, rest] = effectWords(mark);
  assert.equal(plain(sure.words), "Share smiling: 32 % before, 43 % since (+11 points; 90 % interval +8 to +14 points).");
  assert.equal(rest.words, "No difference beyond chance in valence (18 days before, 12 after).");
  assert.deepEqual(effectWords({ ...mark, missing: "needs 10 days before and after it" }), [{ words: "What it did is not known yet: it needs 10 days before and after it.", sure: false }]);
  assert.equal(changeWords(interval(0.2)), "more pleasant at leaving");
  assert.equal(changeWords(interval(-0.2)), "less pleasant at leaving");
  assert.equal(changeWords(interval(0.01)), "no clear change");
});

test("kiosk and camera are said to agree only where it is clear", () => {
  assert.match(agreementWords(interval(0.6), 30), /^On days with better answers, faces were more pleasant/);
  assert.match(agreementWords(interval(-0.6), 30), /trust the answers/);
  assert.match(agreementWords(interval(0.01), 30), /don't clearly agree/);
  assert.match(agreementWords(null, 4), /not known yet: only 4 days/);
});

test("a zone is moved and drawn within the picture only", () => {
  const square = rectangle([0.6, 0.7], [0.2, 0.1]);
  assert.deepEqual(square, [[0.2, 0.1], [0.6, 0.1], [0.6, 0.7], [0.2, 0.7]]);
  assert.ok(Math.abs(area(square) - 0.24) < 1e-9);
  assert.deepEqual(moved(square, 1, -1), [[0.6, 0], [1, 0], [1, 0.6], [0.6, 0.6]]);
  assert.deepEqual(rectangle([-1, 0.5], [0.5, 2]), [[0, 0.5], [0.5, 0.5], [0.5, 1], [0, 1]]);
});

test("what should be thought of before zones are saved", () => {
  const [count, ignore] = ["count", "ignore"].map((use) => ({ use, corners: rectangle([0, 0], [0.5, 0.5]) }));
  assert.equal(warning([]), null);
  assert.equal(warning([count, ignore]), null);
  assert.match(warning([count]), /staff/);
  assert.match(warning([ignore]), /all of the picture counts/);
});

test("hours are checked before they are sent", () => {
  const hours = { days: [0], opens: "09:00", closes: "17:00" };
  assert.equal(hoursProblem(hours), null);
  assert.equal(hoursProblem({ ...hours, closes: "00:00" }), null);
  assert.match(hoursProblem({ ...hours, closes: "08:00" }), /end before they begin/);
  assert.match(hoursProblem({ ...hours, days: [] }), /one day/);
  assert.match(hoursProblem({ ...hours, opens: "" }), /when it opens/);
});

test("the next step is told to whoever begins", () => {
  assert.match(nextStep([]), /Add a station/);
  assert.match(nextStep([{ source: "camera:0", notice: null, state: "unposted" }]), /notice/);
  assert.match(nextStep([{ notice: "2026-05-01T09:00", state: "counting" }]), /counting now/);
  assert.match(nextStep([{ source: "camera:0", notice: "2026-05-01T09:00", state: "stopped" }]), /mien venue run/);
  const kiosk = { source: "", notice: null, state: "stopped" };
  assert.match(nextStep([kiosk]), /ten answers/);
  assert.match(nextStep([kiosk, { source: "camera:0", notice: null, state: "unposted" }]), /notice/);
  assert.match(nextStep([kiosk, { source: "camera:0", notice: "2026-05-01T09:00", state: "off" }]), /just now/);
});
