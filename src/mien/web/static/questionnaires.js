// What subjects say of themselves: a slider for the mood, PHQ-9 and GAD-7; and the safety text at once where it belongs.

import { ask, subjectPath } from "./api.js";
import { nowText } from "./dates.js";

export class Questionnaires {
  #part;
  #code;
  #saved;
  #safety = "";

  /** @param part finds an element by its name; @param saved is called when something was kept */
  constructor(part, code, saved) {
    this.#part = part;
    this.#code = code;
    this.#saved = saved;
    for (const form of part("questions").querySelectorAll("form")) {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.#send(form);
      });
      form.addEventListener("input", () => this.#weigh(form));
      form.addEventListener("reset", () => setTimeout(() => this.#weigh(form)));
    }
    for (const name of ["scale", "language"]) {
      part(name).addEventListener("change", () => {
        this.#choose();
        part("questions").scrollIntoView({ block: "nearest" }); // it may have moved to another place
      });
    }
    this.#choose();
  }

  /** The text that stands where the PHQ-9's ninth question is answered above 0; the clinic's own. */
  set safety(text) {
    this.#safety = text;
  }

  #choose() {
    const [scale, language] = ["scale", "language"].map((name) => this.#part(name).value);
    for (const form of this.#part("questions").querySelectorAll("form")) form.hidden = form.dataset.scale !== scale || form.dataset.language !== language;
    // Many questions with their answers side by side need more room than the column beside the record has.
    this.#part("questions").classList.toggle("wide", this.#part("questions").querySelector("form:not([hidden]) fieldset") !== null);
    this.#part("report-said").textContent = "";
    this.#weighAll();
  }

  #weighAll() {
    const shown = this.#part("questions").querySelector("form:not([hidden])");
    if (shown) this.#weigh(shown);
  }

  #weigh(form) {
    const answers = items(form);
    const total = form.querySelector("[data-total]");
    if (form.dataset.scale === "mood") total.textContent = form.elements.total.value;
    else {
      const known = answers.filter((answer) => answer !== null);
      total.textContent = known.length === answers.length ? `Total ${known.reduce((sum, each) => sum + each, 0)}` : `${known.length} of ${answers.length} answered`;
    }
    this.#warn(form.dataset.ninth !== undefined && answers[Number(form.dataset.ninth)] > 0);
  }

  #warn(needed) {
    const room = this.#part("safety");
    room.hidden = !needed;
    if (needed && room.textContent !== this.#safety) room.textContent = this.#safety;
  }

  async #send(form) {
    const scale = form.dataset.scale;
    const body = { scale, note: form.elements.note.value, at: form.elements.at.value || null };
    if (scale === "mood") body.total = Number(form.elements.total.value);
    else {
      body.items = items(form);
      body.difficulty = chosen(form.querySelector("fieldset[data-difficulty]"));
    }
    this.#part("report-error").textContent = "";
    try {
      const kept = await ask(subjectPath(this.#code, "self-reports"), { method: "POST", body });
      form.reset();
      // After the form's own look at its answers, which are gone.
      setTimeout(() => {
        if (!kept.safety_text) return;
        this.#safety = kept.safety_text;
        this.#warn(true);
        this.#part("safety").focus();
      });
      this.#part("report-said").textContent = [`Saved: ${kept.title} ${kept.told}.`, kept.ninth_text].filter(Boolean).join(" ");
      this.#saved();
    } catch (error) {
      this.#part("report-error").textContent = error.message;
    }
  }
}

/** The answers of a form, null where there is none yet. */
export function items(form) {
  return [...form.querySelectorAll("fieldset[data-item]")].map(chosen);
}

function chosen(field) {
  const input = field?.querySelector("input:checked");
  return input ? Number(input.value) : null;
}

/** The latest time that a form takes is now. */
export function upToNow(root) {
  for (const field of root.querySelectorAll('input[type="datetime-local"]')) field.max = nowText();
}
