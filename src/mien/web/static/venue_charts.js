// What the page of a venue draws: tiles, hours, the usual week, bars with intervals, the kiosk's faces.

import { html, path, plainNumber, px, svg, ticks } from "./svg.js";
import { count, percent } from "./words.js";

const MONDAY = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const LEFT = 44;
const RIGHT = 8;
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

/** What can be drawn of an hour or a day: how its values are written, and between which limits. */
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

/** In which direction a figure is from what is usual: "more", "less" or "as" usual; null where that isn't known. */
export function against(value, usual) {
  if (value === null || value === undefined || !usual) return null;
  if (value > usual.high) return "more";
  return value < usual.low ? "less" : "as";
}

/** Coverage in a sentence, with a warning where it is poor. */
export function coverageWords({ coverage, open_s: openS, blind_s: blindS }) {
  if (coverage === null || !openS) return "Opening hours and coverage are not known.";
  const poor = coverage < 0.5 ? " Take the figures with care: most of the day was not seen." : "";
  return `Counted in ${percent(coverage)} of ${stretchWords(openS)} of opening hours${blindS >= 60 ? `, without a usable view for ${stretchWords(blindS)}` : ""}.${poor}`;
}

/** One figure of the day: its name, value, interval, and what is usual. */
export function tile({ name, value, interval, usual, words, help }) {
  const less = { more: "above usual", less: "below usual", as: "as usual" };
  const direction = against(value, usual);
  return html(
    "div",
    { class: `tile${direction && direction !== "as" ? " unusual" : ""}` },
    html("dt", {}, name),
    html("dd", { class: "tile-value" }, value === null || value === undefined ? "–" : words(value)),
    interval ? html("dd", { class: "tile-range faint small" }, `${words(interval.low)} to ${words(interval.high)}`) : null,
    direction ? html("dd", { class: "tile-usual small" }, `${less[direction]} (${words(usual.low)} to ${words(usual.high)})`) : null,
    help ? html("dd", { class: "faint small" }, help) : null,
  );
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
    return i === 0 ? `under ${words(starts[1])}` : `${start < 60 && starts[i + 1] < 60 ? start : words(start)} to ${words(starts[i + 1])}`;
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
    const [first, last] = [hours[0].hour, hours.at(-1).hour];
    const each = (this.#width - LEFT - RIGHT) / (last - first + 1);
    const x = (hour) => LEFT + (hour - first + 0.5) * each;
    const known = hours.filter(({ figures }) => figures);
    const height = TOP + CURVE + GAP + BARS + 22;
    const { tick, ...limited } = MEASURES[measure];
    const limits = limitsOf(known.map(({ figures }) => figures[measure]), limited);
    this.#room.replaceChildren(
      svg("svg", { width: this.#width, height }, ...grid(limits, tick, this.#width), ...course(known, measure, x, limits), ...columns(known, x, each), ...axis(hours, x, each, height)),
    );
  }
}

const yOf = (value, [low, high]) => TOP + CURVE * (1 - (value - low) / (high - low));

function grid(limits, tick, width) {
  return ticks(...limits, 4).flatMap((value) => {
    const y = Math.round(yOf(value, limits)) + 0.5;
    return [svg("line", { x1: LEFT, x2: width - RIGHT, y1: y, y2: y, class: value === 0 ? "zero" : "grid" }), svg("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, tick(value))];
  });
}

function course(known, measure, x, limits) {
  const shown = known.filter(({ figures }) => figures[measure]);
  let before = null;
  const points = shown.flatMap(({ hour, figures }) => {
    const point = [x(hour), yOf(figures[measure].value, limits)];
    const gap = before !== null && hour > before + 1;
    before = hour;
    return gap ? [null, point] : [point];
  });
  const marks = shown.flatMap(({ hour, figures }) => {
    const { value, low, high } = figures[measure];
    return [
      svg("line", { x1: px(x(hour)), x2: px(x(hour)), y1: px(yOf(low, limits)), y2: px(yOf(high, limits)), class: "whisker" }),
      svg("circle", { cx: px(x(hour)), cy: px(yOf(value, limits)), r: 4, class: "dot" }),
    ];
  });
  return [svg("path", { d: path(points), class: "line" }), ...marks];
}

function columns(known, x, each) {
  const base = TOP + CURVE + GAP + BARS;
  const most = Math.max(...known.map(({ figures }) => figures.visits), 1);
  const width = Math.max(3, each - Math.min(8, each / 4));
  return known.flatMap(({ hour, figures }) => {
    const tall = (figures.visits / most) * BARS;
    const words = each >= NUMBERED ? svg("text", { x: px(x(hour)), y: px(base - tall - 5), "text-anchor": "middle", class: "visits" }, String(figures.visits)) : null;
    return [svg("rect", { x: px(x(hour) - width / 2), y: px(base - tall), width: px(width), height: px(tall), rx: 2, class: "columns" }), words].filter(Boolean);
  });
}

function axis(hours, x, each, height) {
  const every = Math.ceil(30 / each);
  return hours.filter(({ hour }) => hour % every === 0).map(({ hour }) => svg("text", { x: px(x(hour)), y: height - 5, "text-anchor": "middle" }, each > 46 ? `${hour}:00` : String(hour)));
}

/** The hours as rows of a table, for those who don't see the picture, or want the figures. */
export function hoursRows(hours) {
  const range = (interval, words) => (interval ? `${words(interval.value)} (${words(interval.low)} to ${words(interval.high)})` : "–");
  const cell = (words) => html("td", {}, words);
  const head = html("tr", {}, ...["Hour", "Visits", "Smiling", "Valence", "Length", "Coverage"].map((name) => html("th", { scope: "col" }, name)));
  const rows = hours.map(({ hour, figures }) => {
    const name = html("th", { scope: "row" }, `${hour}:00`);
    if (!figures) return html("tr", {}, name, html("td", { colspan: 5, class: "faint" }, "too few visits"));
    const { visits, smiling, valence, length_s: lengthS, coverage } = figures;
    return html("tr", {}, name, cell(String(visits)), cell(range(smiling, percent)), cell(range(valence, signed)), cell(lengthS === null ? "–" : longWords(lengthS)), cell(percent(coverage)));
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
 * @param cells as the API gives them
 * @param measure one of MEASURES
 * @returns {rows, low, high}: the table's rows, and the lowest and highest value; null without any
 */
export function week(cells, measure) {
  const value = (cell) => (measure === "visits" ? cell.visits : (cell[measure]?.value ?? null));
  const known = cells.filter((cell) => value(cell) !== null);
  if (!known.length) return null;
  const values = known.map(value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const hours = known.map(({ hour }) => hour);
  const { words } = MEASURES[measure];
  const rows = [];
  for (let hour = Math.min(...hours); hour <= Math.max(...hours); hour++) {
    const row = MONDAY.map((_, weekday) => {
      const cell = known.find((each) => each.weekday === weekday && each.hour === hour);
      if (!cell) return html("td", { class: "none" }, html("span", { class: "unseen" }, "too few visits"));
      const interval = measure === "visits" ? "" : `, 90 % interval ${words(cell[measure].low)} to ${words(cell[measure].high)}`;
      const shown = html("td", { title: `${WEEKDAYS[weekday]}, ${hour}:00: ${MEASURES[measure].name} ${words(value(cell))}${interval}; ${count(cell.days, "day")}, ${Math.round(cell.visits)} visits each` }, short(value(cell), measure));
      shown.style.setProperty("--strength", strength(value(cell), low, high).toFixed(3));
      return shown;
    });
    rows.push(html("tr", {}, html("th", { scope: "row" }, `${hour}`, html("span", { class: "unseen" }, ":00")), ...row));
  }
  const head = html("tr", {}, html("th", { scope: "col" }, "Hour"), ...MONDAY.map((name, i) => html("th", { scope: "col", "aria-label": WEEKDAYS[i] }, name)));
  return { rows: [html("thead", {}, head), html("tbody", {}, ...rows)], low: words(low), high: words(high) };
}

/** A value where there is little room: 41 for a share, +.18 for an index. */
function short(value, measure) {
  if (measure === "smiling") return String(Math.round(100 * value));
  return measure === "valence" ? signed(value).replace("0.", ".") : String(Math.round(value));
}
