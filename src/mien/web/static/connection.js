// On every page: whether the program still answers, and whether this visitor is still logged in.

import { AWAY, HEALTH } from "./api.js";

const EVERY_MS = 10_000;
const AWAY_AFTER = 2; // questions without an answer, one after the other

/**
 * What an answer means for a page: "here", "away", "logged out", or "restarted".
 *
 * @param status of HTTP; 0 where there was no answer
 * @param started when the program was started, as it says; @param before the same as it said at first, or null
 */
export function meaning(status, started, before) {
  if (status === 401) return "logged out";
  if (status !== 200) return "away";
  return before && started !== before ? "restarted" : "here";
}

/** Ask now and then; a session that a page asks in is in use. */
export class Connection {
  #lost;
  #keeps; // whether something would be lost if the page were loaded anew
  #started = null;
  #missed = 0;

  constructor() {
    this.#lost = document.getElementById("lost");
    this.#keeps = Boolean(document.querySelector("mien-live")); // which finds its way back by itself
    document.addEventListener("input", () => (this.#keeps = true));
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
    window.addEventListener("online", () => this.look());
    setInterval(() => this.look(), EVERY_MS);
    this.look();
  }

  async look() {
    const answer = await fetch(HEALTH).catch(() => null);
    const { started_at: started } = answer?.ok ? await answer.json().catch(() => ({})) : {};
    const found = meaning(answer?.status ?? 0, started, this.#started);
    if (found === "logged out") location.assign("/login");
    // What an older program has sent may not fit the new one.
    if (found === "restarted" && !this.#keeps) location.reload();
    this.#started = started ?? this.#started;
    this.#missed = found === "away" ? this.#missed + 1 : 0;
    this.#say(this.#missed >= AWAY_AFTER);
  }

  #say(away) {
    if (this.#lost.hidden === !away) return;
    this.#lost.hidden = !away;
    this.#lost.textContent = away ? AWAY : "";
  }
}

if (typeof document !== "undefined") new Connection();
