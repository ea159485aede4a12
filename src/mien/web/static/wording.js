// Readings in plain words.

/** With a capital letter. */
export const sentence = (words) => words.slice(0, 1).toUpperCase() + words.slice(1);

/** A time as players show it: 1:05, or 1:00:05; of others the tenths, and of whole seconds where they stand in a list with others. */
export function clock(timeS, tenthsToo = false) {
  const tenths = Math.round(10 * timeS);
  const seconds = Math.floor(tenths / 10);
  const two = (number) => String(number).padStart(2, "0");
  const end = two(seconds % 60) + (tenthsToo || tenths % 10 ? `.${tenths % 10}` : "");
  const hours = Math.floor(seconds / 3600);
  return hours ? `${hours}:${two(Math.floor(seconds / 60) % 60)}:${end}` : `${Math.floor(seconds / 60)}:${end}`;
}

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

/** Readings a second below which too few are read to record. */
export const LEAST_RATE_HZ = 5;

/** That too little is read; null where it is enough, or not known. @param rateHz readings a second */
export function tooFew(rateHz) {
  if (rateHz === null || rateHz === undefined || rateHz >= LEAST_RATE_HZ) return null;
  return `Only ${rateHz.toFixed(1)} readings per second: too few to record. Close other programs or sources.`;
}

const STRAIGHT_DEG = 3; // what is less says nothing: the landmarks are no more exact

/** How a head is turned, by the person's own left and right. @param head yaw, pitch, roll in degrees; null where it isn't known */
export function headWords(head) {
  if (!head) return "Head: –";
  const part = (angle, words, [more, less]) => (Math.abs(angle) < STRAIGHT_DEG ? [] : [`${words}${Math.abs(Math.round(angle))}° ${angle > 0 ? more : less}`]);
  const parts = [
    ...part(head.yaw, "", ["left", "right"]),
    ...part(head.pitch, "", ["up", "down"]),
    ...part(head.roll, "tilted ", ["left", "right"]),
  ];
  return `Head: ${parts.join(", ") || "straight"}`;
}

/** A length of time: 45 seconds, 3 minutes. */
function lengthWords(seconds) {
  return seconds < 60 ? count(Math.round(seconds), "second") : count(Math.round(seconds / 60), "minute");
}

/** The timeline in a sentence. @param seconds that it shows */
export function timelineWords(summary, seconds) {
  if (!summary || summary.readings === 0) return "No readings yet.";
  const most = summary.shares.slice(0, 3).filter(([, share]) => share >= 0.01);
  const list = most.map(([label, share]) => `${label} ${percent(share)}`).join(", ");
  return `In the last ${lengthWords(seconds).replace(/^1 /, "")}: a face read in ${percent(summary.read)} of the readings${list ? `; on average ${list}` : ""}.`;
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
  if (neverOpened(status)) return `The source can't be opened; trying again.${note}`;
  const away = status.away_s ? ` for ${Math.round(status.away_s)} s` : "";
  return {
    opening: "Opening the source…",
    waiting: `The source was interrupted and will restart soon.${note}`,
    away: `Connection lost${away}; trying again.${note}`,
    stalled: `The source gives no pictures; restarting it.${note}`,
    failed: `The source has failed.${note}`,
    ended: "The source has ended.",
    stopped: "The source was stopped.",
  }[status.state];
}

/** How a sensor of the body is doing. */
export function sensorWords({ state, note, restarts }) {
  const because = note ? `. ${/^\S+:/.test(note) ? note : sentence(note)}` : ""; // an address stays as it is
  return {
    running: `Running${because}`,
    opening: restarts ? `Connecting again${because}` : "Connecting…",
    waiting: `Interrupted; tries again soon${because}`,
    away: `Connection lost; trying again${because}`,
    stalled: `Gives no values; restarting it${because}`,
    failed: `Failed${because}`,
    ended: "Ended",
    stopped: "Stopped",
  }[state];
}

/** A unit of a body's measure as people write it: 1/min is /min, uS is µS. */
export function unitWords(unit) {
  return unit.replace(/^1\/min$/, "/min").replace(/^u(?=[A-Z])/, "µ").replace("degC", "°C").replace(/2$/, "²");
}

/** A measure of the body with its unit: 72/min, 4.1 µS. */
export function figureWords(value, { unit, decimals }) {
  const words = unitWords(unit);
  return `${value.toFixed(decimals).replace("-", "−")}${words && !words.startsWith("/") ? `\u00a0${words}` : words}`;
}

/** What was read from start to stop, in a sentence; see Session. */
export function afterWords({ length_s: lengthS, readings, coverage }) {
  return `${clock(Math.floor(lengthS))} long, ${count(readings, "reading")}, a face read in ${percent(coverage)} of the time.`;
}
