// Lanes one above the other on the same days: the curve, self-reports, marks, coverage, charts. One slider moves over all.

import { dayTicks } from "./dates.js";
import { path, plainNumber, px, svg, ticks } from "./svg.js";

const WIDE_LEFT = 104;
const NARROW_LEFT = 46;
const NARROW = 560; // pixels; below this, names stand above their lanes
const RIGHT = 8;
const GAP = 26;
const LINE = 15; // from one line of a name to the next
const BOTTOM = 24;
const DOT_FROM = 5; // pixels a day; with less room, only the line is drawn

export class Lanes {
  #room;
  #choose;
  #words;
  #from = 0;
  #to = 0;
  #days = []; // numbers of the days that can be chosen, rising
  #lanes = [];
  #chosen = null;
  #left = WIDE_LEFT;
  #width = 0;
  #height = 0;

  /**
   * @param room the element that they are drawn into; it becomes the slider
   * @param choose given the number of a day that somebody has chosen
   * @param words gives what a day holds, in words
   */
  constructor(room, { choose, words }) {
    this.#room = room;
    this.#choose = choose;
    this.#words = words;
    room.addEventListener("keydown", (event) => this.#onKey(event));
    room.addEventListener("pointerdown", (event) => this.#pick(event));
    room.addEventListener("pointermove", (event) => {
      if (event.buttons === 1 && event.pointerType === "mouse") this.#pick(event);
    });
    new ResizeObserver(() => {
      if (room.clientWidth !== this.#width) this.draw();
    }).observe(room);
  }

  /**
   * @param from, to numbers of the first and last day shown
   * @param days the days that can be chosen
   * @param lanes what is drawn: {name, height, draw(pen)}
   */
  show(from, to, days, lanes) {
    [this.#from, this.#to, this.#lanes] = [from, to, lanes];
    this.#days = days.filter((day) => day >= from && day <= to);
    this.#room.ariaValueMin = 0;
    this.#room.ariaValueMax = Math.max(0, this.#days.length - 1);
    this.draw();
  }

  /** Mark a day; null marks none. */
  mark(day) {
    this.#chosen = day;
    const place = this.#days.indexOf(day);
    this.#room.ariaValueNow = Math.max(0, place);
    this.#room.ariaValueText = day === null ? "No day is chosen" : this.#words(day);
    this.#drawMark();
  }

  draw() {
    this.#width = this.#room.clientWidth;
    if (!this.#width || !this.#lanes.length) return;
    const narrow = this.#width < NARROW;
    this.#left = narrow ? NARROW_LEFT : WIDE_LEFT;
    const shapes = [];
    let top = 8;
    for (const lane of this.#lanes) {
      if (narrow) top += 14;
      const pen = this.#pen(top, lane.height);
      const names = narrow ? [nameAt(top - 8, lane.name)] : besideLane(top + lane.height / 2 + 4, lane.name);
      shapes.push(svg("g", { class: `lane ${lane.kind ?? ""}` }, ...names, ...lane.draw(pen)));
      top += lane.height + GAP;
    }
    this.#height = top - GAP + BOTTOM;
    const picture = svg("svg", { width: this.#width, height: this.#height, "aria-hidden": "true" }, this.#axis(), ...shapes, svg("g", { class: "chosen-day" }));
    this.#room.replaceChildren(picture);
    this.#drawMark();
  }

  /** What a lane draws with: places of days, and of values between two limits. */
  #pen(top, height) {
    const room = this.#width - this.#left - RIGHT;
    const perDay = room / (this.#to - this.#from + 1);
    const x = (day) => this.#left + (day - this.#from + 0.5) * perDay;
    return {
      top, height, perDay, x,
      left: this.#left,
      right: this.#width - RIGHT,
      from: this.#from,
      to: this.#to,
      y: (value, low, high) => top + height * (1 - (value - low) / (high - low)),
    };
  }

  #axis() {
    const { x } = this.#pen(0, 0);
    const bottom = this.#height - BOTTOM;
    const marks = dayTicks(this.#from, this.#to, this.#width - this.#left - RIGHT).flatMap(([day, text]) => {
      const at = Math.round(x(day)) + 0.5;
      const anchor = at < this.#left + 20 ? "start" : at > this.#width - 28 ? "end" : "middle";
      return [
        svg("line", { x1: at, x2: at, y1: 4, y2: bottom + 6, class: "tick" }),
        svg("text", { x: at, y: bottom + 20, "text-anchor": anchor }, text),
      ];
    });
    return svg("g", { class: "axis" }, ...marks);
  }

  #drawMark() {
    const room = this.#room.querySelector(".chosen-day");
    if (!room) return;
    if (this.#chosen === null || this.#chosen < this.#from || this.#chosen > this.#to) {
      room.replaceChildren();
      return;
    }
    const { x, perDay } = this.#pen(0, 0);
    const width = Math.max(3, Math.min(perDay, 24));
    room.replaceChildren(svg("rect", { x: px(x(this.#chosen) - width / 2), y: 2, width: px(width), height: this.#height - BOTTOM, rx: 2 }));
  }

  #pick(event) {
    const room = this.#width - this.#left - RIGHT;
    const at = event.clientX - this.#room.getBoundingClientRect().left;
    const wanted = this.#from + ((at - this.#left) / room) * (this.#to - this.#from + 1) - 0.5;
    this.#choose(this.#nearest(wanted));
  }

  #nearest(wanted) {
    return this.#days.reduce((best, day) => (best === null || Math.abs(day - wanted) < Math.abs(best - wanted) ? day : best), null);
  }

  #onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !this.#days.length) return;
    const last = this.#days.length - 1;
    const found = this.#days.indexOf(this.#chosen);
    const now = found < 0 ? last : found;
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 7, PageDown: -7, Home: -last, End: last };
    if (!(event.key in steps)) return;
    event.preventDefault();
    this.#choose(this.#days[Math.max(0, Math.min(last, now + steps[event.key]))]);
  }
}

/**
 * A lane with a line, a dot a day where there is room, and a band from low to high; days without one stay empty.
 * Days apart, which can't be compared with the others, are grey, and the line leaves them out.
 */
export function curveLane({ name, height, days, value, low, high, limits, usual, apart = [], tick = plainNumber }) {
  return {
    name,
    height,
    kind: "curve",
    draw(pen) {
      const at = (list, i) => [pen.x(days[i]), pen.y(Math.min(limits[1], Math.max(limits[0], list[i])), ...limits)];
      const shown = [...days.keys()].filter((i) => days[i] >= pen.from && days[i] <= pen.to && value[i] !== null);
      const runs = runsOf(shown.filter((i) => !apart[i]), days);
      const grey = shown.filter((i) => apart[i]).map((i) => [i]);
      const greyBands = grey.map((run) => svg("path", { d: band(run, (i) => at(low, i), (i) => at(high, i), pen.perDay), class: "band apart" }));
      const bands = runs.map((run) => svg("path", { d: band(run, (i) => at(low, i), (i) => at(high, i), pen.perDay), class: "band" }));
      const line = svg("path", { d: path(runs.flatMap((run) => [...run.map((i) => at(value, i)), null])), class: "line" });
      return [...ground(pen, limits, usual, tick), ...greyBands, ...dots(pen, grey, (i) => at(value, i), "dot apart"), ...bands, line, ...dots(pen, runs, (i) => at(value, i), "dot")];
    },
  };
}

function dots(pen, runs, at, kind) {
  const alone = pen.perDay < DOT_FROM;
  const radius = alone ? 1.6 : Math.min(3.5, pen.perDay / 3);
  const shown = runs.flatMap((run) => (alone && run.length > 1 ? [] : run));
  return shown.map((i) => {
    const [x, y] = at(i);
    return svg("circle", { cx: px(x), cy: px(y), r: px(radius), class: kind });
  });
}

/** Split places into runs of days that follow each other. */
export function runsOf(places, days) {
  const runs = [];
  for (const place of places) {
    const run = runs.at(-1);
    if (run && days[place] === days[run.at(-1)] + 1) run.push(place);
    else runs.push([place]);
  }
  return runs;
}

function band(run, low, high, perDay) {
  if (run.length === 1) {
    const [[x, bottom], [, top]] = [low(run[0]), high(run[0])];
    const half = Math.max(1, Math.min(3, perDay / 3));
    return `${path([[x - half, bottom], [x - half, top], [x + half, top], [x + half, bottom]])}Z`;
  }
  return `${path([...run.map(high), ...[...run].reverse().map(low)])}Z`;
}

const nameAt = (y, name) => svg("text", { x: 2, y, class: "lane-name" }, name);

/** A name beside its lane; one with a comma in two lines, clear of the axis. */
function besideLane(y, name) {
  const lines = name.split(", ");
  return lines.map((line, i) => nameAt(y + LINE * (i - (lines.length - 1) / 2), line));
}

function ground(pen, [low, high], usual, tick = plainNumber) {
  const shapes = [];
  if (usual) {
    const [top, bottom] = [pen.y(Math.min(high, usual[1]), low, high), pen.y(Math.max(low, usual[0]), low, high)];
    shapes.push(svg("rect", { x: pen.left, y: px(top), width: px(pen.right - pen.left), height: px(Math.max(1, bottom - top)), class: "usual" }));
  }
  for (const value of ticks(low, high, pen.height > 100 ? 5 : 2)) {
    const y = Math.round(pen.y(value, low, high)) + 0.5;
    shapes.push(svg("line", { x1: pen.left, x2: pen.right, y1: y, y2: y, class: value === 0 ? "zero" : "grid" }));
    shapes.push(svg("text", { x: pen.left - 6, y: y + 4, "text-anchor": "end" }, tick(value)));
  }
  return shapes;
}

/** A lane with a point for each self-report: {day, total}; an open one is prorated. */
export function pointsLane({ name, height, points, limits }) {
  return {
    name,
    height,
    kind: "points",
    draw(pen) {
      const shown = points.filter(({ day }) => day >= pen.from && day <= pen.to);
      const at = ({ day, total }) => [pen.x(day), pen.y(total, ...limits)];
      const marks = shown.map((point) => {
        const [x, y] = at(point);
        return svg("circle", { cx: px(x), cy: px(y), r: px(Math.min(4, Math.max(2, pen.perDay / 2.5))), class: `point${point.safety ? " alert" : ""}${point.open ? " open" : ""}` }, svg("title", {}, point.words));
      });
      return [...ground(pen, limits), svg("path", { d: path(shown.map(at)), class: "thread" }), ...marks];
    },
  };
}

const SIGNS = {
  medication: "M0-6 6 5H-6Z", // a triangle
  event: "M0-6 6 0 0 6-6 0Z", // a diamond
  note: "M-5-5H5V5H-5Z", // a square
  prompt: "M-6-2H6V2H-6Z", // a bar
};
const ROUND = "M5 0A5 5 0 1 1-5 0 5 5 0 1 1 5 0Z";

/** The sign of a kind of mark, as a path around 0, 0. */
export const sign = (kind) => SIGNS[kind] ?? ROUND;

/** A lane with a sign for each mark: {day, last, kind, text}; one that lasts has a bar behind it. */
export function marksLane({ name, marks }) {
  const height = 22;
  return {
    name,
    height,
    kind: "marks",
    draw(pen) {
      return marks
        .filter(({ day, last }) => (last ?? day) >= pen.from && day <= pen.to)
        .map(({ day, last, kind, text }) => {
          const [x, y] = [pen.x(Math.max(day, pen.from)), pen.top + height / 2];
          const bar = last && last > day ? svg("rect", { x: px(x), y: y - 3, width: px(pen.x(Math.min(last, pen.to)) - x), height: 6, class: "lasting" }) : null;
          return svg("g", {}, bar, svg("path", { d: sign(kind), transform: `translate(${px(x)} ${y})`, class: `sign ${kind}` }), svg("title", {}, text));
        });
    },
  };
}

/** A lane with a bar a day, from 0 to 1; `top` is what stands at 1. */
export function barsLane({ name, height, days, value, top = "100 %" }) {
  return {
    name,
    height,
    kind: "shares",
    draw(pen) {
      const width = Math.max(1, pen.perDay - (pen.perDay > 4 ? 1.5 : 0.3));
      const base = svg("line", { x1: pen.left, x2: pen.right, y1: pen.top + height + 0.5, y2: pen.top + height + 0.5, class: "grid" });
      const half = svg("line", { x1: pen.left, x2: pen.right, y1: pen.top + 0.5, y2: pen.top + 0.5, class: "grid" });
      const text = [top, "0"].map((words, i) => svg("text", { x: pen.left - 6, y: pen.top + 4 + i * height, "text-anchor": "end" }, words));
      // One path: a year of bars is 365 elements otherwise.
      const bars = days.map((day, i) => {
        if (day < pen.from || day > pen.to || value[i] === null) return "";
        const tall = Math.max(1, value[i] * height);
        return `M${px(pen.x(day) - width / 2)} ${px(pen.top + height - tall)}h${px(width)}v${px(tall)}h${px(-width)}Z`;
      });
      return [base, half, ...text, svg("path", { d: bars.join(""), class: "columns" })];
    },
  };
}

/** A lane with a chart's statistic, its two limits, and its alarms: {day, words}. */
export function chartLane({ name, height, days, statistic, upper, lower, alarms }) {
  const known = [...statistic, ...upper, ...lower].filter((value) => value !== null);
  const most = 1.1 * Math.max(...known.map(Math.abs), 0.1);
  const limits = [known.some((value) => value < 0) ? -most : 0, most];
  return {
    name,
    height,
    kind: "chart",
    draw(pen) {
      const along = (list) => path(days.map((day, i) => (day >= pen.from && day <= pen.to && list[i] !== null ? [pen.x(day), pen.y(list[i], ...limits)] : null)));
      const bells = alarms.filter(({ day }) => day >= pen.from && day <= pen.to).map(({ day, words }) => {
        const x = px(pen.x(day));
        return svg("g", {}, svg("line", { x1: x, x2: x, y1: pen.top, y2: pen.top + height, class: "alarm" }), svg("path", { d: "M0 0 5-9H-5Z", transform: `translate(${x} ${pen.top + 9})`, class: "alarm-sign" }), svg("title", {}, words));
      });
      return [...ground(pen, limits), svg("path", { d: along(upper), class: "limit" }), svg("path", { d: along(lower), class: "limit" }), svg("path", { d: along(statistic), class: "line" }), ...bells];
    },
  };
}
