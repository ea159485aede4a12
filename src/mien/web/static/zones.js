// Zones drawn on a picture with mouse, finger and keys. Corners are shares of the picture's sides, 0 to 1.

import { html, svg } from "./svg.js";
import { percent } from "./wording.js";

const SCALE = 1000; // of the drawing's own coordinates
const STEP = 0.01; // of an arrow key
const FAR = 5; // times as far with Shift
const LEAST_DRAG = 0.02; // of the picture; what is shorter is a click
const LEAST_AREA = 1e-4; // as the server has it
const MOST_CORNERS = 32;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export const USES = { count: "Count here", ignore: "Never look here" };

const within = (share) => Math.min(1, Math.max(0, share));
const rounded = (share) => Math.round(1e4 * within(share)) / 1e4;

/** A zone's share of the picture. */
export function area(corners) {
  const sum = corners.reduce((all, [x, y], i) => {
    const [nextX, nextY] = corners[(i + 1) % corners.length];
    return all + x * nextY - nextX * y;
  }, 0);
  return Math.abs(sum) / 2;
}

/** A zone moved by shares of the picture, as far as it stays in it. */
export function moved(corners, dx, dy) {
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const x = Math.max(-Math.min(...xs), Math.min(1 - Math.max(...xs), dx));
  const y = Math.max(-Math.min(...ys), Math.min(1 - Math.max(...ys), dy));
  return corners.map(([atX, atY]) => [rounded(atX + x), rounded(atY + y)]);
}

/** A rectangle between two places. */
export function rectangle([x, y], [otherX, otherY]) {
  const [left, right] = [Math.min(x, otherX), Math.max(x, otherX)].map(rounded);
  const [top, bottom] = [Math.min(y, otherY), Math.max(y, otherY)].map(rounded);
  return [[left, top], [right, top], [right, bottom], [left, bottom]];
}

/** What should be thought of before zones are saved; null when nothing is wrong. */
export function warning(zones) {
  const counting = zones.filter(({ use }) => use === "count");
  if (zones.length && !counting.length) return "No zone counts guests: then all of the picture counts that is not ignored.";
  if (counting.length && !zones.some(({ use }) => use === "ignore")) return "Can staff be seen? Then draw a zone over their side that is never looked at.";
  return null;
}

export class ZoneEditor {
  zones = []; // {use, corners}
  use = "count"; // of the next one
  #picture;
  #list;
  #changed;
  #drag = null;
  #focus = null; // what the keyboard is on: "zone", "zone corner"

  /**
   * @param picture the SVG over the picture; @param list where the zones are listed
   * @param changed is called after each change
   */
  constructor(picture, list, changed) {
    this.#picture = picture;
    this.#list = list;
    this.#changed = changed;
    picture.addEventListener("pointerdown", (event) => this.#begin(event));
    picture.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, (event) => this.#end(event));
    picture.addEventListener("keydown", (event) => this.#key(event));
  }

  show(zones) {
    this.zones = zones.map(({ use, corners }) => ({ use, corners: corners.map(([x, y]) => [x, y]) }));
    this.draw();
  }

  /** Put a zone into the middle, for those who don't drag. */
  add() {
    const shift = 0.04 * (this.zones.length % 5);
    this.zones.push({ use: this.use, corners: rectangle([0.3 + shift, 0.3 + shift], [0.6 + shift, 0.7 + shift]) });
    this.#say(`${this.zones.length - 1}`);
  }

  remove(place) {
    this.zones.splice(place, 1);
    this.#say(null);
  }

  #say(focus) {
    this.#focus = focus;
    this.draw();
    this.#changed();
  }

  #begin(event) {
    if (event.button !== 0 || this.#drag) return;
    const at = this.#place(event);
    const { zone, corner, between } = event.target.dataset;
    if (zone === undefined) this.#drag = { from: at, fresh: true };
    else {
      const place = Number(zone);
      if (between !== undefined) {
        if (this.zones[place].corners.length >= MOST_CORNERS) return;
        this.zones[place].corners.splice(Number(between) + 1, 0, at.map(rounded));
        this.#drag = { zone: place, corner: Number(between) + 1, from: at };
      } else if (corner !== undefined) this.#drag = { zone: place, corner: Number(corner), from: at };
      else this.#drag = { zone: place, from: at, corners: this.zones[place].corners };
      this.#focus = this.#drag.corner === undefined ? zone : `${zone} ${this.#drag.corner}`;
    }
    this.#picture.setPointerCapture(event.pointerId);
    event.preventDefault(); // no text is selected, no page is scrolled
    this.draw();
  }

  #move(event) {
    if (!this.#drag) return;
    const at = this.#place(event);
    const { zone, corner, from, fresh, corners } = this.#drag;
    if (fresh) {
      if (Math.abs(at[0] - from[0]) < LEAST_DRAG || Math.abs(at[1] - from[1]) < LEAST_DRAG) return;
      this.#drag = { zone: this.zones.length, opposite: from, from };
      this.zones.push({ use: this.use, corners: rectangle(from, at) });
      this.#focus = String(this.zones.length - 1);
    } else if (this.#drag.opposite) {
      const drawn = rectangle(from, at);
      if (area(drawn) > LEAST_AREA) this.zones[zone].corners = drawn;
    } else if (corner !== undefined) this.#put(zone, corner, at);
    else this.zones[zone].corners = moved(corners, at[0] - from[0], at[1] - from[1]);
    this.draw();
  }

  #end(event) {
    if (!this.#drag) return;
    const { fresh } = this.#drag;
    this.#drag = null;
    if (this.#picture.hasPointerCapture(event.pointerId)) this.#picture.releasePointerCapture(event.pointerId);
    if (!fresh) this.#say(this.#focus);
  }

  /** Move a corner, unless the zone would be no area any more. */
  #put(zone, corner, at) {
    const corners = this.zones[zone].corners.map((each, i) => (i === corner ? at.map(rounded) : each));
    if (area(corners) > LEAST_AREA) this.zones[zone].corners = corners;
  }

  #key(event) {
    const { zone, corner } = event.target.dataset;
    if (zone === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    const place = Number(zone);
    if (event.key in KEYS) {
      const [dx, dy] = KEYS[event.key].map((each) => each * STEP * (event.shiftKey ? FAR : 1));
      const { corners } = this.zones[place];
      if (corner === undefined) this.zones[place].corners = moved(corners, dx, dy);
      else this.#put(place, Number(corner), [within(corners[corner][0] + dx), within(corners[corner][1] + dy)]);
      this.#say(corner === undefined ? zone : `${zone} ${corner}`);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      if (corner !== undefined && this.zones[place].corners.length > 3) {
        const left = this.zones[place].corners.filter((_, i) => i !== Number(corner));
        if (area(left) > LEAST_AREA) this.zones[place].corners = left;
        this.#say(zone);
      } else this.remove(place);
    } else return;
    event.preventDefault();
  }

  #place(event) {
    const box = this.#picture.getBoundingClientRect();
    return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
  }

  draw() {
    const hadFocus = this.#picture.contains(document.activeElement) || this.#drag !== null;
    this.#picture.replaceChildren(pattern(), ...this.zones.map((zone, place) => this.#shape(zone, place)));
    this.#listed();
    if (this.#focus === null || !(hadFocus || this.#focus === String(this.zones.length - 1))) return;
    const [zone, corner] = this.#focus.split(" ");
    const wanted = corner === undefined ? `.zone-area[data-zone="${zone}"]` : `[data-zone="${zone}"][data-corner="${corner}"]`;
    this.#picture.querySelector(wanted)?.focus({ preventScroll: true });
  }

  #shape({ use, corners }, place) {
    const name = `Zone ${place + 1}, ${USES[use].toLowerCase()}`;
    const at = corners.map((corner) => corner.map((share) => SCALE * share));
    const points = at.map((each) => each.join(",")).join(" ");
    const middles = at.map(([x, y], i) => [(x + at[(i + 1) % at.length][0]) / 2, (y + at[(i + 1) % at.length][1]) / 2]);
    return svg(
      "g",
      { class: `zone ${use}` },
      svg("polygon", { points, class: "zone-area", tabindex: 0, role: "button", "data-zone": place, "aria-label": `${name}. Arrow keys move it, Delete removes it.` }),
      ...middles.map((middle, i) => dot(middle, "zone-between", { "data-zone": place, "data-between": i })),
      ...at.map((corner, i) => dot(corner, "zone-corner", { "data-zone": place, "data-corner": i, tabindex: 0, role: "button", "aria-label": `${name}: corner ${i + 1} of ${corners.length}` })),
    );
  }

  #listed() {
    const items = this.zones.map(({ use, corners }, place) => {
      const select = html("select", { "aria-label": `What zone ${place + 1} is for` }, ...Object.entries(USES).map(([value, words]) => html("option", { value, ...(value === use ? { selected: "" } : {}) }, words)));
      select.addEventListener("change", () => {
        this.zones[place].use = select.value;
        this.#say(null);
        this.#list.querySelectorAll("select")[place]?.focus();
      });
      const remove = html("button", { type: "button", class: "chip", "aria-label": `Remove zone ${place + 1}` }, "Remove");
      remove.addEventListener("click", () => this.remove(place));
      return html("li", { class: "row" }, html("span", { class: `key-${use}`, "aria-hidden": "true" }), html("b", {}, `Zone ${place + 1}`), select, html("span", { class: "faint" }, `${percent(area(corners))} of the picture`), html("span", { class: "spring" }), remove);
    });
    this.#list.replaceChildren(...items);
  }
}

/** A dot that stays round however the picture is stretched: a line without a length, with a wide round end. */
function dot([x, y], kind, attributes) {
  return svg("path", { d: `M${x} ${y}h0.01`, class: kind, ...attributes });
}

/** Stripes for what is never looked at. */
function pattern() {
  const stripe = svg("line", { x1: 0, y1: 0, x2: 0, y2: 24, class: "zone-stripe" });
  return svg("defs", {}, svg("pattern", { id: "zone-stripes", width: 24, height: 24, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, stripe));
}
