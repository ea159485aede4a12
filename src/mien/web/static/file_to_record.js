// Puts what was read of a file into a subject's record.

import { ask } from "./api.js";
import { linkRecording } from "./session_summary.js";

const MOST_FACES = 20;

/** A moment as a field for date and time takes it, by this browser's clock. */
export function localMoment(ms) {
  const at = new Date(ms);
  return new Date(ms - 60_000 * at.getTimezoneOffset()).toISOString().slice(0, 19);
}

/** The same as it is sent: with the zone that this browser's clock had then. */
export function withZone(text) {
  const minutes = -new Date(text).getTimezoneOffset();
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  return `${text}${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}

export class FileToRecord {
  #part;
  #item = null;

  /** @param part finds an element by its name */
  constructor(part) {
    this.#part = part;
    part("record-room").addEventListener("toggle", () => part("record-room").open && this.#listSubjects());
    part("record-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#put();
    });
  }

  /** Offer it for a file that is read; @param item with id, name, status, and when its file was changed last */
  offer(item) {
    const part = this.#part;
    this.#item = item;
    part("record-room").hidden = !item.status.rows;
    this.#say("", "");
    linkRecording(part("record-open"), null);
    part("record-done").hidden = true;
    const faces = item.status.kind === "photograph" ? item.status.rows : item.status.tracks;
    const numbers = Array.from({ length: Math.min(faces, MOST_FACES) }, (_, i) => new Option(`face ${i}`, i));
    part("record-face").replaceChildren(new Option("the only one, or clearly the largest", ""), ...numbers);
    part("record-at").value = item.changedMs ? localMoment(item.changedMs) : ""; // of one sent before, nobody knows
  }

  async #listSubjects() {
    try {
      const { subjects } = await ask("subjects");
      const agreed = subjects.filter(({ consent, simulated }) => consent.state === "valid" && !simulated);
      this.#part("record-subject").replaceChildren(...agreed.map(({ code }) => new Option(code, code)));
      this.#say("", agreed.length ? "" : "Nobody has consented yet. Record a consent under Subjects first.");
    } catch (error) {
      this.#say("", error.message);
    }
  }

  async #put() {
    const part = this.#part;
    const item = this.#item;
    const face = part("record-face").value;
    const body = { subject: part("record-subject").value, at: withZone(part("record-at").value), faces: face === "" ? [] : [Number(face)] };
    part("record-start").disabled = true;
    this.#say("Reading the file once more for the record…", "");
    try {
      const kept = await ask(`files/${item.id}/record`, { method: "POST", body });
      if (item !== this.#item) return;
      this.#say(`Stored in the record of ${kept.subject}: ${kept.frames_with_subject} of ${kept.frames} frames.`, "");
      part("record-done").hidden = false;
      linkRecording(part("record-open"), kept);
    } catch (error) {
      if (item === this.#item) this.#say("", error.message);
    } finally {
      part("record-start").disabled = false;
    }
  }

  #say(words, error) {
    this.#part("record-said").textContent = words;
    this.#part("record-error").textContent = error;
  }
}
