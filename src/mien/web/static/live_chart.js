// The last minutes of the live view: shares of the expressions, when a face was read, valence and arousal.

import { Chart } from "./chart.js";
import { colours, fitted } from "./colours.js";

const KEPT_MS = 600_000;
const STEP_MS = 200; // one point in each; what comes between is left out
const HOLD_MS = 1500; // a reading stands for the time until the next, at most this long
const COLUMN = 2; // pixels
const NAMES = 62; // pixels, for the lanes' names
const SHORTEST_MS = 10_000; // the axis grows with the data from here

export class LiveChart {
  spanMs = 180_000;
  otherSinceMs = null; // since when something else stands on its axis
  #canvas;
  #labels;
  #uncertain;
  #points = []; // {ms, p: [8] or null, label, valence, arousal}
  #marks = []; // ms

  constructor(canvas, labels, uncertain) {
    this.#canvas = canvas;
    this.#labels = labels;
    this.#uncertain = uncertain;
  }

  clear() {
    this.#points = [];
    this.#marks = [];
  }

  /** Draw a line at a moment that was marked. */
  mark(ms) {
    this.#marks.push(ms);
  }

  /** How much time is shown: what there is, at least some seconds, at most what was chosen. */
  shownMs(nowMs, most = this.spanMs) {
    const sinceMs = Math.min(this.#points[0]?.ms ?? nowMs, this.otherSinceMs ?? nowMs);
    const all = nowMs - sinceMs;
    return Math.min(most, Math.max(SHORTEST_MS, all));
  }

  /** Add what is shown of the chosen face; null for a reading without one. */
  add(ms, face) {
    const last = this.#points.at(-1);
    if (last && ms - last.ms < STEP_MS && !last.p === !face) return;
    const read = face && face.confidence !== null;
    this.#points.push({
      ms,
      p: read ? this.#labels.map((label) => face.probabilities[label] ?? 0) : null,
      label: read ? face.expression : null,
      valence: read ? face.valence : null,
      arousal: read ? face.arousal : null,
    });
    if (this.#points[0].ms < ms - 1.1 * KEPT_MS) this.#points = this.#points.filter((point) => point.ms >= ms - KEPT_MS);
  }

  /** Start with what the server kept: points of /api/v1/history. */
  fill(history) {
    this.#points = history.map((point) => ({
      ms: 1000 * point.at_s,
      p: point.expression === null || point.expression === undefined ? null : point.probabilities.map((share) => share ?? 0),
      label: point.expression ?? null,
      valence: point.valence,
      arousal: point.arousal,
    }));
  }

  /** What the shown span held: readings, share with a face read, mean share of each label, the largest first. */
  summary(nowMs) {
    const shown = this.#points.filter(({ ms }) => ms >= nowMs - this.shownMs(nowMs));
    const read = shown.filter(({ p }) => p);
    const shares = this.#labels.map((label, i) => [label, read.reduce((sum, { p }) => sum + p[i], 0) / Math.max(1, read.length)]);
    return { readings: shown.length, read: read.length / Math.max(1, shown.length), shares: shares.sort((one, other) => other[1] - one[1]) };
  }

  /** From when to when it shows, in seconds, and the room for names; for what stands below on the same axis. */
  axis(nowMs) {
    return { from: (nowMs - this.shownMs(nowMs)) / 1000, to: nowMs / 1000, names: NAMES };
  }

  draw(nowMs) {
    const { pen, width, height } = fitted(this.#canvas, 2800);
    pen.clearRect(0, 0, width, height);
    this.#paint(pen, width, height, nowMs, this.shownMs(nowMs));
  }

  /** All that was kept as a picture of its own, with words above and the colours' names below; a canvas. */
  picture(nowMs, title, words) {
    const [width, height, head, foot] = [1400, 420, 84, 44];
    const canvas = Object.assign(document.createElement("canvas"), { width, height: height + head + foot });
    const pen = canvas.getContext("2d");
    const { card, ink, faint } = colours();
    pen.fillStyle = card;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.textBaseline = "middle";
    for (const [text, y, font, colour] of [[title, 28, "600 22px", ink], [words, 60, "16px", faint]]) {
      pen.font = `${font} system-ui, sans-serif`;
      pen.fillStyle = colour;
      pen.fillText(text, 16, y, width - 32);
    }
    pen.save();
    pen.translate(16, head);
    this.#paint(pen, width - 32, height, nowMs, this.shownMs(nowMs, KEPT_MS));
    pen.restore();
    this.#paintLegend(pen, 16, head + height + foot / 2);
    return canvas;
  }

  #paintLegend(pen, x, y) {
    pen.font = "15px system-ui, sans-serif";
    pen.textAlign = "left";
    for (const label of this.#labels) {
      pen.fillStyle = colours()[label];
      pen.fillRect(x, y - 8, 16, 16);
      pen.fillStyle = colours().ink;
      pen.fillText(label, x + 22, y);
      x += pen.measureText(label).width + 52;
    }
  }

  #paint(pen, width, height, nowMs, spanMs) {
    const chart = new Chart(pen, width, height, { from: (nowMs - spanMs) / 1000, to: nowMs / 1000, names: NAMES });
    const [shares, strip, lines] = chart.lanes(0.64, 6, 0.36);
    chart.drawGround(shares, lines, ticks(chart));
    chart.drawShares(shares, this.#labels, this.#columns(chart).map(([x, { p }]) => [x, COLUMN, p]));
    this.#drawRead(chart, strip);
    chart.drawLines(lines, { valence: this.#line("valence", chart.from), arousal: this.#line("arousal", chart.from) });
    this.#drawMarks(chart, shares);
    chart.drawNames([["p", shares.top + shares.height / 2], ["read", strip.top + strip.height / 2], ...chart.lineNames(lines)]);
  }

  #drawMarks(chart, { top, height }) {
    const { pen } = chart;
    pen.strokeStyle = colours().ink;
    pen.lineWidth = 2;
    for (const ms of this.#marks.filter((each) => each >= 1000 * chart.from)) {
      pen.beginPath();
      pen.moveTo(chart.x(ms / 1000), top);
      pen.lineTo(chart.x(ms / 1000), top + height);
      pen.stroke();
    }
  }

  /** When a face was read: a thin line where the label was uncertain. */
  #drawRead(chart, { top, height }) {
    const { accent, faint } = colours();
    for (const [x, { label }] of this.#columns(chart)) {
      const unsure = label === this.#uncertain;
      const tall = unsure ? height / 3 : height;
      chart.pen.fillStyle = unsure ? faint : accent;
      chart.pen.fillRect(x, top + (height - tall) / 2, COLUMN, tall);
    }
  }

  /** From left to right, each column with the point that held then, where a face was read. */
  #columns(chart) {
    const columns = [];
    let i = 0;
    for (let x = 0; x < chart.width; x += COLUMN) {
      const ms = 1000 * chart.timeAt(chart.left + x + COLUMN);
      while (i + 1 < this.#points.length && this.#points[i + 1].ms <= ms) i++;
      const point = this.#points[i];
      if (point?.p && point.ms <= ms && ms - point.ms <= HOLD_MS) columns.push([chart.left + x, point]);
    }
    return columns;
  }

  /** A line's points since a time, with a break where nothing was read for a while. */
  #line(name, fromS) {
    const known = this.#points.filter((point) => point.ms >= 1000 * fromS && point[name] !== null);
    return known.flatMap((point, i) => {
      const here = [point.ms / 1000, point[name]];
      return i > 0 && point.ms - known[i - 1].ms > HOLD_MS ? [null, here] : [here];
    });
  }
}

/** Ticks back from now. */
function ticks(chart) {
  const everyS = chart.tickS;
  const count = Math.floor((chart.to - chart.from) / everyS + 1e-6);
  const text = (s) => (s < 120 && everyS < 60 ? `−${s} s` : `−${s / 60} min`);
  return Array.from({ length: count + 1 }, (_, i) => [chart.to - i * everyS, i ? text(i * everyS) : "now"]);
}
