// Takes a camera or stream of the server away; asks first where it is being recorded.

import { removeSource } from "./sources.js";

export class SourceRemoval {
  #part;
  #chosen;
  #recorded;
  #removed;
  #name = null; // what the question is about

  /**
   * @param part finds an element by its name; without the button, nothing can be removed
   * @param chosen gives the name of the source that may be removed, null for none
   * @param recorded gives the name of the source that is being recorded, null for none
   * @param removed is called with the name of what is gone
   */
  constructor(part, chosen, recorded, removed) {
    this.#part = part;
    this.#chosen = chosen;
    this.#recorded = recorded;
    this.#removed = removed;
    part("remove")?.addEventListener("click", () => this.#ask());
    part("remove-sure")?.addEventListener("close", ({ target }) => target.returnValue === "remove" && this.#remove(this.#name));
  }

  /** Show the button where there is something to remove. */
  offer() {
    const button = this.#part("remove");
    if (button) button.hidden = this.#chosen() === null;
  }

  #ask() {
    this.#name = this.#chosen();
    if (this.#recorded() !== this.#name) return this.#remove(this.#name);
    const sure = this.#part("remove-sure");
    sure.returnValue = ""; // the last answer would stay when this question is closed by a key
    sure.showModal();
  }

  async #remove(name) {
    this.#part("remove-error").textContent = "";
    try {
      await removeSource(name);
      this.#removed(name);
    } catch (error) {
      this.#part("remove-error").textContent = error.message;
    }
  }
}
