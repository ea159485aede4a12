// The body under a timeline: a lane for each measure of its sensors, on the timeline's own axis.

import { Chart } from "./chart.js";
import { fitted } from "./colours.js";
import { html } from "./svg.js";
import { figureWords, percent } from "./wording.js";

const MOST_OPEN = 4; // lanes; the others wait in the fold
const HOLDS_S = 20; // a figure tells of now for so long
const PAD = 0.08; // of an axis, above and below its values

/**
 * Arrange figures as lanes, one a measure; of a measure that isn't joined, one for each signal.
 *
 * @param figures {measure, signal, unit, value, quality, from, to}, windows in seconds of the timeline's clock
 * @param measures {name, title, decimals, least_span, limits, joined}, in order; see mien.signals.wording
 * @param slotS windows of several signals whose middles are within the same so many seconds are joined; 0 joins
 *   only those that are the same
 * @returns lanes: {key, measure, title, signal, unit, decimals, cells, limits: null without any value}; without those of which there was
 *   never a value, but for the first few, which say so
 */
export function lanesOf(figures, measures, slotS = 0) {
  return measures.flatMap(({ name, joined, ...words }, place) => {
    const own = figures.filter(({ measure }) => measure === name);
    const signals = joined ? [null] : [...new Set(own.map(({ signal }) => signal))].sort();
    return signals.flatMap((signal) => {
      const those = signal === null ? own : own.filter((each) => each.signal === signal);
      const cells = cellsOf(joinedWindows(those, joined, slotS));
      const said = place < MOST_OPEN ? cells.length : cells.some(({ value }) => value !== null);
      if (!said) return [];
      return [{ key: `${name} ${signal ?? ""}`, measure: name, title: words.title, signal, unit: those[0].unit, decimals: words.decimals, cells, limits: axisOf(cells, words) }];
    });
  });
}

/** One figure for each window, in the order of time; several signals' are joined. */
function joinedWindows(list, joined, slotS) {
  const windows = new Map();
  for (const figure of list) {
    const key = slotS ? Math.floor((figure.from + figure.to) / 2 / slotS) : `${figure.from} ${figure.to}`;
    windows.set(key, [...(windows.get(key) ?? []), figure]);
  }
  const one = [...windows.values()].map((those) => (those.length > 1 && joined === "median" ? medianOf(those) : bestOf(those)));
  return one.sort((before, after) => before.from + before.to - after.from - after.to);
}

/** The one of the best quality, among those that have a value where there are any. */
function bestOf(list) {
  const worth = ({ value, quality }) => (value === null ? 0 : 2) + quality;
  return list.reduce((best, each) => (worth(each) > worth(best) ? each : best));
}

function medianOf(list) {
  const known = list.filter(({ value }) => value !== null);
  const middle = (values) => {
    const sorted = values.sort((one, other) => one - other);
    return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  };
  const quality = middle((known.length ? known : list).map((each) => each.quality));
  return { ...list[0], value: known.length ? middle(known.map(({ value }) => value)) : null, quality };
}

/** Windows may overlap: each stands for the time that is nearest to its middle, and none for what it doesn't hold. */
function cellsOf(windows) {
  const middle = ({ from, to }) => (from + to) / 2;
  return windows.map((each, i) => {
    const [before, after] = [windows[i - 1], windows[i + 1]];
    const from = before ? Math.max(each.from, (middle(before) + middle(each)) / 2) : each.from;
    const to = after ? Math.min(each.to, (middle(each) + middle(after)) / 2) : each.to;
    return { from, to, value: each.value, quality: each.quality };
  });
}

/** From what to what an axis goes: what is fixed, else what the values need, at least what means something. */
function axisOf(cells, { limits, least_span: leastSpan }) {
  if (limits) return limits;
  const known = cells.map(({ value }) => value).filter((value) => value !== null);
  if (!known.length) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = Math.max(PAD * (high - low), (leastSpan - (high - low)) / 2);
  return low >= 0 && low < room ? [0, Math.max(leastSpan, high + room)] : [low - room, high + room];
}

/** The figure that holds at a moment; null where nothing was measured. */
export const cellAt = (cells, timeS) => cells.findLast(({ from, to }) => from <= timeS && timeS <= to) ?? null;

/** What several lanes say at a moment, in words: "heart rate 72/min, skin conductance: no reading"; "" for nothing. */
export function momentWords(lanes, timeS) {
  return lanes
    .map((lane) => [lane, cellAt(lane.cells, timeS)])
    .filter(([, cell]) => cell)
    .map(([lane, { value }]) => `${lane.title.replace(/^(?!EEG)./, (first) => first.toLowerCase())}${lane.signal ? ` (${lane.signal})` : ""}${value === null ? ": no reading" : ` ${figureWords(value, lane)}`}`)
    .join(", ");
}

export class SignalLanes {
  lanes = []; // as `lanesOf` gives them
  #room;
  #made;
  #rows = new Map(); // by key: the row's elements

  /**
   * @param room where they stand: an element with a list, and a fold with another list
   * @param made is called with the canvas of each new lane
   */
  constructor(room, made = () => {}) {
    this.#room = room;
    this.#made = made;
  }

  /** What the open lanes say at a moment, in words; "" where nothing was measured. */
  words(timeS) {
    return momentWords(this.lanes.slice(0, MOST_OPEN), timeS);
  }

  /** Take other lanes. What stays keeps its element, so that neither the keyboard nor an open fold is lost. */
  show(lanes) {
    this.lanes = lanes;
    const [open, fold] = [this.#room.querySelector("ul"), this.#room.querySelector("details")];
    this.#room.hidden = !lanes.length;
    fold.hidden = lanes.length <= MOST_OPEN;
    fold.querySelector("summary").textContent = `More of the body (${lanes.length - MOST_OPEN})`;
    for (const [key, { row }] of this.#rows) {
      if (lanes.some((lane) => lane.key === key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    lanes.forEach((lane, i) => {
      if (!this.#rows.has(lane.key)) {
        this.#rows.set(lane.key, newRow(lane));
        this.#made(this.#rows.get(lane.key).canvas);
      }
      const { row } = this.#rows.get(lane.key);
      const [list, place] = i < MOST_OPEN ? [open, i] : [fold.querySelector("ul"), i - MOST_OPEN];
      if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
    });
  }

  /**
   * Draw them all, and say what holds at a moment.
   *
   * @param axis {from, to, names}, as the timeline's
   * @param atS the moment, which gets a bar; null for now, and what was said last holds for a while
   */
  draw(axis, atS = null) {
    for (const lane of this.lanes) {
      const row = this.#rows.get(lane.key);
      const cell = atS === null ? lane.cells.findLast(({ to }) => to > axis.to - HOLDS_S) : cellAt(lane.cells, atS);
      set(row.value, !cell ? "nothing measured" : cell.value === null ? "no reading" : figureWords(cell.value, lane));
      set(row.quality, cell ? `quality ${percent(cell.quality)}` : "");
      if (!row.canvas.clientWidth || row.canvas.closest("details:not([open])")) continue;
      const { pen, width, height } = fitted(row.canvas, 2800);
      pen.clearRect(0, 0, width, height);
      const chart = new Chart(pen, width, height, { ...axis, foot: 2 });
      const [room] = chart.lanes(1.0);
      chart.drawCourse(room, lane.cells, lane.limits ?? [0, 1]);
      if (lane.limits) chart.drawLimits(room, lane.limits.map((value) => value.toFixed(lane.decimals).replace("-", "−")));
      if (atS !== null) chart.drawMoment(atS);
    }
  }
}

function newRow(lane) {
  const value = html("strong", {});
  const quality = html("span", { class: "faint small" });
  const canvas = html("canvas", { "aria-hidden": "true" });
  const title = html("span", {}, lane.title, ...(lane.signal ? [html("span", { class: "faint small" }, ` ${lane.signal}`)] : []));
  const row = html("li", {}, html("p", {}, title, value, quality), canvas);
  return { row, value, quality, canvas };
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
