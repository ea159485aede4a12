// What the record's scripts compute without a page; run by tests/web/static/test_record_scripts.py, in several time zones.

import assert from "node:assert/strict";
import { test } from "node:test";

const load = (name) => import(`${process.env.MIEN_MODULES}/${name}`);

// As much of a document as shapes need.
class Shape {
  constructor(kind) {
    Object.assign(this, { kind, children: [], attributes: {} });
  }
  setAttribute(name, value) {
    this.attributes[name] = String(value);
  }
  append(...children) {
    this.children.push(...children);
  }
}
globalThis.document = { createElementNS: (space, kind) => new Shape(kind), createElement: (kind) => new Shape(kind) };
globalThis.HTMLElement = class {};
globalThis.customElements = { define() {} };
globalThis.window = { addEventListener() {} };

const { dayNumber, dayText, dayTicks, longDay, monthStart, parts, plainMoment, shortDay } = await load("dates.js");
const { firstStep, grouped, keptWords, lengthWords, limitsOf } = await load("subject.js");
const { arranged } = await load("changes.js");
const { curveLane, runsOf } = await load("lanes.js");
const { recordingWords, wantedSubject } = await load("live_recording.js");
const { shade } = await load("calendar.js");
const { path, plainNumber, ticks } = await load("svg.js");
const { subjectPath } = await load("api.js");

test("every day follows the one before, over all changes of the clock, and comes back as it was", () => {
  const first = dayNumber("2020-01-01");
  let expected = { year: 2020, month: 0, day: 1, weekday: 2 }; // a Wednesday
  const lengths = (year) => [31, year % 4 === 0 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  for (let i = 0; i < 4000; i++) {
    assert.deepEqual(parts(first + i), expected);
    assert.equal(dayNumber(dayText(first + i)), first + i);
    let { year, month, day, weekday } = expected;
    day += 1;
    if (day > lengths(year)[month]) [month, day] = [month + 1, 1];
    if (month > 11) [year, month] = [year + 1, 0];
    expected = { year, month, day, weekday: (weekday + 1) % 7 };
  }
});

test("days are told as people say them", () => {
  assert.equal(longDay(dayNumber("2026-03-29")), "Sunday, 29 March 2026");
  assert.equal(shortDay(dayNumber("2026-10-25")), "25 Oct");
  assert.equal(plainMoment("2026-10-25T02:30"), "25 October 2026, 02:30");
});

test("months begin on their first, and count on over the year's end", () => {
  assert.equal(dayText(monthStart(2025, 12)), "2026-01-01");
  assert.equal(dayText(monthStart(2026, 1)), "2026-02-01");
});

test("an axis of days has marks that are on it, rising, and not too many", () => {
  for (const [from, to, width] of [["2026-05-01", "2026-05-14", 900], ["2026-02-20", "2026-05-14", 700], ["2025-05-14", "2026-05-14", 1000], ["2025-05-14", "2026-05-14", 300], ["2019-01-01", "2026-05-14", 300]]) {
    const [first, last] = [dayNumber(from), dayNumber(to)];
    const marks = dayTicks(first, last, width);
    assert.ok(marks.length >= 2 && marks.length <= Math.floor(width / 64) + 2, `${from} ${to} ${width}: ${marks.length}`);
    for (const [day] of marks) assert.ok(day >= first && day <= last);
    for (let i = 1; i < marks.length; i++) assert.ok(marks[i][0] > marks[i - 1][0]);
  }
});

test("weeks are marked on their Mondays", () => {
  for (const [day] of dayTicks(dayNumber("2026-03-01"), dayNumber("2026-04-20"), 600)) assert.equal(parts(day).weekday, 0);
});

test("a gap parts two runs", () => {
  const days = [10, 11, 12, 14, 17, 18];
  assert.deepEqual(runsOf([0, 1, 2, 3, 4, 5], days), [[0, 1, 2], [3], [4, 5]]);
  assert.deepEqual(runsOf([0, 2], days), [[0], [2]]);
  assert.deepEqual(runsOf([], days), []);
});

test("a path breaks where there is nothing", () => {
  assert.equal(path([[0, 1], [2, 3.14159], null, [4, 5], null]), "M0 1L2 3.1M4 5");
});

test("a day's shade goes by its coverage", () => {
  assert.deepEqual([undefined, null, 0, 0.24, 0.25, 0.5, 0.75, 1].map(shade), [0, 0, 1, 1, 2, 3, 4, 4]);
});

test("round values stand on an axis, between its ends", () => {
  for (const [low, high] of [[0, 1], [-1, 1], [-0.13, 0.07], [0, 27], [140, 260], [0.3, 0.3001]]) {
    const marks = ticks(low, high);
    assert.ok(marks.length >= 2 && marks.length <= 6, `${low} ${high}: ${marks}`);
    for (const mark of marks) assert.ok(mark >= low - 1e-9 && mark <= high + 1e-9);
  }
  assert.deepEqual(ticks(-1, 1, 4), [-1, -0.5, 0, 0.5, 1]);
});

test("numbers are as long as they need to be", () => {
  assert.deepEqual([0, 0.0712, -0.0712, 1.4, 214.32, null, 3].map((value) => plainNumber(value)), ["0", "0.0712", "−0.0712", "1.4", "214", "–", "3"]);
});

test("a curve's axis holds its interval and what is usual, and no more than its unit allows", () => {
  const measure = { unit: "1", value: [0.5, null, 0.98], low: [0.4, null, 0.9], high: [0.6, null, 1] };
  const [bottom, top] = limitsOf(measure, [0.35, 0.7]);
  assert.ok(bottom <= 0.35 && bottom >= 0);
  assert.equal(top, 1);
  assert.deepEqual(limitsOf({ unit: "1", value: [null], low: [null], high: [null] }, null), [0, 1]);
  const [low, high] = limitsOf({ unit: "-1 to 1", value: [0.2], low: [0.1], high: [0.3] }, null);
  assert.ok(low <= 0 && high >= 0.3 && high <= 1);
});

test("codes are safe in an address", () => {
  assert.equal(subjectPath("P 1/../x", "days"), "subjects/P%201%2F..%2Fx/days");
});

const PEN = { top: 0, height: 100, perDay: 10, left: 0, right: 100, from: 1, to: 5, x: (day) => 10 * day, y: (value) => 100 - value };
const drawn = (apart) => {
  const value = [50, 51, 90, 52, 53];
  const shapes = curveLane({ name: "", height: 100, days: [1, 2, 3, 4, 5], value, low: value, high: value, limits: [0, 100], usual: null, apart }).draw(PEN).flat();
  return { dots: shapes.filter(({ kind }) => kind === "circle").map(({ attributes }) => [attributes.class, Number(attributes.cx)]), line: shapes.find(({ attributes }) => attributes.class === "line").attributes.d };
};

test("a day that can't be compared is grey, and the line neither goes to it nor over it", () => {
  const { dots, line } = drawn([null, null, "other light", null, null]);
  assert.deepEqual(dots.filter(([kind]) => kind === "dot apart"), [["dot apart", 30]]);
  assert.deepEqual(dots.filter(([kind]) => kind === "dot").map(([, x]) => x), [10, 20, 40, 50]);
  assert.equal(line, "M10 50L20 49M40 48L50 47");
});

test("where every day can be compared, the line goes through all", () => {
  const { dots, line } = drawn([null, null, null, null, null]);
  assert.equal(dots.filter(([kind]) => kind === "dot").length, 5);
  assert.equal(line, "M10 50L20 49L30 10L40 48L50 47");
});

test("light and camera are read first and unfolded, over or not; only changes that are over are folded", () => {
  const findings = [{ kind: "not_ready" }, { kind: "camera", over: true }, { kind: "light", over: true }, { kind: "coverage", over: false }, { kind: "change", over: true }, { kind: "change", over: false }];
  const { conditions, now, over } = arranged(findings);
  assert.deepEqual(conditions.map(({ kind }) => kind), ["camera", "light", "coverage"]);
  assert.deepEqual(now, [findings[0], findings[5]]);
  assert.deepEqual(over, [findings[4]]);
});

test("lengths are told as people say them", () => {
  assert.deepEqual([0.2, 0.6, 1.4, 1.6, 12].map(lengthWords), ["Less than a minute", "1 minute", "1 minute", "2 minutes", "12 minutes"]);
});

test("the first step goes by the consent", () => {
  assert.match(firstStep({ state: "none" }), /^First record the consent/);
  assert.match(firstStep({ state: "valid" }), /Press Record/);
  for (const state of ["valid", "withdrawn", "expired"]) assert.doesNotMatch(firstStep({ state }), /First note the consent/);
  for (const state of ["none", "withdrawn", "expired"]) assert.doesNotMatch(firstStep({ state }), /Press Record/);
});

test("measures stand in their groups, in the order in which they come", () => {
  const measures = [{ name: "a", group: "One" }, { name: "b", group: "Two" }, { name: "c", group: "One" }];
  assert.deepEqual(grouped(measures), [["One", [measures[0], measures[2]]], ["Two", [measures[1]]]]);
});

test("what is being recorded is told by time, as it is kept, and what is read too rarely says so", () => {
  const status = { state: "following", source: "browser-4", length_s: 36, frames: 48, with_subject: 43, stored: 48, lost: 0, figures: { coverage: 0.13 }, too_rarely: "read too rarely: 1.3 times per second" };
  const words = recordingWords({ active: true, subject: "P-017", origin: "a browser's camera", status });
  assert.match(words, /^Recording P-017 from a browser's camera: 0:36, 48 readings kept, 13\u00a0% of the time read\./);
  assert.match(words, /It is read too rarely: 1\.3 times per second\./);
  assert.doesNotMatch(words, /browser-4|90|in view/);
  const well = recordingWords({ active: true, subject: "P-017", origin: "a browser's camera", status: { ...status, stored: 1, too_rarely: "" } });
  assert.match(well, /1 reading kept/);
  assert.doesNotMatch(well, /rarely/);
  assert.equal(wantedSubject("?record=P-017"), "P-017");
  assert.equal(wantedSubject("?record="), null);
  assert.equal(wantedSubject(""), null);
});

test("a consent says in words what of the body may be stored", () => {
  const body = { heart: "heart", brain: "brain waves" };
  assert.equal(keptWords(["expression"], body), "expressions");
  assert.equal(keptWords(["expression", "measures"], body), "expressions, and what is measured on the face");
  assert.equal(keptWords(["expression", "heart", "brain"], body), "expressions; of the body heart, brain waves");
});
