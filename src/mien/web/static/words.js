// Readings in plain words.

/** With a capital letter. */
export const sentence = (words) => words.slice(0, 1).toUpperCase() + words.slice(1);

/** How many: 1 day, 2 days. */
export const count = (number, thing) => `${number} ${thing}${number === 1 ? "" : "s"}`;

/** How a recording stands that isn't simply finished. */
export const STATES = { open: "recording now", interrupted: "interrupted" };

/** What a kind of mark, or of something found, is called. */
export const KINDS = { medication: "medicine", speaking: "the person speaks" };
export const kindWords = (kind) => KINDS[kind] ?? kind;

export const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(100 * share)}\u00a0%`);

const SMALL_FACE = 64; // pixels; below this, the network sees less than it was taught on
const POOR = 0.35; // quality; see docs/quality.md

export const NO_FACE = "No face found. Turn on a light in front of you, come closer, and look towards the camera.";

/** What would make a face easier to read; null when nothing is wrong. */
export function advice(face) {
  if (face.quality === null || face.quality >= POOR) return null;
  if (Math.min(face.width, face.height) < SMALL_FACE) return "Hard to read: the face is small. Come closer.";
  return "Hard to read: more light from the front, a steady picture, or a face turned to the camera would help.";
}

/** The likeliest label of a face, also where it is uncertain; null for a face that was not read. */
export function likeliest(probabilities) {
  const known = Object.entries(probabilities).filter(([, share]) => share !== null);
  return known.length ? known.reduce((best, each) => (each[1] > best[1] ? each : best))[0] : null;
}

/** What stands beside the label: how sure it is, and of an uncertain one what is likeliest. */
export function sureness(face, uncertain) {
  if (face.confidence === null) return "not read";
  if (face.expression !== uncertain) return percent(face.confidence);
  return `most likely ${likeliest(face.probabilities)}, ${percent(face.confidence)}`;
}

/** A mark on the plane in words, for those who don't see it. */
export function placeWords(valence, arousal) {
  if (valence === null || valence === undefined) return "Valence and arousal: not read";
  const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
  return `Valence ${signed(valence)}, arousal ${signed(arousal)}, each from −1 to 1`;
}

/** The timeline in a sentence. */
export function timelineWords(summary, minutes) {
  if (!summary || summary.readings === 0) return "Nothing read yet.";
  const most = summary.shares.slice(0, 3).filter(([, share]) => share >= 0.01);
  const list = most.map(([label, share]) => `${label} ${percent(share)}`).join(", ");
  const span = minutes === 1 ? "the last minute" : `the last ${minutes} minutes`;
  return `In ${span}: a face read in ${percent(summary.read)} of the readings${list ? `; on average ${list}` : ""}.`;
}

/** Whether a source of the server was tried, and has never given a picture. */
export function neverOpened({ state, frames_read: frames, restarts }) {
  return frames === 0 && (state === "waiting" || (state === "opening" && restarts > 0));
}

/** Whether a source of the server gives nothing any more. */
export function isOver(status) {
  return ["ended", "stopped", "failed"].includes(status?.state);
}

/** What is wrong with a source of the server; null when nothing is. */
export function statusWords(status) {
  if (!status || status.state === "running") return null;
  const note = status.note ? ` ${status.note}` : "";
  if (neverOpened(status)) return `The source can't be opened; it is tried again.${note}`;
  const away = status.away_s ? ` for ${Math.round(status.away_s)} s` : "";
  return {
    opening: "Opening the source…",
    waiting: `The source broke off and starts again soon.${note}`,
    away: `Connection lost${away}; trying again.${note}`,
    stalled: `The source gives no pictures; it is started again.${note}`,
    failed: `The source has failed.${note}`,
    ended: "The source has come to its end.",
    stopped: "The source was stopped.",
  }[status.state];
}
