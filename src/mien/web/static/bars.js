// The eight bars, the label above them, and the choice of the face they tell of.

import { percent, sureness } from "./wording.js";

const TOLD_EVERY_MS = 500; // for screen readers, which follow a meter's value

export class Bars {
  #rows;
  #parts;
  #uncertain;
  #toldMs = -Infinity;
  #empty = true;

  /** @param parts label, sureness, swatch: the elements of the headline */
  constructor(root, labels, uncertain, parts) {
    this.#rows = labels.map((label) => {
      const meter = root.querySelector(`[data-meter="${label}"]`);
      return { label, meter, fill: meter.firstElementChild, value: meter.nextElementSibling };
    });
    this.#uncertain = uncertain;
    this.#parts = parts;
  }

  /** @param face as shown (smoothed), or null for none; @param words what the headline says then */
  draw(face, words, nowMs) {
    if (!face && this.#empty && this.#parts.label.textContent === words) return;
    this.#empty = !face;
    this.#headline(face, words);
    const tell = !face || nowMs - this.#toldMs >= TOLD_EVERY_MS;
    if (tell) this.#toldMs = nowMs;
    for (const row of this.#rows) {
      const share = face ? face.probabilities[row.label] : null;
      const scale = `scaleX(${(share ?? 0).toFixed(3)})`;
      if (row.scale !== scale) row.fill.style.transform = row.scale = scale;
      set(row.value, percent(share));
      if (!tell) continue;
      row.meter.setAttribute("aria-valuenow", Math.round(100 * (share ?? 0)));
      row.meter.setAttribute("aria-valuetext", share === null ? "not read" : percent(share));
    }
  }

  #headline(face, words) {
    const { label, sureness: sure, swatch } = this.#parts;
    set(label, face ? face.expression : words);
    set(sure, face ? sureness(face, this.#uncertain) : "");
    const colour = face ? `swatch emotion-${face.expression}` : "swatch";
    if (swatch.className !== colour) swatch.className = colour;
  }
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Buttons to choose a face where there are several: the largest, or one by its number. */
export class FaceChooser {
  chosen = null; // track; null takes the largest
  #room;
  #tracks = "";

  constructor(room) {
    this.#room = room;
    room.addEventListener("click", (event) => {
      const track = event.target.closest("button")?.dataset.track;
      if (track !== undefined) this.choose(track === "" ? null : Number(track));
    });
  }

  choose(track) {
    this.chosen = track;
    for (const button of this.#room.children) button.setAttribute("aria-pressed", String(button.dataset.track === String(track ?? "")));
  }

  /** Give the chosen face, or the largest where none is chosen or the chosen one is gone; null for none. */
  face(faces) {
    this.#list(faces.map(({ track }) => track));
    const largest = faces.reduce((best, face) => (!best || face.width * face.height > best.width * best.height ? face : best), null);
    return faces.find(({ track }) => track === this.chosen) ?? largest;
  }

  #list(tracks) {
    tracks.sort((one, other) => one - other);
    if (tracks.join() === this.#tracks) return;
    this.#tracks = tracks.join();
    this.#room.hidden = tracks.length < 2;
    const wanted = ["", ...tracks.map(String)];
    for (const button of [...this.#room.children]) if (!wanted.includes(button.dataset.track)) button.remove();
    // What stays is left alone, so that the keyboard's focus isn't lost.
    wanted.forEach((track, place) => {
      const there = [...this.#room.children].find((button) => button.dataset.track === track);
      if (!there) this.#room.insertBefore(chip(track), this.#room.children[place] ?? null);
    });
    this.choose(this.chosen);
  }
}

function chip(track) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "chip";
  button.dataset.track = track;
  button.textContent = track === "" ? "Largest" : track;
  if (track !== "") button.ariaLabel = `Face ${track}`;
  return button;
}
