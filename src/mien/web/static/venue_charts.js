// What the page of a venue draws: tiles, hours, the usual week, bars with intervals, the kiosk's faces.

import { html, path, plainNumber, px, svg, ticks } from "./svg.js";
import { count, percent } from "./wording.js";

const MONDAY = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
export const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const LEFT = 44;
const RIGHT = 20;
const CURVE = 110; // pixels
const BARS = 64;
const GAP = 26;
const TOP = 10;
const NUMBERED = 30; // pixels an hour from which its visits are written above its bar

/** A signed index: +0.18; a minus is a real one. */
export const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

/** How long a visit was: 40 s, 2 min 10 s. */
export function longWords(seconds) {
  const whole = Math.round(seconds);
  if (whole < 90) return `${whole}\u00a0s`;
  const rest = whole % 60;
  return `${Math.floor(whole / 60)}\u00a0min${rest ? ` ${rest}\u00a0s` : ""}`;
}

/** A stretch in hours and minutes: 7 h 30 min. */
export function stretchWords(seconds) {
  const minutes = Math.round(seconds / 60);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return [hours ? `${hours}\u00a0h` : "", rest || !hours ? `${rest}\u00a0min` : ""].filter(Boolean).join(" ");
}

/** What can be drawn: how its values are written, and between which limits. */
export const MEASURES = {
  smiling: { name: "share smiling", words: percent, tick: (value) => `${Math.round(100 * value)} %`, least: 0, most: 1 },
  valence: { name: "valence", words: signed, tick: plainNumber, least: -1, most: 1 },
  visits: { name: "visits a day", words: (value) => String(Math.round(value)) },
};

/** Ends of an axis around intervals, a little wider, within what is possible; null entries are left out. */
export function limitsOf(intervals, { least, most }) {
  const known = intervals.filter(Boolean);
  if (!known.length) return [least, most];
  const low = Math.min(...known.map((each) => each.low));
  const high = Math.max(...known.map((each) => each.high));
  const room = Math.max(0.05, 0.1 * (high - low));
  return [Math.max(least, low - room), Math.min(most, high + room)];
}

/** Coverage in a sentence, with a warning where it is poor. */
export function coverageWords({ seen, open_s: openS, blind_s: blindS }) {
  if (seen === null) return "Coverage is not known.";
  const poor = seen < 0.5 ? " Take the figures with care: most of the time was not seen." : "";
  return `Coverage ${percent(seen)}: ${stretchWords(openS - blindS)} of ${stretchWords(openS)} were seen.${poor}`;
}

/** From where to where, with the unit once: 29 to 53 %. */
export function rangeWords({ low, high }, words) {
  const [from, to] = [words(low), words(high)].map((text) => text.split("\u00a0"));
  const alike = from.length === 2 && to.length === 2 && from[1] === to[1];
  return `${alike ? from[0] : words(low)} to ${words(high)}`;
}

/** One figure of the day: its name, its value with what that means and its interval, and what is usual. */
export function tile({ name, value, interval, usual, words, usually = words, help }) {
  const small = (text, kind = "faint") => (text ? html("dd", { class: `${kind} small` }, text) : null);
  const range = interval ? rangeWords(interval, words) : null;
  const compared = usual ? usualWords(usual, usually) : null;
  return html("div", { class: `tile${usual?.unusual ? " unusual" : ""}` }, html("dt", {}, name), html("dd", { class: "tile-value" }, words(value)), small(range), small(help), small(compared, "tile-usual"));
}

/** Where the day is by what is usual: "above usual (31 to 42 %)". */
export function usualWords({ day, usual, unusual }, words) {
  const place = unusual ? (day > usual.value ? "above usual" : "below usual") : "as usual";
  return `${place} (${rangeWords(usual, words)})`;
}

/** Bars with intervals: {name, share, low, high, words, colour}; `most` is the whole length. */
export function bars(list, most = 1) {
  return list.map(({ name, share, low, high, words, colour }) => {
    const fill = html("span", { class: "bar-fill" });
    fill.style.transform = `scaleX(${(share / most).toFixed(3)})`;
    const groove = html("span", { class: "bar-groove", "aria-hidden": "true" }, fill);
    if (low !== undefined) {
      const line = html("span", { class: "bar-interval" });
      line.style.left = `${((100 * low) / most).toFixed(1)}%`;
      line.style.width = `${((100 * (high - low)) / most).toFixed(1)}%`;
      groove.append(line);
    }
    return html("li", { class: `bar ${colour ?? "plain-bar"}` }, html("span", { class: "bar-name" }, name), groove, html("span", { class: "bar-value" }, words));
  });
}

/** The names of bins of lengths: under 5 s, 5 to 15 s, ..., over 5 min. */
export function binNames(starts) {
  const words = (seconds) => (seconds < 60 ? `${seconds}\u00a0s` : `${seconds / 60}\u00a0min`);
  return starts.map((start, i) => {
    if (i === starts.length - 1) return `over ${words(start)}`;
    if (i === 0) return `under ${words(starts[1])}`;
    const alike = start < 60 === starts[i + 1] < 60;
    return `${alike ? words(start).split("\u00a0")[0] : words(start)} to ${words(starts[i + 1])}`;
  });
}

const MOUTHS = ["M10 22.5c2.5-4.5 9.5-4.5 12 0", "M10.5 21.5c2.5-2.5 8.5-2.5 11 0", "M10.5 20.5h11", "M10.5 19.5c2.5 2.5 8.5 2.5 11 0", "M9.5 18.5c2.5 5.5 10.5 5.5 13 0z"];

/** One of the kiosk's five faces, 0 (very bad) to 4. */
export function face(place) {
  return svg(
    "svg",
    { viewBox: "0 0 32 32", width: 28, height: 28, class: "kiosk-face", "aria-hidden": "true" },
    svg("circle", { cx: 16, cy: 16, r: 14, class: "kiosk-round" }),
    svg("circle", { cx: 11.5, cy: 12.5, r: 1.8, class: "kiosk-eye" }),
    svg("circle", { cx: 20.5, cy: 12.5, r: 1.8, class: "kiosk-eye" }),
    svg("path", { d: MOUTHS[place], class: "kiosk-mouth" }),
  );
}

/** Draws the hours of a day, and anew when there is another width: a line with intervals over bars of visits. */
export class HoursChart {
  #room;
  #shown = null;
  #width = 0;

  constructor(room) {
    this.#room = room;
    new ResizeObserver(() => {
      if (this.#shown && room.clientWidth !== this.#width) this.draw(...this.#shown);
    }).observe(room);
  }

  /** @param hours as the API gives them; @param measure one of MEASURES */
  draw(hours, measure) {
    this.#shown = [hours, measure];
    this.#width = this.#room.clientWidth;
    if (!this.#width || !hours.length) return;
    const [first, end] = [hours[0].first, hours.at(-1).end];
    const each = (this.#width - LEFT - RIGHT) / (end - first);
    const x = (hour) => LEFT + (hour - first) * each;
    const { tick, ...limited } = MEASURES[measure];
    const limits = limitsOf(hours.map(({ figures }) => figures[measure]), limited);
    const height = TOP + CURVE + GAP + BARS + 22;
    this.#room.replaceChildren(svg("svg", { width: this.#width, height }, ...grid(limits, tick, this.#width), ...course(hours, measure, x, limits), ...columns(hours, x), ...axis(first, end, x, each, height)));
  }
}

const yOf = (value, [low, high]) => TOP + CURVE * (1 - (value - low) / (high - low));

function grid(limits, tick, width) {
  return ticks(...limits, 6).flatMap((value) => {
    const y = Math.round(yOf(value, limits)) + 0.5;
    return [svg("line", { x1: LEFT, x2: width - RIGHT, y1: y, y2: y, class: value === 0 ? "zero" : "grid" }), svg("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, tick(value))];
  });
}

/** A line through the hours, with a dot and an interval each; it breaks where hours are left out. */
function course(hours, measure, x, limits) {
  const at = ({ first, end }) => (x(first) + x(end)) / 2;
  const points = hours.flatMap((hour, i) => [...(i && hour.first > hours[i - 1].end ? [null] : []), [at(hour), yOf(hour.figures[measure].value, limits)]]);
  const marks = hours.flatMap((hour) => {
    const { value, low, high } = hour.figures[measure];
    return [
      svg("line", { x1: px(at(hour)), x2: px(at(hour)), y1: px(yOf(low, limits)), y2: px(yOf(high, limits)), class: "whisker" }),
      svg("circle", { cx: px(at(hour)), cy: px(yOf(value, limits)), r: 4, class: "dot" }),
    ];
  });
  return [svg("path", { d: path(points), class: "line" }), ...marks];
}

/** A bar of visits for each hour; where hours are told together, one as wide as they are and by the hour as high. */
function columns(hours, x) {
  const base = TOP + CURVE + GAP + BARS;
  const perHour = ({ first, end, figures }) => figures.visits / (end - first);
  const most = Math.max(...hours.map(perHour));
  return hours.flatMap((hour) => {
    const [left, right] = [x(hour.first), x(hour.end)];
    const gap = Math.min(8, (right - left) / 4);
    const tall = (perHour(hour) / most) * BARS;
    const words = right - left >= NUMBERED ? [svg("text", { x: px((left + right) / 2), y: px(base - tall - 5), "text-anchor": "middle", class: "visits" }, String(hour.figures.visits))] : [];
    return [svg("rect", { x: px(left + gap / 2), y: px(base - tall), width: px(Math.max(2, right - left - gap)), height: px(tall), rx: 2, class: "columns" }), ...words];
  });
}

function axis(first, end, x, each, height) {
  const every = Math.max(1, Math.ceil(34 / each));
  const marks = [];
  for (let hour = first; hour <= end; hour++) if (hour % every === 0) marks.push(svg("text", { x: px(x(hour)), y: height - 5, "text-anchor": "middle" }, each * every > 46 ? `${hour}:00` : String(hour)));
  return marks;
}

/** The hours as rows of a table, for those who don't see the picture, or want the figures. */
export function hoursRows(hours) {
  const range = (interval, words) => `${words(interval.value)} (${rangeWords(interval, words)})`;
  const head = html("tr", {}, ...["Hours", "Visits", "Smiling", "Valence", "Length", "Seen"].map((name) => html("th", { scope: "col" }, name)));
  const rows = hours.map(({ first, end, figures: { visits, smiling, valence, length_s: lengthS, seen } }) => {
    const cells = [String(visits), range(smiling, percent), range(valence, signed), longWords(lengthS), percent(seen)];
    return html("tr", {}, html("th", { scope: "row" }, `${first}:00 to ${end}:00`), ...cells.map((words) => html("td", {}, words)));
  });
  return [html("thead", {}, head), html("tbody", {}, ...rows)];
}

/** How strongly a cell of the week is coloured, 0 to 1 between the lowest and the highest. */
export function strength(value, low, high) {
  return high > low ? (value - low) / (high - low) : 0.5;
}

/**
 * The usual week as a table: a row an hour, a column a weekday.
 *
 * @param slots as the API gives them
 * @param measure one of MEASURES
 * @returns {rows, low, high}: the table's rows, and the lowest and highest value; null without any
 */
export function week(slots, measure) {
  const value = ({ days, figures }) => (measure === "visits" ? figures.visits / days : figures[measure].value);
  if (!slots.length) return null;
  const values = slots.map(value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const hours = slots.map(({ hour }) => hour);
  const { words } = MEASURES[measure];
  const rows = [];
  for (let hour = Math.min(...hours); hour <= Math.max(...hours); hour++) {
    const row = MONDAY.map((_, weekday) => {
      const slot = slots.find((each) => each.weekday === weekday && each.hour === hour);
      if (!slot) return html("td", { class: "none" }, html("span", { class: "unseen" }, "too few visits"));
      const { days, figures } = slot;
      const interval = measure === "visits" ? "" : `, 90 % interval ${rangeWords(figures[measure], words)}`;
      const shown = html("td", { title: `${WEEKDAYS[weekday]}, ${hour}:00: ${MEASURES[measure].name} ${words(value(slot))}${interval}; ${count(days, "day")}, ${Math.round(figures.visits / days)} visits each` }, short(value(slot), measure));
      shown.style.setProperty("--strength", strength(value(slot), low, high).toFixed(3));
      return shown;
    });
    rows.push(html("tr", {}, html("th", { scope: "row" }, `${hour}`, html("span", { class: "unseen" }, ":00")), ...row));
  }
  const head = html("tr", {}, html("th", { scope: "col" }, html("span", { class: "unseen" }, "Hour")), ...MONDAY.map((name, i) => html("th", { scope: "col", "aria-label": WEEKDAYS[i] }, name)));
  return { rows: [html("thead", {}, head), html("tbody", {}, ...rows)], low: words(low), high: words(high) };
}

/** A value where there is little room: 41 for a share, +.18 for an index. */
function short(value, measure) {
  if (measure === "smiling") return String(Math.round(100 * value));
  return measure === "valence" ? signed(value).replace("0.", ".") : String(Math.round(value));
}
