// The marks on the picture: a box, landmarks and a label for each face.

import { colours, fitted } from "./colours.js";
import { placeLabels } from "./label_placement.js";
import { percent } from "./wording.js";

const DARK = "#141418";
const FONT = "600 14px system-ui, sans-serif";
const SMALL_FONT = "600 12px system-ui, sans-serif";
const SMALL_BELOW_PX = 520; // of the picture's width

// iBUG's 68 points as the lines that an eye sees: from, to, closed.
const LINES = [
  [0, 16], [17, 21], [22, 26], [27, 30], [31, 35], // jaw, brows, nose
  [36, 41, true], [42, 47, true], [48, 59, true], [60, 67, true], // eyes, lips
];
const SMALLEST_PX = 40; // on a smaller face the lines would hide what they show

export class Overlay {
  #canvas;
  #picture;
  #boxes = []; // [track, left, top, width, height] on the page
  #painted = false;

  /** @param canvas for the marks; @param picture lies under it, for the frame that they were read from */
  constructor(canvas, picture) {
    this.#canvas = canvas;
    this.#picture = picture;
  }

  /**
   * Draw marks on the frame that they were read from: both canvases come on the screen together.
   *
   * @param reading what was read; null wipes all
   * @param picture the frame that it was read from; "same" leaves the one that is there, null shows none
   * @param choices mirrored, landmarks, chosen (track)
   */
  draw(reading, picture, { mirrored, landmarks, chosen }) {
    if (picture !== "same") this.#paint(picture);
    const { pen, width, height } = fitted(this.#canvas);
    pen.clearRect(0, 0, width, height);
    this.#boxes = [];
    if (!reading) return;
    const place = placer(reading.size_wh, width, height, mirrored);
    for (const face of reading.faces) {
      const box = place.box(face);
      if (landmarks && face.landmarks && Math.min(box[2], box[3]) >= SMALLEST_PX) drawLandmarks(pen, face.landmarks.map(place.point), box);
      drawBox(pen, box, face.shown.expression, face.track === chosen);
      this.#boxes.push([face.track, ...box]);
    }
    // Labels last, so that no box lies over one.
    drawLabels(pen, reading.faces, this.#boxes.map(([, ...box]) => box), [width, height]);
  }

  /** Picture and marks in one, as a canvas; null where there is no picture. */
  snapshot(mirrored) {
    if (!this.#painted) return null;
    const { width, height } = this.#picture;
    const whole = Object.assign(document.createElement("canvas"), { width, height });
    const pen = whole.getContext("2d");
    if (mirrored) pen.setTransform(-1, 0, 0, 1, width, 0);
    pen.drawImage(this.#picture, 0, 0);
    pen.resetTransform();
    pen.drawImage(this.#canvas, 0, 0, width, height);
    return whole;
  }

  /** Mirrored by the style sheet, so that it can be turned without painting it anew. */
  #paint(picture) {
    const { pen, width, height } = fitted(this.#picture);
    pen.clearRect(0, 0, width, height);
    this.#painted = Boolean(picture);
    if (picture) pen.drawImage(picture, 0, 0, width, height);
  }

  /** The face at a point of the page, by its track; null for none. */
  faceAt(clientX, clientY) {
    const area = this.#canvas.getBoundingClientRect();
    const [x, y] = [clientX - area.left, clientY - area.top];
    const hit = this.#boxes.find(([, left, top, width, height]) => x >= left && x <= left + width && y >= top && y <= top + height);
    return hit ? hit[0] : null;
  }
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
  const [ground, ink] = [colours()[expression], colours()[`${expression}-ink`]];
  const number = [String(face.track), DARK, "#fff"];
  if (!several) return [[[expression + sure, ground, ink]]];
  // In full, without the figure, and the number in the colour of what it shows.
  return [[number, [expression + sure, ground, ink]], [number, [expression, ground, ink]], [[String(face.track), ground, ink]]];
}

/** Draw each face's label where it covers no face, as full as there is room. */
function drawLabels(pen, faces, boxes, room) {
  const small = room[0] < SMALL_BELOW_PX;
  const [high, edge] = small ? [20, 6] : [24, 8];
  pen.font = small ? SMALL_FONT : FONT;
  pen.textBaseline = "middle";
  const widths = (parts) => parts.map(([text]) => pen.measureText(text).width + 2 * edge);
  const forms = faces.map((face) => chips(face, faces.length > 1));
  const sizes = forms.map((of) => of.map((parts) => [widths(parts).reduce((sum, each) => sum + each, 0), high]));
  placeLabels(boxes, sizes, room).forEach(({ x, y, form }, i) => {
    const parts = forms[i][form];
    const wide = widths(parts);
    pen.save();
    pen.beginPath();
    pen.roundRect(x, y, ...sizes[i][form], 6);
    pen.clip();
    let from = x;
    parts.forEach(([text, ground, ink], part) => {
      pen.fillStyle = ground;
      pen.fillRect(from, y, wide[part], high);
      pen.fillStyle = ink;
      pen.fillText(text, from + edge, y + high / 2 + 1);
      from += wide[part];
    });
    pen.restore();
  });
}
