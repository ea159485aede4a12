// A subject's page: days, curves, marks and self-reports on one axis, what has changed, and what can be done.

import { ask, askFile, subjectPath } from "./api.js";
import { Calendar } from "./calendar.js";
import { Changes } from "./changes.js";
import { dayNumber, longDay, plainDay, plainMoment, today } from "./dates.js";
import { saveAddress } from "./downloads.js";
import { barsLane, chartLane, curveLane, Lanes, marksLane, pointsLane } from "./lanes.js";
import { Questionnaires, upToNow } from "./questionnaires.js";
import { attempt, leave } from "./refusals.js";
import { consentSign } from "./subjects.js";
import { html, plainNumber, renew } from "./svg.js";
import { STATES, clock, count, kindWords, percent } from "./wording.js";

const LOOK_MS = 10_000; // whether the subject is still there, and whether there is something new
const SPAN = { all: Infinity, year: 366, quarter: 92, month: 31 };
const SCALES = { mood: { name: "Own mood", title: "Mood", limits: [0, 10], height: 44 }, phq9: { name: "PHQ-9", title: "PHQ-9", limits: [0, 27], height: 44 }, gad7: { name: "GAD-7", title: "GAD-7", limits: [0, 21], height: 44 } };
const PRIMARY = "valence_mean";

class Subject {
  #part;
  #code;
  #body; // what sensors may store, by name, in words
  #about = null;
  #days = null; // as /days gives them, with numbers: the days as numbers
  #recordings = {};
  #chosen = null;
  #measure = PRIMARY;
  #lanes;
  #calendar;
  #changes;
  #questions;
  #timer;
  #drawnMs = null;

  constructor(root) {
    this.#part = (name) => root.querySelector(`[data-part="${name}"]`);
    ({ code: this.#code, body: this.#body } = JSON.parse(root.dataset.config));
    this.#lanes = new Lanes(this.#part("lanes"), { choose: (day) => this.#choose(day), words: (day) => this.#dayWords(day) });
    this.#calendar = new Calendar(this.#part("calendar"), (day) => this.#choose(day));
    this.#changes = new Changes(this.#part, this.#code, () => this.#draw());
    this.#questions = new Questionnaires(this.#part, this.#code, () => this.#reload());
    this.#listen();
    upToNow(root);
    this.#reload();
    this.#timer = setInterval(() => document.hidden || this.#look(), LOOK_MS);
    window.addEventListener("focus", () => this.#look());
    const page = this;
    window.mien = { subject: { get drawnMs() { return page.#drawnMs; }, look: () => page.#look() } };
  }

  /** The page is left. */
  end() {
    clearInterval(this.#timer);
  }

  #listen() {
    const part = this.#part;
    part("measure").addEventListener("change", () => {
      this.#measure = part("measure").value;
      this.#changes.choose(this.#measure);
      this.#draw();
    });
    part("span").addEventListener("change", () => this.#draw());
    part("consent-form").addEventListener("submit", (event) => this.#consent(event));
    part("withdraw").addEventListener("click", () => part("withdraw-sure").showModal());
    part("withdraw-sure").addEventListener("close", () => part("withdraw-sure").returnValue === "withdraw" && this.#withdraw());
    for (const link of part("report-room").querySelectorAll("[data-report]")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        this.#fetchReport(link);
      });
    }
    part("note-form").addEventListener("submit", (event) => this.#note(event));
  }

  // What the server knows.

  async #reload() {
    await this.#try("trouble", async () => {
      const path = (...more) => subjectPath(this.#code, ...more);
      const [about, recordings] = await Promise.all([ask(path()), ask(path("recordings"))]);
      [this.#about, this.#recordings] = [about, recordings];
      this.#questions.safety = about.safety_text;
      this.#showAbout();
      // Its figures may have to be computed first.
      const days = await ask(path("days"));
      this.#days = { ...days, numbers: days.days.map(dayNumber) };
      this.#part("waiting").hidden = true;
      this.#fillMeasures();
      this.#draw();
      await this.#changes.load(about, this.#measure);
    });
  }

  async #look() {
    if (!this.#about) return;
    await this.#try("trouble", async () => {
      const { pulse } = await ask(subjectPath(this.#code, "pulse"));
      if (pulse !== this.#about?.pulse) await this.#reload();
    });
  }

  async #try(place, act) {
    await attempt(this.#part, place, act, () => (this.#about ? this.#gone() : this.#missing()));
  }

  // Nothing can be done for a subject that never was there, or is somebody else's to see.
  #missing() {
    this.end();
    for (const part of ["main", "side", "questions"]) this.#part(part).hidden = true;
    this.#part("trouble").textContent = `there is no subject ${this.#code}`;
  }

  #gone() {
    this.end();
    this.#about = null;
    leave(this.#part, `/subjects?gone=${encodeURIComponent(this.#code)}`);
  }

  // What is shown.

  #showAbout() {
    const about = this.#about;
    this.#part("simulated").hidden = !about.simulated;
    this.#part("recording-now").hidden = !about.recording_now;
    this.#part("consent-sign").replaceChildren(consentSign(about.consent));
    const years = about.birth_year ? `Born ${about.birth_year}. ` : "";
    const much = about.days ? `${count(about.recordings, "recording")} on ${count(about.days, "day")}.` : "Nothing is recorded yet.";
    const kept = about.retention_days ? ` Recordings are kept for ${count(about.retention_days, "day")}.` : "";
    this.#part("about").textContent = years + much + kept;
    this.#part("notes").textContent = about.notes;
    this.#part("empty").hidden = about.days > 0;
    this.#part("first-step").textContent = firstStep(about.consent);
    this.#part("record-room").hidden = about.consent.state !== "valid" || about.simulated;
    this.#part("record-now").textContent = about.recording_now ? "See the recording" : "Record";
    this.#part("record-now").href = about.recording_now ? "/" : `/?record=${encodeURIComponent(this.#code)}`;
    this.#part("record").hidden = about.days === 0 && !about.self_reports.length && !about.marks.length;
    this.#part("report-room").hidden = about.days === 0;
    this.#showConsent(about.consent);
    this.#showSafety();
    this.#showMarks();
  }

  // Whoever opens the page reads it, not only who answered.
  #showSafety() {
    const { self_reports: reports, safety_text: text } = this.#about;
    const days = [...new Set(reports.filter(({ safety }) => safety).map(({ day }) => plainDay(dayNumber(day))))];
    const unknown = reports.filter(({ ninth_text: ninth }) => ninth).map(({ day }) => plainDay(dayNumber(day)));
    const above = days.length ? [html("p", {}, html("strong", {}, `The PHQ-9's ninth question was answered above “not at all” on ${days.join(", ")}.`)), html("p", {}, text)] : [];
    const asked = unknown.length ? [html("p", {}, `How the PHQ-9's ninth question was answered on ${unknown.join(", ")} is not known.`)] : [];
    this.#part("safety-record").replaceChildren(...above, ...asked);
    this.#part("safety-record").hidden = !above.length && !asked.length;
  }

  #showConsent({ state, given_by: by, purpose, signals, given, last_day: last, withdrawn }) {
    const valid = state === "valid";
    const kept = keptWords(signals ?? [], this.#body);
    const words = {
      none: "There is no consent yet, so nothing can be recorded.",
      withdrawn: withdrawn && `Consent was withdrawn on ${plainMoment(withdrawn)}. Nothing is recorded any more.`,
      expired: last && `Consent ended after ${plainDay(dayNumber(last))}. Nothing is recorded any more.`,
      valid: valid && `Given by ${by} on ${plainDay(dayNumber(given))}, for: ${purpose}. What is stored: ${kept}. ${last ? `It ends by itself after ${plainDay(dayNumber(last))}.` : "It has no end date."}`,
    };
    this.#part("consent-words").textContent = words[state];
    this.#part("withdraw").hidden = !valid;
    this.#part("consent-card").classList.toggle("first", !valid);
    this.#part("consent-more").hidden = valid;
    this.#part("consent-more").open = state === "none";
  }

  #fillMeasures() {
    const groups = grouped(this.#days.measures);
    renew(this.#part("measure"), groups.map(([label, list]) => html("optgroup", { label }, ...list.map(({ name, title }) => new Option(title, name)))));
    renew(this.#part("measures"), groups.flatMap(([label, list]) => [html("h3", {}, label), html("dl", {}, ...list.flatMap((measure) => this.#meaning(measure)))]));
    if (!this.#days.measures.some(({ name }) => name === this.#measure)) this.#measure = this.#days.measures.find(({ name }) => name === PRIMARY)?.name ?? this.#measure;
    if (!this.#days.measures.some(({ name }) => name === this.#measure)) this.#measure = this.#days.measures[0]?.name ?? PRIMARY;
    this.#part("measure").value = this.#measure;
  }

  // A measure with its line of meaning; its name shows it in the picture.
  #meaning({ name, title, meaning, independent }) {
    const choose = html("button", { type: "button", class: "link" }, title);
    choose.addEventListener("click", () => {
      this.#part("measure").value = name;
      this.#part("measure").dispatchEvent(new Event("change"));
    });
    return [html("dt", {}, choose), html("dd", {}, independent ? meaning : `${meaning} Derived from other measures.`)];
  }

  #draw() {
    if (!this.#about || !this.#days) return;
    const startMs = performance.now();
    const [from, to] = this.#span();
    this.#lanes.show(from, to, this.#allDays(), this.#chosenLanes());
    this.#calendar.draw(from, to, new Map(this.#days.numbers.map((day, i) => [day, this.#named("coverage")?.value[i] ?? 0])));
    const last = this.#days.numbers.at(-1) ?? null;
    this.#choose(this.#chosen ?? last, false);
    this.#drawnMs = performance.now() - startMs;
    const measure = this.#named(this.#measure);
    this.#part("definition").textContent = measure ? `${measure.title}. ${measure.meaning} ${measure.unit_words} Exactly: ${measure.definition}` : "";
    this.#part("apart-key").hidden = !this.#days.apart.some(Boolean);
  }

  #span() {
    const days = this.#allDays();
    const last = days.at(-1) ?? today();
    const first = Math.max(days[0] ?? last - 30, last - SPAN[this.#part("span").value] + 1);
    return last - first < 13 ? [last - 13, last] : [first, last];
  }

  #allDays() {
    const others = [...this.#about.self_reports, ...this.#about.marks].map(({ day }) => dayNumber(day));
    return [...new Set([...this.#days.numbers, ...others])].sort((one, other) => one - other);
  }

  #named(name) {
    return this.#days.measures.find((measure) => measure.name === name);
  }

  #chosenLanes() {
    const { numbers } = this.#days;
    const lanes = [];
    const measure = this.#named(this.#measure);
    if (measure) {
      const usual = this.#changes.usual(measure.name);
      lanes.push(curveLane({ ...measure, name: measure.title, height: 170, days: numbers, limits: limitsOf(measure, usual), usual, apart: this.#days.apart }));
    }
    for (const chart of this.#changes.charts(measure?.name)) lanes.push(chartLane({ ...chart, height: 70 }));
    const coverage = this.#named("coverage");
    if (coverage && this.#measure !== "coverage") lanes.push(barsLane({ name: "Coverage", height: 36, days: numbers, value: coverage.value }));
    for (const [scale, lane] of Object.entries(SCALES)) {
      const reports = this.#about.self_reports.filter((report) => report.scale === scale);
      const points = reports.map((report) => ({ day: dayNumber(report.day), total: report.total ?? report.prorated, open: report.total === null, safety: report.safety, words: `${plainMoment(report.at)}: ${report.told}` })).filter(({ total }) => total !== null);
      if (points.length) lanes.push(pointsLane({ ...lane, points }));
      const ninth = reports.filter(({ ninth: answer }) => answer !== null).map((report) => ({ day: dayNumber(report.day), total: report.ninth, safety: report.ninth > 0, words: `${plainMoment(report.at)}, ninth question: ${report.ninth}` }));
      if (ninth.length) lanes.push(pointsLane({ name: `${lane.name}, question 9`, limits: [0, 3], height: 34, points: ninth }));
    }
    const marks = this.#about.marks.filter(({ kind }) => kind !== "speaking").map(({ day, until, kind, text, at }) => ({ day: dayNumber(day), last: until ? dayNumber(until) : null, kind, text: `${plainMoment(at)}, ${kindWords(kind)}: ${text}` }));
    if (marks.length) lanes.push(marksLane({ name: "Marks", marks }));
    return lanes;
  }

  // One day.

  #choose(day, tell = true) {
    this.#chosen = day;
    this.#lanes.mark(day);
    this.#calendar.mark(day);
    this.#part("day").hidden = day === null;
    if (day === null) return;
    this.#part("day-title").textContent = longDay(day);
    this.#part("day-words").textContent = this.#dayFigures(day);
    renew(this.#part("day-list"), [...this.#dayLinks(day), ...this.#dayMarks(day)]);
    if (tell) this.#part("spoken").textContent = this.#dayWords(day);
  }

  #dayWords(day) {
    return `${longDay(day)}: ${this.#dayFigures(day)}`;
  }

  #dayFigures(day) {
    const place = this.#days.numbers.indexOf(day);
    if (place < 0) return "Nothing was recorded.";
    const measure = this.#named(this.#measure);
    const coverage = this.#named("coverage")?.value[place];
    const value = measure?.value[place];
    const named = measure && measure.name !== "coverage";
    const interval = named && measure.low[place] !== measure.high[place] ? ` (90 % interval ${plainNumber(measure.low[place], 2)} to ${plainNumber(measure.high[place], 2)})` : "";
    const figure = !named ? "" : value === null ? ` ${measure.title}: not enough data.` : ` ${measure.title} ${plainNumber(value, 2)}${interval}.`;
    const apart = this.#days.apart[place] ? ` This day can't be compared with the others: ${this.#days.apart[place]}.` : "";
    return `${lengthWords(this.#days.minutes[place])} recorded, coverage ${percent(coverage)}.${apart}${figure}`;
  }

  #dayLinks(day) {
    const recordings = Object.entries(this.#recordings).find(([text]) => dayNumber(text) === day)?.[1] ?? [];
    return recordings.map(({ id, time, length_s: lengthS, coverage, origin, state, too_rarely: tooRarely }) => {
      const link = html("a", { href: `/${subjectPath(this.#code, "recordings", String(id))}` }, `${time}, ${clock(Math.round(lengthS))} long`);
      const words = [origin, coverage === null ? null : `coverage ${percent(coverage)}`, STATES[state], tooRarely].filter(Boolean).join(", ");
      return html("li", {}, link, html("span", { class: "faint small" }, ` ${words}`));
    });
  }

  #dayMarks(day) {
    const marks = this.#about.marks.filter((mark) => dayNumber(mark.day) === day).map(({ at, kind, text }) => `${at.slice(11)} ${kindWords(kind)}: ${text}`);
    const reports = this.#about.self_reports.filter((report) => dayNumber(report.day) === day).map(({ at, title, told, note }) => `${at.slice(11)} ${title} ${told}${note ? `: ${note}` : ""}`);
    return [...marks, ...reports].map((words) => html("li", {}, words));
  }

  // What people do.

  async #consent(event) {
    event.preventDefault();
    const { given_by: by, other, purpose, last_day: last } = event.target.elements;
    const signals = ["expression", ...new FormData(event.target).getAll("signals")];
    const body = { given_by: by.value === "other" ? other.value.trim() : by.value, purpose: purpose.value.trim(), signals, last_day: last.value || null };
    await this.#try("consent-error", async () => {
      await ask(subjectPath(this.#code, "consents"), { method: "POST", body });
      event.target.reset();
      await this.#reload();
      this.#part("spoken").textContent = "The consent was saved.";
    });
  }

  #withdraw() {
    this.#try("consent-error", async () => {
      await ask(subjectPath(this.#code, "consents"), { method: "DELETE" });
      await this.#reload();
      this.#part("spoken").textContent = "The consent was withdrawn.";
    });
  }

  /** Fetched first, so that what is wrong is said here and not saved as a file. */
  #fetchReport(link) {
    this.#part("report-making").textContent = "Writing the report…";
    this.#try("report-trouble", async () => {
      const report = await askFile(link.getAttribute("href"));
      const address = URL.createObjectURL(report);
      saveAddress(link.href.split("/").slice(-2).join("-"), address);
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    }).finally(() => {
      this.#part("report-making").textContent = "";
    });
  }

  #note(event) {
    event.preventDefault();
    const { kind, text, at, until } = event.target.elements;
    const body = { kind: kind.value, text: text.value.trim(), at: at.value || null, until: until.value || null };
    this.#try("note-error", async () => {
      await ask(subjectPath(this.#code, "annotations"), { method: "POST", body });
      event.target.reset();
      await this.#reload();
      this.#part("spoken").textContent = "The note was saved.";
    });
  }

  #showMarks() {
    const marks = this.#about.marks.map((mark) => ({ ...mark, what: "annotations", words: `${kindWords(mark.kind)}${mark.text ? `: ${mark.text}` : ""}` }));
    const reports = this.#about.self_reports.map((report) => ({ ...report, what: "self-reports", words: [`${report.title} ${report.told}`, report.ninth_text].filter(Boolean).join(". ") }));
    const newest = [...marks, ...reports].sort((one, other) => (one.at < other.at ? 1 : -1));
    renew(this.#part("marks"), newest.map((each) => this.#markRow(each)));
    this.#part("marks-room").hidden = !newest.length;
    this.#part("marks-count").textContent = `All notes and answers (${newest.length})`;
  }

  #markRow({ id, at, what, words, meant }) {
    const remove = html("button", { type: "button", class: "chip", "aria-label": `Remove ${words}` }, "Remove");
    remove.addEventListener("click", () =>
      this.#try("note-error", async () => {
        await ask(subjectPath(this.#code, what, String(id)), { method: "DELETE" });
        await this.#reload();
        this.#part("marks-count").focus();
      }),
    );
    return html("li", { class: "row", "data-id": `${what}/${id}` }, html("span", { class: "faint small" }, plainMoment(at)), html("span", { class: "grow" }, words), ...(meant ? [this.#repairButton(id, meant)] : []), remove);
  }

  // Kept under a mistyped name, it is missing among the others.
  #repairButton(id, scale) {
    const button = html("button", { type: "button", class: "chip" }, `It is ${SCALES[scale].title}`);
    button.addEventListener("click", () =>
      this.#try("note-error", async () => {
        await ask(subjectPath(this.#code, "self-reports", String(id), "scale"), { method: "POST", body: { scale } });
        await this.#reload();
        this.#part("marks-count").focus();
      }),
    );
    return button;
  }
}

/** The measures by their groups, in order: [title, measures]. */
export function grouped(measures) {
  const groups = new Map();
  for (const measure of measures) groups.set(measure.group, [...(groups.get(measure.group) ?? []), measure]);
  return [...groups];
}

/** What comes first where nothing is recorded yet. */
export function firstStep({ state }) {
  const tip = "Ten minutes a day, at about the same time and place, say more than an hour a week.";
  if (state === "valid") return `Consent is given. Press Record and start the camera. ${tip}`;
  const why = { withdrawn: "Consent was withdrawn: nothing can be recorded.", expired: "Consent has ended: record a new one in the card alongside before anything is recorded." };
  return why[state] ?? `First record the consent in the card alongside. A button to record then appears above. ${tip}`;
}

/** What a consent lets be stored: "expressions, and of the body heart, skin". @param body its groups, in words */
export function keptWords(signals, body) {
  const face = signals.includes("measures") ? "expressions, and what is measured on the face" : "expressions";
  const named = signals.filter((each) => each in body).map((each) => body[each]);
  return named.length ? `${face}; of the body ${named.join(", ")}` : face;
}

/** How long: "less than a minute", "1 minute", "12 minutes". */
export const lengthWords = (minutes) => (Math.round(minutes) < 1 ? "Less than a minute" : count(Math.round(minutes), "minute"));

/** From what to what a curve's lane goes: what its unit allows, no more than its values need. */
export function limitsOf({ unit, value, low, high }, usual) {
  const known = [...value, ...low, ...high, ...(usual ?? [])].filter((each) => each !== null);
  if (!known.length) return [0, 1];
  let [bottom, top] = [Math.min(...known), Math.max(...known)];
  const room = 0.08 * (top - bottom || Math.abs(top) || 1);
  [bottom, top] = [bottom >= 0 ? Math.max(0, bottom - room) : bottom - room, top + room];
  if (unit === "1") top = Math.min(1, top);
  if (unit === "-1 to 1") [bottom, top] = [Math.max(-1, Math.min(bottom, 0)), Math.min(1, Math.max(top, 0))];
  return [bottom, top];
}

customElements.define(
  "mien-subject",
  class extends HTMLElement {
    connectedCallback() {
      this.subject ??= new Subject(this);
    }

    disconnectedCallback() {
      this.subject.end();
    }
  },
);
