// Requests to the server's API, and what is said when it refuses.

const API = "/api/v1/";
export const HEALTH = `${API}health`;
export const AWAY = "The program does not answer. Is it still running?";

/** What the server refused, in its words; `code` is HTTP's, 0 where it did not answer. */
export class Refused extends Error {
  constructor(code, words) {
    super(words);
    this.code = code;
  }
}

/** Ask, or change something; gives what the answer holds, throws Refused. */
export async function ask(path, { method = "GET", body } = {}) {
  const sent = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await answered(API + path, { method, ...sent });
  return answer.status === 204 ? null : answer.json();
}

/** Ask for a file by its whole address; gives its bytes, throws Refused. */
export async function askFile(address) {
  return (await answered(address)).blob();
}

async function answered(address, options) {
  const answer = await fetch(address, options).catch(() => null);
  if (!answer) throw new Refused(0, AWAY);
  if (answer.ok) return answer;
  if (answer.status === 401) location.assign("/login");
  const { detail } = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, detail ?? "The server refused without giving a reason.");
}

/** The path of a subject, or of something of theirs. */
export function subjectPath(code, ...more) {
  return ["subjects", code, ...more].map(encodeURIComponent).join("/");
}

/** The sentence in an answer that says no. */
export function reason(answer) {
  const words = answer.detail ?? answer.error ?? answer.reason;
  return typeof words === "string" ? words : "The program refused that.";
}
