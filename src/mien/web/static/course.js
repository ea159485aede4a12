// A video's course over time: shares of the expressions stacked, valence and arousal below; a slider to its moments.

import { colours, fitted } from "./colours.js";
import { sliding } from "./slide.js";
import { clock, percent } from "./words.js";

const LEFT = 62;
const BOTTOM = 20;
const COLUMN = 2; // pixels
const BRIDGED = 2.5; // steps: a row stands until the next one, if that comes within so many, and else for one
const TICKS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

export class Course {
  #canvas;
  #tell;
  #seek;
  #data = null;
  #face = null;
  #nowS = 0;

  /**
   * @param canvas what is drawn on; it becomes the slider
   * @param seek given the seconds that somebody has chosen
   * @param tell given what the chosen moment shows, in words
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

  /** Take what /timeline.json says. */
  load(data) {
    this.#data = data;
    this.#nowS = 0;
    this.#canvas.ariaValueMax = data.duration_s.toFixed(1);
    this.choose(0);
  }

  /** Show another face, by its place in the data. */
  choose(place) {
    this.#face = this.#data.faces[place] ?? null;
    this.at(this.#nowS);
  }

  /** Mark the moment that the video shows. */
  at(timeS) {
    if (!this.#data) return;
    this.#nowS = Math.min(Math.max(0, timeS), this.#data.duration_s);
    const words = `${clock(this.#nowS)}: ${this.#words()}`;
    this.#canvas.ariaValueNow = this.#nowS.toFixed(1);
    this.#canvas.ariaValueText = words;
    this.#tell(words);
    this.draw();
  }

  draw() {
    if (!this.#data || !this.#canvas.clientWidth) return;
    const { pen, width, height } = fitted(this.#canvas, 2800);
    pen.clearRect(0, 0, width, height);
    const left = this.#left(width);
    const room = { left, width: width - left - 4 };
    const upper = { top: 2, height: Math.round((height - BOTTOM) * 0.6) };
    const lower = { top: upper.top + upper.height + 10, height: height - BOTTOM - upper.top - upper.height - 10 };
    this.#drawShares(pen, room, upper);
    this.#drawGround(pen, room, upper, lower, height);
    this.#drawLine(pen, room, lower, "valence", colours().ink, []);
    this.#drawLine(pen, room, lower, "arousal", colours().accent, [5, 4]);
    this.#drawMoment(pen, room, height);
  }

  #choose(timeS) {
    this.at(timeS);
    this.#seek(this.#nowS);
  }

  #onKey(event) {
    if (!this.#data) return;
    const { duration_s: endS, step_s: stepS } = this.#data;
    const small = Math.max(stepS, Math.min(1, endS / 20));
    const large = Math.max(stepS, endS / 10);
    const there = {
      ArrowLeft: this.#nowS - small, ArrowDown: this.#nowS - small,
      ArrowRight: this.#nowS + small, ArrowUp: this.#nowS + small,
      PageDown: this.#nowS - large, PageUp: this.#nowS + large,
      Home: 0, End: endS,
    }[event.key];
    if (there === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.#choose(there);
  }

  #left(width) {
    return width < 480 ? 4 : LEFT;
  }

  #timeAt(x) {
    const width = this.#canvas.clientWidth;
    const left = this.#left(width);
    return ((x - left) / (width - left - 4)) * this.#data.duration_s;
  }

  #x({ left, width }, timeS) {
    return left + (width * timeS) / this.#data.duration_s;
  }

  /** The place of the last of some rising times at or before a time. */
  #place(times, timeS) {
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= timeS) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #shares(timeS) {
    if (!this.#face) return null;
    const place = this.#place(this.#face.time_s, this.#held(timeS));
    return place < 0 ? null : this.#face.probabilities[place];
  }

  /** At the very end, the last reading still stands. */
  #held(timeS) {
    return Math.min(timeS, this.#data.duration_s - this.#data.step_s / 2);
  }

  /** What the table's own row says of the moment. */
  #words() {
    const { time_s: times, expression, confidence } = this.#face?.read ?? { time_s: [] };
    const { step_s: stepS } = this.#data;
    const timeS = this.#held(this.#nowS);
    const place = this.#place(times, timeS);
    const held = times[place + 1] - times[place] <= BRIDGED * stepS || timeS - times[place] < stepS;
    const label = held ? expression[place] : null;
    if (!label) return "no face read";
    return this.#data.labels.includes(label) ? `${label} ${percent(confidence[place])}` : label;
  }

  #drawShares(pen, room, upper) {
    if (!this.#face) return;
    const paint = this.#data.labels.map((label) => colours()[label]);
    for (let x = 0; x < room.width; x += COLUMN) {
      const shares = this.#shares(((x + COLUMN / 2) / room.width) * this.#data.duration_s);
      let bottom = upper.top + upper.height;
      shares?.forEach((share, i) => {
        const tall = (share ?? 0) * upper.height;
        pen.fillStyle = paint[i];
        pen.fillRect(room.left + x, bottom - tall, COLUMN, tall);
        bottom -= tall;
      });
    }
  }

  #drawGround(pen, room, upper, lower, height) {
    const { line, faint, ink, accent } = colours();
    const { left, width } = room;
    pen.strokeStyle = line;
    pen.lineWidth = 1;
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    pen.strokeRect(left + 0.5, upper.top + 0.5, width - 1, upper.height - 1);
    const middle = lower.top + lower.height / 2;
    pen.beginPath();
    pen.moveTo(left, Math.round(middle) + 0.5);
    pen.lineTo(left + width, Math.round(middle) + 0.5);
    pen.fillStyle = faint;
    const endS = this.#data.duration_s;
    const everyS = TICKS_S.find((tick) => endS / tick <= width / 72) ?? TICKS_S.at(-1);
    for (let tick = 0; tick * everyS <= endS; tick++) {
      const x = Math.round(this.#x(room, tick * everyS)) + 0.5;
      pen.moveTo(x, lower.top);
      pen.lineTo(x, height - BOTTOM + 4);
      pen.textAlign = x < left + 16 ? "left" : x > left + width - 16 ? "right" : "center";
      pen.fillText(clock(tick * everyS), x, height - 8);
    }
    pen.stroke();
    if (left < LEFT) return;
    pen.textAlign = "left";
    const smoothed = this.#face?.smoothed_s ? 8 : 0;
    pen.fillText("p", 0, upper.top + upper.height / 2 - smoothed);
    if (smoothed) pen.fillText("smoothed", 0, upper.top + upper.height / 2 + 8);
    if (smoothed) pen.fillText("smoothed", 0, middle + 16);
    pen.fillStyle = ink;
    pen.fillText("valence", 0, middle - 8 - smoothed);
    pen.fillStyle = accent;
    pen.fillText("arousal", 0, middle + 8 - smoothed);
  }

  #drawLine(pen, room, lower, name, colour, dash) {
    if (!this.#face) return;
    pen.strokeStyle = colour;
    pen.lineWidth = 1.6;
    pen.setLineDash(dash);
    pen.beginPath();
    let drawn = false;
    this.#face.time_s.forEach((timeS, place) => {
      const value = this.#face[name][place];
      if (value !== null) {
        const y = lower.top + ((1 - value) / 2) * lower.height;
        if (drawn) pen.lineTo(this.#x(room, timeS), y);
        else pen.moveTo(this.#x(room, timeS), y);
      }
      drawn = value !== null;
    });
    pen.stroke();
    pen.setLineDash([]);
  }

  #drawMoment(pen, room, height) {
    const x = Math.round(this.#x(room, this.#nowS));
    pen.fillStyle = colours().card;
    pen.fillRect(x - 2, 0, 5, height - BOTTOM);
    pen.fillStyle = colours().ink;
    pen.fillRect(x - 1, 0, 3, height - BOTTOM);
  }
}
