// A recording's timeline: shares of the expressions, valence and arousal, episodes and smiles, notes; a slider to its moments.

import { colours, fitted } from "./colours.js";
import { sliding } from "./slide.js";
import { clock, percent } from "./words.js";

const WIDE_LEFT = 76;
const RIGHT = 6;
const BOTTOM = 22;
const TICKS_S = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
const LANES = { shares: 0.46, lines: 0.27 }; // of the height; the rest is for episodes, smiles and notes

export class Tape {
  #canvas;
  #seek;
  #tell;
  #data = null; // as the server gives it
  #nowS = 0;

  /**
   * @param canvas what is drawn on; it becomes the slider
   * @param seek given the seconds that somebody has chosen
   * @param tell given the moment in words, and the place of its reading in the series, or null
   */
  constructor(canvas, { seek, tell }) {
    this.#canvas = canvas;
    this.#seek = seek;
    this.#tell = tell;
    sliding(canvas, {
      key: (event) => this.#onKey(event),
      drag: (x) => this.#choose(this.#timeAt(x)),
      draw: () => this.draw(),
    });
  }

  get nowS() {
    return this.#nowS;
  }

  /** From when to when it shows; null before there is something. */
  get shown() {
    return this.#data && [this.#data.series.start_s, this.#data.series.end_s];
  }

  /** The shares of the expressions at a place of the series. */
  shares(place) {
    return this.#data.series.probabilities[place];
  }

  /** Take a recording, or a part of it. */
  load(data) {
    this.#data = data;
    this.#canvas.ariaValueMin = 0;
    this.#canvas.ariaValueMax = data.length_s.toFixed(1);
    this.at(this.#nowS);
  }

  /** Mark a moment. */
  at(timeS) {
    if (!this.#data) return;
    this.#nowS = Math.min(Math.max(0, timeS), this.#data.length_s);
    const place = this.#place(this.#nowS);
    const words = `${clock(Math.round(10 * this.#nowS) / 10)}: ${this.#words(place)}`;
    this.#canvas.ariaValueNow = this.#nowS.toFixed(1);
    this.#canvas.ariaValueText = words;
    this.#tell(words, place);
    this.draw();
  }

  /** The step that holds a moment, by its place; null where nothing was read or shown. */
  #place(timeS) {
    const { start_s: startS, step_s: stepS, end_s: endS, probabilities } = this.#data.series;
    if (timeS < startS || timeS > endS) return null;
    const place = Math.min(probabilities.length - 1, Math.floor((timeS - startS) / stepS));
    return probabilities[place] ? place : null;
  }

  #words(place) {
    if (place === null) return "no reading";
    const { labels, probabilities } = this.#data.series;
    const named = labels.map((label, i) => [label, probabilities[place][i] ?? 0]).sort((one, other) => other[1] - one[1]);
    const shares = named.slice(0, 3).filter(([, share]) => share >= 0.05).map(([label, share]) => `${label} ${percent(share)}`).join(", ");
    const during = this.#data.events.filter(({ onset_s: from, offset_s: to }) => this.#nowS >= from && this.#nowS <= to);
    const list = during.map(({ kind, label }) => (kind === "episode" ? `episode of ${label}` : kind));
    return [shares, ...list].join("; ");
  }

  #choose(timeS) {
    this.at(timeS);
    this.#seek(this.#nowS);
  }

  #onKey(event) {
    if (!this.#data || event.ctrlKey || event.altKey || event.metaKey) return;
    const { start_s: startS, end_s: endS } = this.#data.series;
    const small = Math.max(0.1, (endS - startS) / 200);
    const large = (endS - startS) / 10;
    const there = {
      ArrowLeft: this.#nowS - small, ArrowDown: this.#nowS - small,
      ArrowRight: this.#nowS + small, ArrowUp: this.#nowS + small,
      PageDown: this.#nowS - large, PageUp: this.#nowS + large,
      Home: 0, End: this.#data.length_s,
    }[event.key];
    if (there === undefined) return;
    event.preventDefault();
    this.#choose(there);
  }

  #left() {
    return this.#canvas.clientWidth < 520 ? 4 : WIDE_LEFT;
  }

  #timeAt(x) {
    const { start_s: startS, end_s: endS } = this.#data.series;
    const left = this.#left();
    return startS + ((x - left) / (this.#canvas.clientWidth - left - RIGHT)) * (endS - startS);
  }

  draw() {
    if (!this.#data || !this.#canvas.clientWidth) return;
    const { pen, width, height } = fitted(this.#canvas, 2800);
    pen.clearRect(0, 0, width, height);
    const left = this.#left();
    const { start_s: startS, end_s: endS } = this.#data.series;
    const room = { left, width: width - left - RIGHT, startS, endS, bottom: height - BOTTOM };
    room.x = (timeS) => left + (room.width * (timeS - startS)) / (endS - startS);
    const shares = { top: 2, height: Math.round(room.bottom * LANES.shares) };
    const lines = { top: shares.top + shares.height + 10, height: Math.round(room.bottom * LANES.lines) };
    const bars = { top: lines.top + lines.height + 10, height: room.bottom - lines.top - lines.height - 14 };
    this.#drawGround(pen, room, shares, lines, width);
    this.#drawShares(pen, room, shares);
    this.#drawLine(pen, room, lines, "valence", colours().ink, []);
    this.#drawLine(pen, room, lines, "arousal", colours().accent, [5, 4]);
    this.#drawEvents(pen, room, bars);
    this.#drawMarks(pen, room, bars);
    this.#drawMoment(pen, room);
    if (left >= WIDE_LEFT) this.#drawNames(pen, shares, lines, bars);
  }

  #drawGround(pen, room, shares, lines, width) {
    const { line, faint } = colours();
    pen.strokeStyle = line;
    pen.fillStyle = faint;
    pen.lineWidth = 1;
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    pen.strokeRect(room.left + 0.5, shares.top + 0.5, room.width - 1, shares.height - 1);
    pen.beginPath();
    const middle = Math.round(lines.top + lines.height / 2) + 0.5;
    pen.moveTo(room.left, middle);
    pen.lineTo(room.left + room.width, middle);
    const everyS = TICKS_S.find((tick) => (room.endS - room.startS) / tick <= width / 80) ?? TICKS_S.at(-1);
    for (let tick = Math.ceil(room.startS / everyS) * everyS; tick <= room.endS; tick += everyS) {
      const x = Math.round(room.x(tick)) + 0.5;
      pen.moveTo(x, lines.top);
      pen.lineTo(x, room.bottom + 4);
      pen.textAlign = x < room.left + 18 ? "left" : x > room.left + room.width - 18 ? "right" : "center";
      pen.fillText(clock(tick), x, room.bottom + 14);
    }
    pen.stroke();
  }

  #drawShares(pen, room, lane) {
    const { labels, probabilities, start_s: startS, step_s: stepS } = this.#data.series;
    const paint = labels.map((label) => colours()[label]);
    probabilities.forEach((shares, place) => {
      if (!shares) return;
      const x = room.x(startS + place * stepS);
      const wide = room.x(startS + (place + 1) * stepS) - x + 0.4; // no seam between two columns
      let bottom = lane.top + lane.height - 1;
      shares.forEach((share, i) => {
        const tall = (share ?? 0) * (lane.height - 2);
        pen.fillStyle = paint[i];
        pen.fillRect(x, bottom - tall, wide, tall);
        bottom -= tall;
      });
    });
  }

  #drawLine(pen, room, lane, name, colour, dash) {
    const { time_s: times, [name]: values } = this.#data.series;
    pen.strokeStyle = colour;
    pen.lineWidth = 1.6;
    pen.setLineDash(dash);
    pen.beginPath();
    values.forEach((value, place) => {
      if (value === null) return;
      const y = lane.top + ((1 - value) / 2) * lane.height;
      if (place > 0 && values[place - 1] !== null) pen.lineTo(room.x(times[place]), y);
      else pen.moveTo(room.x(times[place]), y);
    });
    pen.stroke();
    pen.setLineDash([]);
  }

  /** Episodes in the upper row, in the colour of their expression; smiles below. */
  #drawEvents(pen, room, lane) {
    const tall = Math.min(12, (lane.height - 22) / 2);
    for (const { kind, label, onset_s: from, offset_s: to } of this.#data.events) {
      if (to < room.startS || from > room.endS || kind === "blink") continue;
      const [x, end] = [room.x(Math.max(from, room.startS)), room.x(Math.min(to, room.endS))];
      pen.fillStyle = kind === "smile" ? colours().accent : colours()[label];
      pen.beginPath();
      pen.roundRect(x, lane.top + (kind === "smile" ? tall + 4 : 0), Math.max(2, end - x), tall, 3);
      pen.fill();
      pen.strokeStyle = colours().edge;
      pen.stroke();
    }
  }

  #drawMarks(pen, room, lane) {
    const y = lane.top + lane.height - 8;
    for (const { from_s: from, to_s: to } of this.#data.marks) {
      if (from < room.startS || from > room.endS) continue;
      const x = room.x(from);
      pen.fillStyle = colours().ink;
      if (to) pen.fillRect(x, y - 2, Math.max(2, room.x(Math.min(to, room.endS)) - x), 4);
      pen.beginPath();
      pen.moveTo(x, y - 8);
      pen.lineTo(x + 6, y + 4);
      pen.lineTo(x - 6, y + 4);
      pen.fill();
    }
  }

  #drawMoment(pen, room) {
    if (this.#nowS < room.startS || this.#nowS > room.endS) return;
    const x = Math.round(room.x(this.#nowS));
    pen.fillStyle = colours().card;
    pen.fillRect(x - 2, 0, 5, room.bottom);
    pen.fillStyle = colours().ink;
    pen.fillRect(x - 1, 0, 3, room.bottom);
  }

  #drawNames(pen, shares, lines, bars) {
    const { ink, faint, accent } = colours();
    pen.textAlign = "left";
    const name = (text, y, colour = faint) => {
      pen.fillStyle = colour;
      pen.fillText(text, 0, y);
    };
    const tall = Math.min(12, (bars.height - 22) / 2);
    name("shares", shares.top + shares.height / 2);
    name("valence", lines.top + lines.height / 2 - 8, ink);
    name("arousal", lines.top + lines.height / 2 + 8, accent);
    name("episodes", bars.top + tall / 2);
    name("smiles", bars.top + tall + 4 + tall / 2);
    name("notes", bars.top + bars.height - 8);
  }
}
