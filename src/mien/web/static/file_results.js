// What was found in files, in words and as an overview: a row for each, and totals.

import { clock, count, percent } from "./wording.js";

/** The columns that a person looks for first; the others follow as the table has them. */
export const FIRST = ["track", "expression", "confidence"];
const NAMES = { track: "face" };

/** In which order columns are shown, by their places; and what they are called. */
export function shownColumns(columns) {
  const places = [...FIRST.map((name) => columns.indexOf(name)), ...columns.keys()];
  return [...new Set(places)].filter((place) => place >= 0).map((place) => ({ place, name: columns[place], title: NAMES[columns[place]] ?? columns[place] }));
}

const sorted = (expressions) => Object.entries(expressions ?? {}).sort((one, other) => other[1] - one[1]);

/** How many faces of a photograph have each expression, or in which share of a video's readings each was seen. */
function expressionWords({ kind, rows, expressions }) {
  if (kind === "photograph") return sorted(expressions).map(([label, number]) => (rows > 1 ? `${label} ${number}` : label)).join(", ");
  return sorted(expressions).map(([label, number]) => `${label} ${percent(number / rows)}`).join(", ");
}

/** What a file holds: "5 faces: happiness 5"; of a video also in how many of its frames. */
export function shortWords(status) {
  if (!status.rows) return "No face was found";
  if (status.kind === "photograph") return `${count(status.rows, "face")}: ${expressionWords(status)}`;
  const faces = status.tracks > 1 ? `${status.tracks} faces` : "A face";
  return `${faces} in ${status.frames_with_face} of ${count(status.frames_analysed, "frame")}, coverage ${percent(status.coverage)}: ${expressionWords(status)}`;
}

/** The same with what is to be known about it. */
export function foundWords(status, network) {
  const expected = status.prior ? `, expecting ${status.prior}` : "";
  const seldom = status.rows && status.seldom_found ? ` ${status.seldom_found}` : "";
  const note = status.note ? ` Note: ${status.note}.` : "";
  return `${shortWords(status)}. Read by network ${network}${expected}.${seldom}${note}`;
}

export const OVERVIEW = ["file", "faces", "expression", "length", "coverage"];

/** A row for each file that is read, then one for all photographs and one for all videos; cells as text, see OVERVIEW. */
export function overview(items) {
  const rows = items.map(({ name, status }) => cells(name, status));
  for (const [kind, title] of [["photograph", "photograph"], ["video", "video"]]) {
    const of = items.filter(({ status }) => status.kind === kind).map(({ status }) => status);
    if (of.length) rows.push({ total: true, ...cells(`Total of ${count(of.length, title)}`, total(kind, of)) });
  }
  return rows;
}

function cells(name, status) {
  const video = status.kind === "video";
  return {
    file: name,
    faces: String((video ? status.tracks : status.rows) ?? 0),
    expression: status.rows ? expressionWords(status) : "no face",
    length: video && status.duration_s !== null ? clock(Math.round(10 * status.duration_s) / 10) : "",
    coverage: video ? percent(status.coverage) : "",
    expressions: status.expressions ?? {},
  };
}

/** Faces and rows add up; coverage counts by time. */
function total(kind, statuses) {
  const sum = (name) => statuses.reduce((all, status) => all + (status[name] ?? 0), 0);
  const expressions = {};
  for (const status of statuses) for (const [label, number] of Object.entries(status.expressions ?? {})) expressions[label] = (expressions[label] ?? 0) + number;
  const covered = statuses.reduce((all, { coverage, duration_s: lengthS }) => all + (coverage ?? 0) * (lengthS ?? 0), 0);
  const lengthS = sum("duration_s");
  return { kind, rows: sum("rows"), tracks: sum("tracks"), expressions, duration_s: lengthS, coverage: lengthS ? covered / lengthS : null };
}

/** The overview as CSV; a column for each expression that was seen, in which nothing is 0. */
export function overviewCsv(rows) {
  const labels = [...new Set(rows.flatMap(({ expressions }) => Object.keys(expressions)))].sort();
  const head = ["file", "faces", "length", "coverage", ...labels];
  const line = (row) => [row.file, row.faces, row.length, row.coverage.replace("\u00a0", ""), ...labels.map((label) => row.expressions[label] ?? 0)];
  return [head, ...rows.map(line)].map((each) => each.map(written).join(",")).join("\n") + "\n";
}

/** A file's name may begin like a formula, which spreadsheets would run. */
function written(value) {
  const text = /^[=+\-@\t\r]/.test(String(value)) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
