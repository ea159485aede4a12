// Recording for a subject: begins and ends it, and says unmistakably that readings are kept, whose, and how many.

import { ask, subjectPath } from "./api.js";
import { linkRecording } from "./session_summary.js";
import { renew } from "./svg.js";
import { clock, count, percent } from "./wording.js";

const ASK_MS = 1000; // while something is kept
const KEPT = "From then on their readings are stored, and nobody else's. No picture is stored.";
const SELDOM = 5; // as often is asked while nothing is

export class LiveRecording {
  #part;
  #view;
  #source; // gives the name of the source that is shown, or null
  #changed;
  #own;
  #now = null; // what the server says
  #last = null; // the recording that was begun while this page was open: {subject, recording, words}
  #marks = 0;
  #marking = Promise.resolve();
  #asked = 0;
  #wasOn = false;
  #wanted = wantedSubject(location.search); // whom the subject's page wants recorded; null for nobody

  /**
   * @param part finds an element by its name
   * @param view what is drawn: says which face was clicked
   * @param source gives the name of the source that is shown, null for none
   * @param changed is called when recording begins or ends
   * @param own says whether the source that is shown is this browser's camera
   */
  constructor(part, view, source, changed, own) {
    this.#part = part;
    this.#view = view;
    this.#source = source;
    this.#changed = changed;
    this.#own = own;
    part("keep-room").addEventListener("toggle", () => part("keep-room").open && this.#listSubjects());
    part("keep-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    part("keep-stop").addEventListener("click", () => this.#end());
    part("mark").addEventListener("click", () => (this.#marking = this.#marking.then(() => this.#mark())));
    part("overlay").addEventListener("click", (event) => this.#choose(view.overlay.faceAt(event.clientX, event.clientY)));
    part("faces").addEventListener("click", (event) => {
      const track = event.target.closest("button")?.dataset.track;
      if (track) this.#choose(Number(track));
    });
    setInterval(() => document.hidden || this.#look(), ASK_MS);
    if (this.#wanted) part("keep-room").open = true; // which lists the subjects
    this.#look();
  }

  /** "Recording P-017", for the header; null while nothing is kept. */
  get words() {
    return this.#now?.active ? `Recording ${this.#now.subject ?? "a subject"}` : null;
  }

  /** {subject, recording} of what was recorded while this was shown; null for nothing. */
  get kept() {
    return this.#last;
  }

  /** Another source is shown: what was recorded before is no longer spoken of. */
  begin() {
    if (!this.#now?.active) this.#last = null;
    this.#show();
  }

  /** This browser's camera went off: what was recorded from it is over, whether or not the server has noticed yet. */
  sourceEnded() {
    if (this.#now?.active && this.#own()) this.#now = null;
    this.#show();
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
    this.#remember();
    part("keep-start").disabled = on || !this.#source() || !part("keep-subject").value;
    this.#beginWanted(on);
    part("keep-help").textContent = this.#wanted ? wantedWords(this.#wanted, this.#source()) : this.#source() ? KEPT : "Start a camera or another source first.";
    const words = (this.#now && (on || this.#now.status?.stopped || this.#now.refused) ? recordingWords(this.#now) : null) ?? this.#last?.words ?? null;
    part("keeping").hidden = !words;
    part("keeping").classList.toggle("on", on);
    part("keep-stop").hidden = !on;
    part("mark").hidden = !on || !this.#last;
    linkRecording(part("keep-open"), on ? null : this.#last);
    if (words && part("keeping-words").textContent !== words) part("keeping-words").textContent = words;
    if (on === this.#wasOn) return;
    this.#wasOn = on;
    part("keep-room").hidden = on;
    if (on) part("keep-room").open = false;
    this.#changed();
  }

  /** Keep what can be said of the recording when it is over. */
  #remember() {
    const { active, subject, status } = this.#now ?? {};
    if (!active || !subject || !status) return;
    const coverage = status.figures?.coverage;
    const seen = coverage != null ? `, ${percent(coverage)} of the time read` : "";
    if (this.#last?.recording !== status.recording) this.#marks = 0;
    this.#last = { subject, recording: status.recording, words: `Recorded for ${subject}: ${clock(Math.floor(status.length_s))}${seen}.` };
  }

  /** Mark this moment, by the server's clock, in the recording that is running; one after the other, so that they are numbered in the record's order. */
  async #mark() {
    if (!this.#now?.active || !this.#last) return;
    const { subject, recording } = this.#last;
    await this.#try("keep-error", async () => {
      const number = this.#marks + 1;
      const { from_s: fromS } = await ask(subjectPath(subject, "annotations"), { method: "POST", body: { kind: "event", text: `Mark ${number}`, recording } });
      this.#marks = number;
      this.#view.timeline.mark(Date.now());
      this.#view.announcer.say(`Mark ${number} at ${clock(Math.floor(fromS))}`, performance.now());
      this.#part("mark").lastChild.textContent = `Mark (${number})`;
    });
  }

  async #listSubjects() {
    await this.#try("keep-error", async () => {
      const { subjects } = await ask("subjects");
      const agreed = subjects.filter(({ consent, simulated }) => consent.state === "valid" && !simulated);
      renew(this.#part("keep-subject"), agreed.map(({ code }) => new Option(code, code)));
      if (!agreed.length) this.#part("keep-error").textContent = "Nobody has consented yet. Record a consent under Subjects first.";
      if (this.#wanted) this.#prepare(agreed);
      this.#show();
    });
  }

  // Someone pressed Record on a subject's page: that subject is chosen.
  #prepare(agreed) {
    if (agreed.some(({ code }) => code === this.#wanted)) {
      this.#part("keep-subject").value = this.#wanted;
      return;
    }
    this.#part("keep-error").textContent = `${this.#wanted} can't be recorded: there is no valid consent.`;
    this.#forget();
  }

  // A camera that the person starts is meant; a source of the server runs by itself, and may show anybody.
  #beginWanted(on) {
    if (!this.#wanted) return;
    if (on) {
      this.#part("keep-error").textContent = `${this.#now.subject ?? "Someone else"} is being recorded: stop that first.`;
      this.#forget();
    } else if (this.#source() && this.#own() && this.#part("keep-subject").value === this.#wanted) this.#begin();
  }

  // Once only: neither a reload nor another source begins it again.
  #forget() {
    this.#wanted = null;
    history.replaceState(history.state, "", location.pathname);
  }

  async #begin() {
    const body = { subject: this.#part("keep-subject").value, source: this.#source() };
    if (this.#wanted) this.#forget();
    this.#last = null;
    this.#part("mark").lastChild.textContent = "Mark";
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

/** The subject whom an address asks to record: "?record=P-017"; null for none. */
export const wantedSubject = (search) => new URLSearchParams(search).get("record") || null;

const wantedWords = (subject, source) => (source ? `Press Start recording to record ${subject} from ${source}. ${KEPT}` : `Start the camera: the recording of ${subject} begins with it. ${KEPT}`);

/** What is kept, in words. */
export function recordingWords({ active, subject, origin, refused, status }) {
  const whom = subject ?? "a subject";
  if (refused) return `Nothing is being recorded: ${refused}.`;
  if (status?.stopped) return `Recording has stopped: ${status.stopped}.`;
  if (!active) return null;
  if (!status) return `Recording ${whom}: waiting for the first reading.`;
  if (status.state === "choose") return `Recording ${whom}: click the face that is ${whom}. Until then, nothing is stored.`;
  const { coverage, valence_mean: valence, smiles_per_min: smiles } = status.figures ?? {};
  // By time, as it is kept: of frames that came rarely, all may show the face, and hardly any time be read.
  const seen = coverage != null ? `, ${percent(coverage)} of the time read` : "";
  const soFar = [valence != null && `valence ${valence.toFixed(2)}`, smiles != null && `${smiles.toFixed(1)} smiles a minute`];
  const figures = soFar.filter(Boolean).map((each) => `, ${each}`).join("");
  const lost = status.lost ? `, ${status.lost} lost` : "";
  const trouble = status.trouble ? ` ${status.trouble}; trying again.` : "";
  const waiting = status.state === "waiting" ? " Looking for the face." : "";
  const rarely = status.too_rarely ? ` It is ${status.too_rarely}.` : "";
  return `Recording ${whom} from ${origin ?? status.source}: ${clock(Math.floor(status.length_s))}, ${count(status.stored, "reading")} kept${seen}${figures}${lost}.${waiting}${rarely}${trouble}`;
}
