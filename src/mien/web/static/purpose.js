// What is asked before the first picture: the promises, and the purpose, which is chosen once.

import { AWAY, reason } from "./api.js";
import { isThisMachine } from "./sockets.js";

const ADDRESS = "/api/v1/purpose";

/** The panel that stands where the picture will be. */
export class PurposePanel {
  #parts;
  #form;
  #known = null;
  #loaded = null; // what was asked of the server

  /** @param part finds an element by its name; @param begin is called when somebody agrees and starts */
  constructor(part, begin) {
    this.#parts = part;
    this.#form = part("consent-form");
    this.#form.addEventListener("change", () => this.#weigh());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#agree().then((agreed) => agreed && begin());
    });
    part("purpose-change").addEventListener("click", () => this.#ask());
    if (!isThisMachine()) this.#tellWhere();
  }

  /** Ask the server what was chosen before. */
  load() {
    this.#loaded = fetch(ADDRESS)
      .then((answer) => (answer.ok ? answer.json() : {}))
      .catch(() => ({}))
      .then(({ purpose }) => this.#know(purpose ?? null));
    return this.#loaded;
  }

  get chosen() {
    return this.#known;
  }

  /** Show the panel. */
  show(title, button, note) {
    this.#parts("consent").hidden = false;
    this.#parts("consent-title").textContent = title;
    this.#parts("start").textContent = button;
    this.#parts("consent-note").textContent = note;
  }

  hide() {
    this.#parts("consent").hidden = true;
    this.tell("");
  }

  /** Say what went wrong, under the choice. */
  tell(words) {
    this.#parts("consent-error").textContent = words;
  }

  #know(purpose) {
    this.#known = purpose;
    const chosen = this.#form.querySelector(`input[value="${purpose}"]`);
    this.#parts("purposes").hidden = Boolean(chosen);
    this.#parts("purpose-now").hidden = !chosen;
    for (const input of this.#form.elements.purpose) input.required = !chosen;
    if (!chosen) return;
    chosen.checked = true;
    this.#parts("purpose-name").textContent = chosen.parentElement.querySelector("b").textContent;
  }

  #ask() {
    this.#know(null);
    this.#form.querySelector("input:checked")?.focus();
  }

  #weigh() {
    const refused = this.#form.querySelector("input:checked")?.dataset.refused;
    this.tell(refused ?? "");
    this.#parts("start").disabled = Boolean(refused);
  }

  async #agree() {
    await this.#loaded; // whoever is quick isn't asked again for what was chosen before
    if (!this.#form.reportValidity()) return false;
    const chosen = this.#form.elements.purpose.value;
    if (chosen === this.#known) return true;
    try {
      const answer = await fetch(ADDRESS, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ purpose: chosen }),
      });
      if (!answer.ok) {
        this.tell(reason(await answer.json().catch(() => ({}))));
        return false;
      }
      this.#know(chosen);
      return true;
    } catch {
      this.tell(AWAY);
      return false;
    }
  }

  #tellWhere() {
    this.#parts("promise").innerHTML =
      "<strong>No picture is stored.</strong> Each picture goes to the Mien program at <b></b>, is read there, and is forgotten. It goes nowhere else.";
    this.#parts("promise").querySelector("b").textContent = location.host;
  }
}
