// Valence (unpleasant to pleasant) and arousal (calm to excited): a point, and its trail.

import { colours, fitted } from "./colours.js";
import { placeWords } from "./wording.js";

const TRAIL_MS = 10000;
const DRAWN_EVERY_MS = 80; // the eye sees no difference, and it leaves time for the picture
const TOLD_EVERY_MS = 2000;
const LEFT = ["fear", "disgust", "happiness"]; // their names find no room on the right
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Plane {
  #canvas;
  #places;
  #trail = []; // [ms, valence, arousal]
  #drawnMs = -Infinity;
  #toldMs = -Infinity;

  /** @param places valence and arousal of each label, drawn as its mark */
  constructor(canvas, places) {
    this.#canvas = canvas;
    this.#places = places;
  }

  clear() {
    this.#trail = [];
    this.redraw(null);
  }

  /** Draw at once, whenever it was drawn last: the theme or the size has changed. */
  redraw(face) {
    this.#drawnMs = -Infinity;
    this.draw(face, performance.now());
  }

  /** @param face as shown; null for none */
  draw(face, nowMs) {
    if (nowMs - this.#drawnMs < DRAWN_EVERY_MS) return;
    this.#drawnMs = nowMs;
    const known = face && face.valence !== null;
    if (known) this.#trail.push([nowMs, face.valence, face.arousal]);
    while (this.#trail.length && this.#trail[0][0] < nowMs - TRAIL_MS) this.#trail.shift();
    const { pen, width, height } = fitted(this.#canvas);
    pen.clearRect(0, 0, width, height);
    const at = (valence, arousal) => [width / 2 + (valence * (width - 40)) / 2, height / 2 - (arousal * (height - 40)) / 2];
    this.#drawGround(pen, width, height, at);
    if (!still.matches) this.#drawTrail(pen, nowMs, at);
    if (known) drawPoint(pen, at(face.valence, face.arousal), face.expression);
    if (nowMs - this.#toldMs >= TOLD_EVERY_MS) {
      this.#toldMs = nowMs;
      this.#canvas.setAttribute("aria-label", placeWords(face?.valence, face?.arousal));
    }
  }

  #drawGround(pen, width, height, at) {
    const { line, faint } = colours();
    pen.lineWidth = 1;
    pen.strokeStyle = line;
    pen.beginPath();
    pen.ellipse(width / 2, height / 2, (width - 40) / 2, (height - 40) / 2, 0, 0, 2 * Math.PI);
    pen.moveTo(...at(-1, 0));
    pen.lineTo(...at(1, 0));
    pen.moveTo(...at(0, -1));
    pen.lineTo(...at(0, 1));
    pen.stroke();
    pen.fillStyle = faint;
    pen.font = "12px system-ui, sans-serif";
    write(pen, "excited", width / 2, 9, "center");
    write(pen, "calm", width / 2, height - 9, "center");
    write(pen, "unpleasant", 2, height / 2 - 9, "left");
    write(pen, "pleasant", width - 2, height / 2 - 9, "right");
    for (const [label, place] of Object.entries(this.#places)) this.#drawPlace(pen, label, at(...place));
  }

  #drawPlace(pen, label, [x, y]) {
    pen.fillStyle = colours()[label];
    pen.strokeStyle = colours().faint;
    disc(pen, x, y, 4);
    pen.stroke();
    pen.fillStyle = colours().faint;
    if (LEFT.includes(label)) write(pen, label, x - 8, y, "right");
    else write(pen, label, x + 8, y, "left");
  }

  #drawTrail(pen, nowMs, at) {
    pen.strokeStyle = colours().accent;
    pen.lineWidth = 2.5;
    pen.lineCap = "round";
    for (let i = 1; i < this.#trail.length; i++) {
      const [thenMs, ...place] = this.#trail[i];
      const [beforeMs, ...before] = this.#trail[i - 1];
      if (thenMs - beforeMs > 1000) continue; // the face was away
      pen.globalAlpha = Math.max(0, 1 - (nowMs - thenMs) / TRAIL_MS) ** 1.5;
      pen.beginPath();
      pen.moveTo(...at(...before));
      pen.lineTo(...at(...place));
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }
}

function drawPoint(pen, [x, y], label) {
  pen.fillStyle = colours()[label];
  pen.strokeStyle = colours().ink;
  pen.lineWidth = 2;
  disc(pen, x, y, 8);
  pen.stroke();
}

function disc(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}

function write(pen, text, x, y, align) {
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.fillText(text, x, y);
}
