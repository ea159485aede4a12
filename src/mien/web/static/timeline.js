// The last minutes: the share of each expression stacked, valence and arousal below, and when a face was read.

import { colours, fitted } from "./colours.js";

const KEPT_MS = 600_000;
const STEP_MS = 200; // one point in each; what comes between is left out
const HOLD_MS = 1500; // a reading stands for the time until the next, at most this long
const COLUMN = 2; // pixels
const LEFT = 62;
const BOTTOM = 20;
const TICKS_S = [2, 5, 10, 30, 60, 120];
const SHORTEST_MS = 10_000; // the axis grows with the data from here

export class Timeline {
  spanMs = 180_000;
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
    const all = this.#points.length ? nowMs - this.#points[0].ms : 0;
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
    const left = width < 480 ? 4 : LEFT;
    const room = { left, width: width - left - 4, nowMs, spanMs };
    const upper = { top: 2, height: Math.round((height - BOTTOM) * 0.55) };
    const strip = { top: upper.top + upper.height + 6, height: 6 };
    const lower = { top: strip.top + strip.height + 8, height: height - BOTTOM - strip.top - strip.height - 8 };
    this.#drawGround(pen, room, upper, lower, height);
    this.#drawColumns(pen, room, upper, strip);
    this.#drawLine(pen, room, lower, "valence", colours().ink, []);
    this.#drawLine(pen, room, lower, "arousal", colours().accent, [5, 4]);
    this.#drawMarks(pen, room, upper);
    if (left >= LEFT) this.#drawNames(pen, upper, strip, lower);
  }

  #drawMarks(pen, { left, width, nowMs, spanMs }, upper) {
    pen.strokeStyle = colours().ink;
    pen.lineWidth = 2;
    for (const ms of this.#marks.filter((each) => each >= nowMs - spanMs)) {
      const x = left + width * (1 - (nowMs - ms) / spanMs);
      pen.beginPath();
      pen.moveTo(x, upper.top);
      pen.lineTo(x, upper.top + upper.height);
      pen.stroke();
    }
  }

  #drawGround(pen, { left, width, spanMs }, upper, lower, height) {
    const { line, faint } = colours();
    pen.strokeStyle = line;
    pen.fillStyle = faint;
    pen.lineWidth = 1;
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    pen.strokeRect(left + 0.5, upper.top + 0.5, width - 1, upper.height - 1);
    const middle = Math.round(lower.top + lower.height / 2) + 0.5;
    pen.beginPath();
    pen.moveTo(left, middle);
    pen.lineTo(left + width, middle);
    const everyS = TICKS_S.find((tick) => spanMs / 1000 / tick <= width / 80) ?? TICKS_S.at(-1);
    for (let s = 0; s <= spanMs / 1000; s += everyS) {
      const x = Math.round(left + width * (1 - (1000 * s) / spanMs)) - 0.5;
      pen.moveTo(x, lower.top);
      pen.lineTo(x, height - BOTTOM + 4);
      pen.textAlign = s === 0 ? "right" : x < left + 20 ? "left" : "center";
      pen.fillText(s === 0 ? "now" : s < 120 && everyS < 60 ? `−${s} s` : `−${s / 60} min`, x, height - 8);
    }
    pen.stroke();
  }

  #drawNames(pen, upper, strip, lower) {
    const { ink, faint, accent } = colours();
    const name = (text, y, colour) => {
      pen.fillStyle = colour;
      pen.fillText(text, 0, y);
    };
    pen.textAlign = "left";
    name("p", upper.top + upper.height / 2, faint);
    name("read", strip.top + strip.height / 2, faint);
    name("valence", lower.top + lower.height / 2 - 8, ink);
    name("arousal", lower.top + lower.height / 2 + 8, accent);
  }

  /** From left to right, each column with the point that held then. */
  #drawColumns(pen, room, upper, strip) {
    const paint = this.#labels.map((label) => colours()[label]);
    const { accent, faint } = colours();
    for (const [x, point] of this.#columns(room)) {
      if (!point.p) continue;
      let bottom = upper.top + upper.height - 1;
      point.p.forEach((share, i) => {
        const tall = share * (upper.height - 2);
        pen.fillStyle = paint[i];
        pen.fillRect(x, bottom - tall, COLUMN, tall);
        bottom -= tall;
      });
      pen.fillStyle = point.label === this.#uncertain ? faint : accent;
      const thin = point.label === this.#uncertain ? strip.height / 3 : strip.height;
      pen.fillRect(x, strip.top + (strip.height - thin) / 2, COLUMN, thin);
    }
  }

  *#columns({ left, width, nowMs, spanMs }) {
    let i = 0;
    for (let x = 0; x < width; x += COLUMN) {
      const ms = nowMs - spanMs * (1 - (x + COLUMN) / width);
      while (i + 1 < this.#points.length && this.#points[i + 1].ms <= ms) i++;
      const point = this.#points[i];
      if (point && point.ms <= ms && ms - point.ms <= HOLD_MS) yield [left + x, point];
    }
  }

  #drawLine(pen, { left, width, nowMs, spanMs }, lower, name, colour, dash) {
    pen.strokeStyle = colour;
    pen.lineWidth = 1.6;
    pen.setLineDash(dash);
    pen.beginPath();
    let before = null;
    for (const point of this.#points) {
      if (point.ms < nowMs - spanMs || point[name] === null) continue;
      const x = left + width * (1 - (nowMs - point.ms) / spanMs);
      const y = lower.top + ((1 - point[name]) / 2) * lower.height;
      if (before === null || point.ms - before > HOLD_MS) pen.moveTo(x, y);
      else pen.lineTo(x, y);
      before = point.ms;
    }
    pen.stroke();
    pen.setLineDash([]);
  }
}
