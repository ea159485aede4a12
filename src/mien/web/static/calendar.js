// The calendar: a column for each week, a row for each weekday, each day shaded by its coverage.

import { longDay, monthName, parts } from "./dates.js";
import { svg } from "./svg.js";
import { percent } from "./wording.js";

const LEFT = 34;
const TOP = 20;
const SMALLEST = 14; // pixels of a day with the gap beside it
const LARGEST = 20;
const GAP = 3;
const SHADES = [0.25, 0.5, 0.75]; // coverage from which a day is a shade darker
const NAMED = [[0, "Mon"], [2, "Wed"], [4, "Fri"], [6, "Sun"]];

/** The shade of a coverage, 1 to 4; 0 where nothing was recorded. */
export function shade(coverage) {
  if (coverage === null || coverage === undefined) return 0;
  return 1 + SHADES.filter((least) => coverage >= least).length;
}

/** How weeks are laid into a width: pixels of a day, and weeks in a row. */
export function layout(weeks, width) {
  const room = width - LEFT;
  const step = Math.max(SMALLEST, Math.min(LARGEST, Math.floor(room / weeks)));
  return { step, perRow: Math.max(1, Math.min(weeks, Math.floor(room / step))) };
}

export class Calendar {
  #room;
  #chosen = null;
  #shown = null;
  #width = 0;

  /** @param room what it is drawn into; @param choose is given the number of a day that is clicked */
  constructor(room, choose) {
    this.#room = room;
    room.addEventListener("click", (event) => {
      const day = event.target.closest("[data-day]")?.dataset.day;
      if (day !== undefined) choose(Number(day));
    });
    new ResizeObserver(() => {
      if (this.#shown && room.clientWidth !== this.#width) this.draw(...this.#shown);
    }).observe(room);
  }

  /**
   * @param first, last the numbers of the days shown
   * @param days coverage by a day's number
   */
  draw(first, last, days) {
    this.#shown = [first, last, days];
    this.#width = this.#room.clientWidth;
    if (!this.#width) return;
    const monday = first - parts(first).weekday;
    const weeks = Math.floor((last - monday) / 7) + 1;
    const { step, perRow } = layout(weeks, this.#width);
    const rows = [];
    for (let week = 0; week < weeks; week += perRow) {
      const from = monday + 7 * week;
      rows.push(drawWeeks(Math.max(from, first), Math.min(from + 7 * perRow - 1, last), from, step, days));
    }
    this.#room.replaceChildren(...rows);
    this.mark(this.#chosen);
  }

  /** Mark the chosen day. */
  mark(day) {
    this.#chosen = day;
    this.#room.querySelector(".chosen")?.classList.remove("chosen");
    this.#room.querySelector(`[data-day="${day}"]`)?.classList.add("chosen");
  }
}

/** Some weeks side by side, the days from first to last; the first column begins on a Monday. */
function drawWeeks(first, last, monday, step, days) {
  const x = (day) => LEFT + Math.floor((day - monday) / 7) * step + 1;
  const shapes = NAMED.map(([weekday, name]) => svg("text", { x: 0, y: TOP + (weekday + 0.5) * step + 3 }, name));
  let free = 0; // where the next month's name has room
  for (let day = first; day <= last; day++) {
    const { year, month, day: number } = parts(day);
    const name = day === first || number === 1 ? `${monthName(month).slice(0, 3)}${month === 0 || day === first ? ` ${year}` : ""}` : null;
    if (name && x(day) >= free) {
      shapes.push(svg("text", { x: x(day), y: 12, class: "month" }, name));
      free = x(day) + 7 * name.length + 6;
    }
    shapes.push(drawDay(day, days.get(day), { x: x(day), y: TOP + ((day - monday) % 7) * step, width: step - GAP, height: step - GAP, rx: 3 }));
  }
  const [width, height] = [x(last) + step, TOP + 7 * step + 4];
  return svg("svg", { width, height }, ...shapes);
}

function drawDay(day, coverage, place) {
  const attributes = { ...place, class: `day shade-${shade(coverage)}` };
  if (coverage === undefined) return svg("rect", attributes);
  return svg("rect", { ...attributes, "data-day": day }, svg("title", {}, `${longDay(day)}: coverage ${percent(coverage)}`));
}
