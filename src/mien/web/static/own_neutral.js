// The person's own neutral face: a button that learns it, and turns it off again.

import { ask } from "./api.js";

const SECONDS = 3;

/** What the button and the line below say, by what the server says of the source. */
export function neutralWords(neutral) {
  if (!neutral) return { button: "Learn my neutral face", line: "" };
  if (neutral.state === "learning") {
    return { button: "Cancel", line: `Look neutral: ${neutral.seconds.toFixed(1)} of ${neutral.wanted_s} s` };
  }
  if (neutral.state === "on") {
    const gone = neutral.following ? "" : " The person it belongs to is not in view, or Mien is not sure of it: everyone else is read as usual.";
    return { button: "Forget my neutral face", line: `Read against your own neutral face.${gone}` };
  }
  return { button: "Learn my neutral face", line: neutral.note ?? "" };
}

export class OwnNeutral {
  #part;
  #source;
  #now = null;

  /**
   * @param part finds an element by its name
   * @param source gives the name of the source that is shown, or null
   */
  constructor(part, source) {
    this.#part = part;
    this.#source = source;
    part("neutral").addEventListener("click", () => this.#press());
  }

  /** Show how things stand; null where nothing runs. */
  show(neutral) {
    this.#now = neutral;
    const { button, line } = neutralWords(neutral);
    const [key, words] = [this.#part("neutral"), this.#part("neutral-words")];
    key.hidden = !neutral;
    if (key.textContent !== button) key.textContent = button;
    words.hidden = !line;
    if (words.textContent !== line) words.textContent = line;
  }

  async #press() {
    const source = this.#source();
    if (!source) return;
    try {
      if (this.#now?.state === "off") {
        await ask("neutral", { method: "POST", body: { source, seconds: SECONDS } });
      } else {
        await ask(`neutral/${encodeURIComponent(source)}`, { method: "DELETE" });
      }
    } catch (error) {
      this.#part("neutral-words").hidden = false;
      this.#part("neutral-words").textContent = error.message;
    }
  }
}
