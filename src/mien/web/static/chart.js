// Readings over time on a canvas: shares of the expressions stacked, lines below; and such a chart as a slider.
// The live view's, a file's and a recording's chart say what there is; how it looks and moves stands here.
// Of uPlot we would use little but the axes: it stacks no series, and knows neither fingers, keys nor screen readers.

import { colours, fitted } from "./colours.js";
import { clock } from "./wording.js";

const NARROW = 500; // pixels; with less, there is no room for names
const MARGIN = { right: 6, bottom: 20, top: 2, left: 4 };
const GAP = 8; // between two lanes
const PER_TICK = 76; // pixels
const EDGE = 18; // so near the edge, a tick's text is moved inwards
const JOINED_S = 0.05; // two figures' times that are no further apart follow each other
const LEAST_SHADE = 0.05; // of a lane's ground, where the quality is 0
const TICKS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

export class Chart {
  /**
   * @param pen a canvas's context, one unit a CSS pixel; it is cleared by the caller
   * @param from, to the seconds at the left and the right edge
   * @param names room for the lanes' names, in pixels
   * @param foot room for the ticks' texts
   */
  constructor(pen, width, height, { from, to, names, foot = MARGIN.bottom }) {
    Object.assign(this, { pen, from, to });
    this.named = width >= NARROW;
    this.left = this.named ? names : MARGIN.left;
    this.width = width - this.left - MARGIN.right;
    this.bottom = height - foot;
    pen.lineWidth = 1;
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
  }

  /** Where a moment stands. */
  x(timeS) {
    return this.left + (this.width * (timeS - this.from)) / (this.to - this.from);
  }

  /** The moment at a place. */
  timeAt(x) {
    return this.from + ((x - this.left) / this.width) * (this.to - this.from);
  }

  /** Lanes one below the other; each gets so many pixels, or, below 1, such a share of what the others leave. */
  lanes(...sizes) {
    const pixels = sizes.filter((size) => size > 1).reduce((sum, size) => sum + size, 0);
    const room = this.bottom - MARGIN.top - pixels - GAP * (sizes.length - 1);
    let top = MARGIN.top;
    return sizes.map((size) => {
      const lane = { top, height: size > 1 ? size : Math.round(size * room) };
      top += lane.height + GAP;
      return lane;
    });
  }

  /** How far ticks are apart, in seconds. */
  get tickS() {
    return TICKS_S.find((tick) => (this.to - this.from) / tick <= this.width / PER_TICK) ?? TICKS_S.at(-1);
  }

  /** Ticks at whole steps of a clock that began at 0. */
  clockTicks() {
    const everyS = this.tickS;
    const first = Math.ceil(this.from / everyS);
    const count = Math.floor(this.to / everyS) - first + 1;
    return Array.from({ length: Math.max(0, count) }, (_, i) => [(first + i) * everyS, clock((first + i) * everyS)]);
  }

  /** The frame of the shares, the middle of the lines, and the ticks: [seconds, text]. */
  drawGround(shares, lines, ticks) {
    const { pen, left, width, bottom } = this;
    const right = left + width;
    pen.strokeStyle = colours().line;
    pen.fillStyle = colours().faint;
    pen.strokeRect(left + 0.5, shares.top + 0.5, width - 1, shares.height - 1);
    pen.beginPath();
    const middle = Math.round(lines.top + lines.height / 2) + 0.5;
    pen.moveTo(left, middle);
    pen.lineTo(right, middle);
    for (const [timeS, text] of ticks) {
      const x = Math.min(right, Math.round(this.x(timeS)) + 0.5);
      pen.moveTo(x, lines.top);
      pen.lineTo(x, bottom + 4);
      pen.textAlign = x > right - EDGE ? "right" : x < left + EDGE ? "left" : "center";
      pen.fillText(text, x, bottom + 12);
    }
    pen.stroke();
  }

  /** Shares stacked in columns: [left edge, width, share of each label], in the labels' colours. */
  drawShares({ top, height }, labels, columns) {
    const paint = labels.map((label) => colours()[label]);
    for (const [x, wide, shares] of columns) {
      let bottom = top + height - 1;
      shares.forEach((share, i) => {
        const tall = (share ?? 0) * (height - 2);
        this.pen.fillStyle = paint[i];
        this.pen.fillRect(x, bottom - tall, wide, tall);
        bottom -= tall;
      });
    }
  }

  /** Valence and arousal, from -1 to 1: of each its points, [seconds, value]; null where the line breaks. */
  drawLines(lane, { valence, arousal }) {
    this.#drawLine(lane, valence, colours().ink, []);
    this.#drawLine(lane, arousal, colours().accent, [5, 4]);
  }

  #drawLine({ top, height }, points, colour, dash) {
    const { pen } = this;
    pen.strokeStyle = colour;
    pen.lineWidth = 1.6;
    pen.setLineDash(dash);
    pen.beginPath();
    let drawn = false;
    for (const point of points) {
      if (point && point[1] !== null) {
        const at = [this.x(point[0]), top + ((1 - point[1]) / 2) * height];
        if (drawn) pen.lineTo(...at);
        else pen.moveTo(...at);
      }
      drawn = Boolean(point && point[1] !== null);
    }
    pen.stroke();
    pen.setLineDash([]);
  }

  /**
   * One measure's course, with its quality as shading, paler where it is worse.
   *
   * @param cells {from, to, value, quality}, in the order of time; a value of null breaks the line, and where there
   *   is no cell nothing is drawn
   * @param limits the values at the lane's bottom and top
   */
  drawCourse({ top, height }, cells, [low, high]) {
    const { pen } = this;
    const shown = cells.filter(({ from, to }) => to > this.from && from < this.to);
    const inside = (timeS) => Math.round(this.x(Math.min(Math.max(timeS, this.from), this.to))); // no seam between two
    const y = (value) => top + height * (1 - (Math.min(Math.max(value, low), high) - low) / (high - low));
    pen.save();
    pen.beginPath();
    pen.rect(this.left, top - 2, this.width, height + 4);
    pen.clip();
    pen.fillStyle = colours().accent;
    for (const { from, to, quality } of shown) {
      pen.globalAlpha = LEAST_SHADE + 0.25 * quality;
      pen.fillRect(inside(from), top, inside(to) - inside(from), height);
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = colours().ink;
    pen.lineWidth = 1.6;
    pen.lineJoin = "round";
    pen.beginPath();
    const goesOn = (one, other) => one?.value != null && other?.value != null && other.from - one.to < JOINED_S;
    shown.forEach((cell, i) => {
      if (cell.value === null) return;
      if (!goesOn(shown[i - 1], cell)) pen.moveTo(this.x(cell.from), y(cell.value));
      pen.lineTo(this.x((cell.from + cell.to) / 2), y(cell.value));
      if (!goesOn(cell, shown[i + 1])) pen.lineTo(this.x(cell.to), y(cell.value));
    });
    pen.stroke();
    pen.restore();
  }

  /** The values at a lane's bottom and top, beside it where there is room. */
  drawLimits({ top, height }, texts) {
    const { pen } = this;
    pen.fillStyle = colours().faint;
    pen.strokeStyle = colours().card;
    pen.lineWidth = 4;
    pen.textAlign = this.named ? "right" : "left";
    texts.forEach((text, i) => {
      const place = [this.named ? this.left - 6 : this.left + 3, i ? top + 7 : top + height - 6];
      if (!this.named) pen.strokeText(text, ...place); // it lies over the line there
      pen.fillText(text, ...place);
    });
  }

  /** Bars from 0 up to the highest value, each as wide as a step of the time from 0 on. */
  drawBars({ top, height }, values, stepS) {
    const most = Math.max(...values.map((value) => value ?? 0));
    this.pen.fillStyle = colours().accent;
    values.forEach((value, i) => {
      const [x, end] = [this.x(i * stepS), this.x(Math.min(this.to, (i + 1) * stepS))];
      const tall = most > 0 ? ((value ?? 0) / most) * height : 0;
      if (end > x) this.pen.fillRect(x, top + height - tall, end - x, tall);
    });
  }

  /** A bar over all lanes at the chosen moment. */
  drawMoment(timeS) {
    if (timeS < this.from || timeS > this.to) return;
    const x = Math.round(this.x(timeS));
    for (const [colour, from, wide] of [[colours().card, x - 2, 5], [colours().ink, x - 1, 3]]) {
      this.pen.fillStyle = colour;
      this.pen.fillRect(from, 0, wide, this.bottom);
    }
  }

  /** Outlines over all lanes, of pieces of the time: [{start_s, end_s}]. */
  drawPieces(pieces) {
    const { pen } = this;
    for (const { start_s: from, end_s: to } of pieces) {
      const x = Math.round(this.x(from));
      const wide = Math.max(3, Math.round(this.x(to)) - x);
      for (const [colour, line, inset] of [[colours().card, 4, 2], [colours().ink, 2, 2]]) {
        pen.strokeStyle = colour;
        pen.lineWidth = line;
        pen.strokeRect(x + 1, inset, wide - 2, this.bottom - 2 * inset);
      }
    }
    pen.lineWidth = 1;
  }

  /** Names beside the lanes, where there is room: [text, y, colour]. */
  drawNames(names) {
    if (!this.named) return;
    this.pen.textAlign = "left";
    for (const [text, y, colour] of names) {
      this.pen.fillStyle = colours()[colour ?? "faint"];
      this.pen.fillText(text, 0, y);
    }
  }

  /** The names of the two lines. */
  lineNames({ top, height }) {
    const middle = top + height / 2;
    return [["valence", middle - 8, "ink"], ["arousal", middle + 8, "accent"]];
  }
}

/**
 * A canvas with a chart that is a slider: dragged by mouse or finger, moved by keys, told to screen readers.
 *
 * What extends it has `range` ({from, to, end, small, large} in seconds, or null before there is something), `names`
 * (room for them), `paint(chart)`, and `tellMoment()`, which gives the moment in words and more for `tell`.
 */
export class ChartSlider {
  #canvas;
  #seek;
  #tell;
  #nowS = 0;

  /**
   * @param canvas what is drawn on; it becomes the slider
   * @param seek given the seconds that somebody has chosen
   * @param tell given what `tellMoment` gives
   */
  constructor(canvas, { seek, tell }) {
    this.#canvas = canvas;
    this.#seek = seek;
    this.#tell = tell;
    canvas.addEventListener("keydown", (event) => this.#onKey(event));
    this.follow(canvas);
    new ResizeObserver(() => this.draw()).observe(canvas);
    window.addEventListener("mien:theme", () => this.draw());
  }

  get nowS() {
    return this.#nowS;
  }

  /** Let a moment be chosen on a canvas by mouse or finger: its own, or one below it with the same axis. */
  follow(canvas) {
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#point(event.offsetX);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.#point(event.offsetX);
    });
  }

  /** Mark a moment. */
  at(timeS) {
    if (!this.range) return;
    const { end } = this.range;
    this.#nowS = Math.min(Math.max(0, timeS), end);
    const [words, ...more] = this.tellMoment();
    this.#canvas.ariaValueMax = end.toFixed(1);
    this.#canvas.ariaValueNow = this.#nowS.toFixed(1);
    this.#canvas.ariaValueText = words;
    this.#tell(words, ...more);
    this.draw();
  }

  draw() {
    if (!this.range || !this.#canvas.clientWidth) return;
    const { pen, width, height } = fitted(this.#canvas, 2800);
    pen.clearRect(0, 0, width, height);
    const chart = new Chart(pen, width, height, { ...this.range, names: this.names });
    this.paint(chart);
    chart.drawMoment(this.#nowS);
  }

  /** Go to a moment, as if somebody had chosen it here. */
  go(timeS) {
    this.#choose(timeS);
  }

  #choose(timeS) {
    this.at(timeS);
    this.#seek(this.#nowS);
  }

  #point(x) {
    if (!this.range) return;
    const { pen, width, height } = fitted(this.#canvas, 2800);
    const chart = new Chart(pen, width, height, { ...this.range, names: this.names });
    this.#choose(Math.min(Math.max(chart.from, chart.timeAt(x)), chart.to)); // a finger that slips off stays at the edge
  }

  #onKey(event) {
    if (!this.range || event.ctrlKey || event.altKey || event.metaKey) return;
    const { end, small, large } = this.range;
    const there = {
      ArrowLeft: this.#nowS - small, ArrowDown: this.#nowS - small,
      ArrowRight: this.#nowS + small, ArrowUp: this.#nowS + small,
      PageDown: this.#nowS - large, PageUp: this.#nowS + large,
      Home: 0, End: end,
    }[event.key];
    if (there === undefined) return;
    event.preventDefault();
    this.#choose(there);
  }
}
