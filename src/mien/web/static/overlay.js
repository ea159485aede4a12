// The marks on the picture: a box, landmarks and a label for each face.

import { colours, fitted } from "./colours.js";
import { percent } from "./words.js";

const DARK = "#141418";
const FONT = "600 14px system-ui, sans-serif";
const CHIP = 24; // height of a label

// iBUG's 68 points as the lines that an eye sees: from, to, closed.
const LINES = [
  [0, 16], [17, 21], [22, 26], [27, 30], [31, 35], // jaw, brows, nose
  [36, 41, true], [42, 47, true], [48, 59, true], [60, 67, true], // eyes, lips
];
const SMALLEST_PX = 40; // on a smaller face the lines would hide what they show

export class Overlay {
  #canvas;
  #boxes = []; // [track, left, top, width, height] on the page

  constructor(canvas) {
    this.#canvas = canvas;
  }

  /**
   * @param reading what was read; null wipes all
   * @param picture what lies under the marks; null leaves the canvas clear, so that the video shows
   * @param choices mirrored, landmarks, chosen (track)
   */
  draw(reading, picture, { mirrored, landmarks, chosen }) {
    const { pen, width, height } = fitted(this.#canvas);
    pen.clearRect(0, 0, width, height);
    this.#boxes = [];
    if (picture) paint(pen, picture, width, height, mirrored);
    if (!reading) return;
    const place = placer(reading.size_wh, width, height, mirrored);
    for (const face of reading.faces) {
      const box = place.box(face);
      if (landmarks && face.landmarks && Math.min(box[2], box[3]) >= SMALLEST_PX) drawLandmarks(pen, face.landmarks.map(place.point), box);
      drawBox(pen, box, face.shown.expression, face.track === chosen);
      this.#boxes.push([face.track, ...box]);
    }
    // Labels last, so that no box lies over one.
    const taken = [];
    reading.faces.forEach((face, i) => drawLabel(pen, this.#boxes[i].slice(1), chips(face, reading.faces.length > 1), width, taken));
  }

  /** The face at a point of the page, by its track; null for none. */
  faceAt(clientX, clientY) {
    const area = this.#canvas.getBoundingClientRect();
    const [x, y] = [clientX - area.left, clientY - area.top];
    const hit = this.#boxes.find(([, left, top, width, height]) => x >= left && x <= left + width && y >= top && y <= top + height);
    return hit ? hit[0] : null;
  }
}

function paint(pen, picture, width, height, mirrored) {
  pen.save();
  if (mirrored) {
    pen.translate(width, 0);
    pen.scale(-1, 1);
  }
  pen.drawImage(picture, 0, 0, width, height);
  pen.restore();
}

/** From pixels of the picture to the canvas. Only places are mirrored, so that text stays readable. */
function placer([pictureWidth, pictureHeight], width, height, mirrored) {
  const [sx, sy] = [width / pictureWidth, height / pictureHeight];
  return {
    point: ([x, y]) => [mirrored ? width - x * sx : x * sx, y * sy],
    box: (face) => {
      const left = mirrored ? width - (face.x + face.width) * sx : face.x * sx;
      return [left, face.y * sy, face.width * sx, face.height * sy];
    },
  };
}

function drawLandmarks(pen, points, box) {
  const path = new Path2D();
  for (const [first, last, closed] of LINES) {
    path.moveTo(...points[first]);
    for (let i = first + 1; i <= last; i++) path.lineTo(...points[i]);
    if (closed) path.lineTo(...points[first]);
  }
  const line = Math.max(1, Math.min(box[2], box[3]) / 180);
  pen.lineJoin = pen.lineCap = "round";
  stroke(pen, path, "rgb(0 0 0 / 0.4)", line + 2);
  stroke(pen, path, "rgb(255 255 255 / 0.85)", line);
}

function drawBox(pen, [left, top, width, height], label, chosen) {
  const path = new Path2D();
  path.roundRect(left, top, width, height, 10);
  pen.setLineDash(label in UNSURE ? [8, 6] : []);
  stroke(pen, path, "rgb(0 0 0 / 0.55)", chosen ? 6 : 4);
  stroke(pen, path, colours()[label], chosen ? 3.5 : 2);
  pen.setLineDash([]);
}

const UNSURE = { uncertain: true };

function stroke(pen, path, style, width) {
  pen.strokeStyle = style;
  pen.lineWidth = width;
  pen.stroke(path);
}

/** The parts of a face's label, each text, ground and ink: its number where there are several, and what it shows. */
function chips(face, several) {
  const { expression, confidence } = face.shown;
  const sure = expression in UNSURE ? "" : ` ${percent(confidence)}`;
  const shows = [expression + sure, colours()[expression], colours()[`${expression}-ink`]];
  return several ? [[String(face.track), DARK, "#fff"], shows] : [shows];
}

/** Draw a label above its box, or below where there is no room, and clear of those that are there already. */
function drawLabel(pen, [left, top, , height], parts, pageWidth, taken) {
  pen.font = FONT;
  pen.textBaseline = "middle";
  const widths = parts.map(([text]) => pen.measureText(text).width + 16);
  const whole = widths.reduce((sum, each) => sum + each, 0);
  let x = Math.max(4, Math.min(left, pageWidth - whole - 4));
  let y = top >= CHIP + 6 ? top - CHIP - 6 : top + height + 6;
  while (taken.some(([from, to, at]) => x < to && x + whole > from && Math.abs(y - at) < CHIP)) y += CHIP + 2;
  taken.push([x, x + whole, y]);
  pen.save();
  pen.beginPath();
  pen.roundRect(x, y, whole, CHIP, 6);
  pen.clip();
  parts.forEach(([text, ground, ink], i) => {
    pen.fillStyle = ground;
    pen.fillRect(x, y, widths[i], CHIP);
    pen.fillStyle = ink;
    pen.fillText(text, x + 8, y + CHIP / 2 + 1);
    x += widths[i];
  });
  pen.restore();
}
