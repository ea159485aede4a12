// A video's moments, chosen by expression: a list that leads to each, and marks over the timeline.

import { ask } from "./api.js";
import { clock, count } from "./wording.js";

export class FileMoments {
  #part;
  #seek;
  #mark;
  #item = null;

  /**
   * @param part finds an element by its name
   * @param seek given the seconds of a moment that somebody has chosen
   * @param mark given all moments, to be marked on the timeline, and what counted: {step_s, attention}
   */
  constructor(part, { seek, mark }) {
    this.#part = part;
    this.#seek = seek;
    this.#mark = mark;
    part("moments-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#choose();
    });
  }

  /** Offer it for a file that is read; what was chosen of it before is shown again. */
  offer(item) {
    this.#item = item;
    this.#part("moments-room").hidden = item.status.kind !== "video";
    this.#part("moments-start").disabled = Boolean(item.choosing);
    this.#show(item.moments);
  }

  async #choose() {
    const item = this.#item;
    const body = { length: this.#part("moments-length").value, blur_others: this.#part("moments-blur").checked };
    item.choosing = true;
    item.moments = null;
    this.#part("moments-start").disabled = true;
    this.#show(null);
    this.#say("Reading the video once more…", "");
    let refused = "";
    try {
      item.moments = await ask(`files/${item.id}/moments`, { method: "POST", body });
    } catch (error) {
      refused = error.message;
    }
    item.choosing = false;
    if (item !== this.#item) return;
    this.#part("moments-start").disabled = false;
    this.#show(item.moments);
    if (refused) this.#say("", refused);
  }

  #show(moments) {
    const pieces = moments?.pieces ?? [];
    this.#mark(pieces, moments);
    this.#part("moments-done").hidden = !pieces.length;
    for (const [part, file] of [["moments-clip", "moments.mp4"], ["moments-picture", "moments.png"]]) this.#part(part).href = `/api/v1/files/${this.#item.id}/${file}`;
    this.#part("moments-list").replaceChildren(...pieces.map((piece) => this.#line(piece)));
    const found = pieces.length ? `${count(pieces.length, "moment")}, ${clock(moments.length_s, true)} in all. ` : "";
    this.#say(moments ? found + moments.notes.map((note) => `Note: ${note}.`).join(" ") : "", "");
  }

  #line({ start_s: startS, reason }) {
    const line = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: `${clock(startS, true)}: ${reason}` });
    button.addEventListener("click", () => this.#seek(startS));
    line.append(button);
    return line;
  }

  #say(words, error) {
    this.#part("moments-said").textContent = words;
    this.#part("moments-error").textContent = error;
  }
}
