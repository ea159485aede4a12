// Recording for a subject: begins and ends it, and says unmistakably that readings are kept, whose, and how many.

import { ask } from "./ask.js";
import { clock } from "./course.js";
import { percent } from "./words.js";

const ASK_MS = 1000; // while something is kept
const SELDOM = 5; // as often is asked while nothing is

export class Keeping {
  #part;
  #view;
  #source; // gives the name of the source that is shown, or null
  #changed;
  #now = null; // what the server says
  #asked = 0;
  #wasOn = false;

  /**
   * @param part finds an element by its name
   * @param view what is drawn: says which face was clicked
   * @param source gives the name of the source that is shown, null for none
   * @param changed is called when recording begins or ends
   */
  constructor(part, view, source, changed) {
    this.#part = part;
    this.#view = view;
    this.#source = source;
    this.#changed = changed;
    part("keep-room").addEventListener("toggle", () => part("keep-room").open && this.#listSubjects());
    part("keep-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    part("keep-stop").addEventListener("click", () => this.#end());
    part("overlay").addEventListener("click", (event) => this.#choose(view.overlay.faceAt(event.clientX, event.clientY)));
    part("faces").addEventListener("click", (event) => {
      const track = event.target.closest("button")?.dataset.track;
      if (track) this.#choose(Number(track));
    });
    setInterval(() => document.hidden || this.#look(), ASK_MS);
    this.#look();
  }

  /** "Recording P-017", for the header; null while nothing is kept. */
  get words() {
    return this.#now?.active ? `Recording ${this.#now.subject ?? "a subject"}` : null;
  }

  /** The name of the source that is being recorded; null for none. */
  get recorded() {
    return this.#now?.active ? this.#now.source : null;
  }

  async #look() {
    this.#asked += 1;
    if (!this.#now?.active && this.#asked % SELDOM !== 1) return this.#show();
    await this.#try("", async () => {
      this.#now = (await ask("recording")).recording;
      this.#show();
    });
  }

  #show() {
    const part = this.#part;
    const on = Boolean(this.#now?.active);
    part("keep-start").disabled = on || !this.#source() || !part("keep-subject").value;
    part("keep-help").textContent = this.#source() ? "Their readings are kept from then on, and nobody else's; no picture is." : "Start a camera or another source first.";
    const words = this.#now && (on || this.#now.status?.stopped || this.#now.refused) ? keepingWords(this.#now) : null;
    part("keeping").hidden = !words;
    part("keeping").classList.toggle("on", on);
    part("keep-stop").hidden = !on;
    if (words && part("keeping-words").textContent !== words) part("keeping-words").textContent = words;
    if (on === this.#wasOn) return;
    this.#wasOn = on;
    part("keep-room").hidden = on;
    this.#changed();
  }

  async #listSubjects() {
    await this.#try("keep-error", async () => {
      const { subjects } = await ask("subjects");
      const agreed = subjects.filter(({ consent, simulated }) => consent.state === "valid" && !simulated);
      this.#part("keep-subject").replaceChildren(...agreed.map(({ code }) => new Option(code, code)));
      if (!agreed.length) this.#part("keep-error").textContent = "Nobody has consented yet. Note it under Subjects first.";
      this.#show();
    });
  }

  async #begin() {
    const body = { subject: this.#part("keep-subject").value, source: this.#source() };
    await this.#try("keep-error", async () => {
      this.#now = (await ask("recording", { method: "POST", body })).recording;
      this.#show();
      this.#part("keep-stop").focus();
    });
  }

  async #end() {
    await this.#try("keep-error", async () => {
      await ask("recording", { method: "DELETE" });
      this.#now = null;
      this.#show();
    });
  }

  #choose(track) {
    if (track === null || !this.#now?.active || this.#now.source !== this.#source()) return;
    this.#try("keep-error", () => ask("recording/face", { method: "POST", body: { source: this.#now.source, track } }));
  }

  async #try(place, act) {
    if (place) this.#part(place).textContent = "";
    try {
      await act();
    } catch (error) {
      if (place) this.#part(place).textContent = error.message;
    }
  }
}

/** What is kept, in words. */
export function keepingWords({ active, subject, refused, status }) {
  const whom = subject ?? "a subject";
  if (refused) return `Nothing is recorded: ${refused}.`;
  if (status?.stopped) return `Nothing is recorded any more: ${status.stopped}.`;
  if (!active) return null;
  if (!status) return `Recording ${whom}: waiting for the first reading.`;
  if (status.state === "choose") return `Recording ${whom}: click the face that is ${whom}. Until then, nothing is kept.`;
  const seen = status.frames ? `, in view ${percent(status.with_subject / status.frames)}` : "";
  const { valence_mean: valence, smiles_per_min: smiles } = status.figures ?? {};
  const soFar = [valence != null && `valence ${valence.toFixed(2)}`, smiles != null && `${smiles.toFixed(1)} smiles a minute`];
  const figures = soFar.filter(Boolean).map((each) => `, ${each}`).join("");
  const lost = status.lost ? `, ${status.lost} lost` : "";
  const trouble = status.trouble ? ` ${status.trouble}; trying again.` : "";
  const waiting = status.state === "waiting" ? " Looking for the face." : "";
  return `Recording ${whom} from ${status.source}: ${clock(Math.floor(status.length_s))}, ${status.stored} readings kept${seen}${figures}${lost}.${waiting}${trouble}`;
}
