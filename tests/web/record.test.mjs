// What the record's scripts compute without a page; run by tests/web/test_record_scripts.py, in several time zones.

import assert from "node:assert/strict";
import { test } from "node:test";

const load = (name) => import(`${process.env.MIEN_MODULES}/${name}`);

globalThis.HTMLElement = class {};
globalThis.customElements = { define() {} };
globalThis.window = { addEventListener() {} };

const { dayNumber, dayText, dayTicks, longDay, monthStart, parts, plainMoment, shortDay } = await load("dates.js");
const { limitsOf } = await load("subject.js");
const { runsOf } = await load("lanes.js");
const { shade } = await load("calendar.js");
const { path, plainNumber, ticks } = await load("svg.js");
const { subjectPath } = await load("ask.js");

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
