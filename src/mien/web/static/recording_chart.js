// A recording's readings over time: shares, lines, episodes and smiles, notes; the body below; a slider to its moments.

import { ChartSlider } from "./chart.js";
import { colours } from "./colours.js";
import { SignalLanes, lanesOf } from "./signal_lanes.js";
import { clock, percent } from "./wording.js";

export class RecordingChart extends ChartSlider {
  names = 76;
  #data = null; // as the server gives it
  #body;

  /** @param room where the body's lanes stand; the rest as for ChartSlider */
  constructor(canvas, hooks, room) {
    super(canvas, hooks);
    this.#body = new SignalLanes(room, (lane) => {
      lane.classList.add("seekable");
      this.follow(lane);
    });
    room.addEventListener("toggle", () => this.draw(), true); // what is in the fold gets its size now
  }

  /** From when to when it shows; null before there is something. */
  get shown() {
    return this.#data && [this.#data.series.start_s, this.#data.series.end_s];
  }

  get range() {
    if (!this.#data) return null;
    const [from, to] = this.shown;
    return { from, to, end: this.#data.length_s, small: Math.max(0.1, (to - from) / 200), large: (to - from) / 10 };
  }

  /** The shares of the expressions at a place of the series. */
  shares(place) {
    return this.#data.series.probabilities[place];
  }

  /** Take a recording, or a part of it. */
  load(data) {
    this.#data = data;
    this.at(this.nowS);
  }

  /** Take the body's figures, as the server gives them. */
  loadBody(courses, measures) {
    this.#body.show(lanesOf(courses.flatMap(figuresOf), measures));
    this.at(this.nowS);
  }

  draw() {
    super.draw();
    if (this.range) this.#body?.draw({ ...this.range, names: this.names }, this.nowS);
  }

  /** The moment in words, and the place of its reading in the series, or null. */
  tellMoment() {
    const place = this.#place(this.nowS);
    const words = [this.#words(place), this.#body.words(this.nowS)].filter(Boolean).join("; ");
    return [`${clock(Math.round(10 * this.nowS) / 10)}: ${words}`, place];
  }

  /** The step that holds a moment, by its place; null where nothing was read or shown. */
  #place(timeS) {
    const { start_s: startS, step_s: stepS, end_s: endS, probabilities } = this.#data.series;
    if (timeS < startS || timeS > endS) return null;
    const place = Math.min(probabilities.length - 1, Math.floor((timeS - startS) / stepS));
    return probabilities[place] ? place : null;
  }

  #words(place) {
    if (place === null) return this.#body.lanes.length ? "face: no reading" : "no reading";
    const { labels, probabilities } = this.#data.series;
    const named = labels.map((label, i) => [label, probabilities[place][i] ?? 0]).sort((one, other) => other[1] - one[1]);
    const shares = named.slice(0, 3).filter(([, share]) => share >= 0.05).map(([label, share]) => `${label} ${percent(share)}`).join(", ");
    const during = this.#data.events.filter(({ onset_s: from, offset_s: to }) => this.nowS >= from && this.nowS <= to);
    const list = during.map(({ kind, label }) => (kind === "episode" ? `episode of ${label}` : kind));
    return [shares, ...list].join("; ");
  }

  paint(chart) {
    const [shares, lines, events] = chart.lanes(0.48, 0.28, 0.24);
    const { labels, time_s: times, valence, arousal } = this.#data.series;
    chart.drawGround(shares, lines, chart.clockTicks());
    chart.drawShares(shares, labels, this.#columns(chart));
    const line = (values) => times.map((timeS, place) => [timeS, values[place]]);
    chart.drawLines(lines, { valence: line(valence), arousal: line(arousal) });
    const tall = Math.min(12, (events.height - 22) / 2);
    this.#drawEvents(chart, events.top, tall);
    this.#drawNotes(chart, events.top + events.height - 8);
    chart.drawNames([
      ["shares", shares.top + shares.height / 2],
      ...chart.lineNames(lines),
      ["episodes", events.top + tall / 2],
      ["smiles", events.top + tall + 4 + tall / 2],
      ["notes", events.top + events.height - 8],
    ]);
  }

  *#columns(chart) {
    const { probabilities, start_s: startS, step_s: stepS } = this.#data.series;
    for (const [place, shares] of probabilities.entries()) {
      const x = chart.x(startS + place * stepS);
      if (shares) yield [x, chart.x(startS + (place + 1) * stepS) - x + 0.4, shares]; // no seam between two columns
    }
  }

  /** Episodes in the upper row, in the colour of their expression; smiles below. */
  #drawEvents(chart, top, tall) {
    const { pen } = chart;
    for (const { kind, label, onset_s: from, offset_s: to } of this.#data.events) {
      if (to < chart.from || from > chart.to || kind === "blink") continue;
      const [x, end] = [chart.x(Math.max(from, chart.from)), chart.x(Math.min(to, chart.to))];
      pen.fillStyle = kind === "smile" ? colours().accent : colours()[label];
      pen.beginPath();
      pen.roundRect(x, top + (kind === "smile" ? tall + 4 : 0), Math.max(2, end - x), tall, 3);
      pen.fill();
      pen.strokeStyle = colours().edge;
      pen.stroke();
    }
  }

  #drawNotes(chart, y) {
    const { pen } = chart;
    pen.fillStyle = colours().ink;
    for (const { from_s: from, to_s: to } of this.#data.marks) {
      if (from < chart.from || from > chart.to) continue;
      const x = chart.x(from);
      if (to) pen.fillRect(x, y - 2, Math.max(2, chart.x(Math.min(to, chart.to)) - x), 4);
      pen.beginPath();
      pen.moveTo(x, y - 8);
      pen.lineTo(x + 6, y + 4);
      pen.lineTo(x - 6, y + 4);
      pen.fill();
    }
  }
}

/** One course of the record as figures. */
function figuresOf({ signal, measure, unit, start_s: starts, end_s: ends, value, quality }) {
  return starts.map((from, i) => ({ signal, measure, unit, from, to: ends[i], value: value[i], quality: quality[i] }));
}
