// A video's readings over time, as the Files page shows them; a slider to the video's moments.

import { ChartSlider } from "./chart.js";
import { clock, percent } from "./wording.js";

const COLUMN = 2; // pixels
const BRIDGED = 2.5; // steps: a row stands until the next one, if that comes within so many, and else for one

export class FileChart extends ChartSlider {
  names = 62;
  #data = null;
  #face = null;
  #pieces = [];
  #counted = null; // {step_s, attention}

  /** Take what /timeline.json says. */
  load(data) {
    this.#data = data;
    this.#face = data.faces[0] ?? null;
    this.at(0);
  }

  /** Show another face, by its place in the data. */
  choose(place) {
    this.#face = this.#data.faces[place] ?? null;
    this.at(this.nowS);
  }

  /** Mark pieces of the video, [{start_s, end_s}], over the lanes; and what counted for its sentiment, in one of its own. */
  mark(pieces, counted) {
    this.#pieces = pieces;
    this.#counted = counted?.attention?.some((share) => share > 0) ? counted : null;
    this.draw();
  }

  get range() {
    if (!this.#data) return null;
    const { duration_s: end, step_s: stepS } = this.#data;
    return { from: 0, to: end, end, small: Math.max(stepS, Math.min(1, end / 20)), large: Math.max(stepS, end / 10) };
  }

  tellMoment() {
    return [`${clock(this.nowS)}: ${this.#words()}`];
  }

  paint(chart) {
    const [shares, lines, counted] = chart.lanes(...(this.#counted ? [0.52, 0.32, 0.16] : [0.64, 0.36]));
    chart.drawShares(shares, this.#data.labels, this.#columns(chart));
    chart.drawGround(shares, lines, chart.clockTicks());
    const line = (name) => this.#face?.time_s.map((timeS, place) => [timeS, this.#face[name][place]]) ?? [];
    chart.drawLines(lines, { valence: line("valence"), arousal: line("arousal") });
    const names = this.#names(chart, shares, lines);
    if (counted) {
      chart.drawBars(counted, this.#counted.attention, this.#counted.step_s);
      names.push(["counted", counted.top + counted.height / 2]);
    }
    chart.drawPieces(this.#pieces);
    chart.drawNames(names);
  }

  #names(chart, shares, lines) {
    const [upper, lower] = [shares.top + shares.height / 2, lines.top + lines.height / 2];
    if (!this.#face?.smoothed_s) return [["p", upper], ...chart.lineNames(lines)];
    return [["p", upper - 8], ["smoothed", upper + 8], ["valence", lower - 16, "ink"], ["arousal", lower, "accent"], ["smoothed", lower + 16]];
  }

  *#columns(chart) {
    for (let x = 0; x < chart.width; x += COLUMN) {
      const shares = this.#shares(chart.timeAt(chart.left + x + COLUMN / 2));
      if (shares) yield [chart.left + x, COLUMN, shares];
    }
  }

  #shares(timeS) {
    if (!this.#face) return null;
    const place = lastBefore(this.#face.time_s, this.#held(timeS));
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
    const timeS = this.#held(this.nowS);
    const place = lastBefore(times, timeS);
    const held = times[place + 1] - times[place] <= BRIDGED * stepS || timeS - times[place] < stepS;
    const label = held ? expression[place] : null;
    if (!label) return "no face read";
    return this.#data.labels.includes(label) ? `${label} ${percent(confidence[place])}` : label;
  }
}

/** The place of the last of some rising times at or before a time; -1 before all. */
function lastBefore(times, timeS) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= timeS) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
