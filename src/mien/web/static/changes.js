// What has changed, in words; the person's own baseline; and how seldom a false alarm may come.

import { ask, subjectPath } from "./api.js";
import { dayNumber, plainDay } from "./dates.js";
import { html } from "./svg.js";
import { count } from "./wording.js";

const KINDS = { network: "Network", light: "Light", camera: "Camera", coverage: "Coverage", change: "Change", promise: "Caution", not_ready: "Not yet" };
const CONDITIONS = new Set(["network", "light", "camera", "coverage"]);
const CHARTS = { ewma: "EWMA", cusum: "CUSUM" };
const HIGHER = { 1: "higher", "-1": "lower" };

export class Changes {
  #part;
  #code;
  #redraw;
  #known = null;
  #measure = null;
  #asked = 0;

  /** @param redraw is called when charts have come */
  constructor(part, code, redraw) {
    this.#part = part;
    this.#code = code;
    this.#redraw = redraw;
    part("false-alarms").addEventListener("change", () => this.#setFalseAlarms());
    part("baseline-form").addEventListener("submit", (event) => this.#takeBaseline(event));
  }

  /** Ask the server, which may have to compute first. */
  async load(about, measure) {
    const select = this.#part("false-alarms");
    const days = about.false_alarm_days;
    if (days && ![...select.options].some(({ value }) => Number(value) === days)) select.append(new Option(`about every ${count(days, "day")}`, days));
    select.value = days ?? "";
    select.disabled = !about.may_choose_alarms;
    await this.choose(measure);
  }

  async choose(measure) {
    this.#measure = measure;
    const asked = ++this.#asked;
    const known = await ask(`${subjectPath(this.#code, "changes")}?measure=${encodeURIComponent(measure)}`);
    if (asked !== this.#asked) return; // another measure was chosen meanwhile
    this.#known = known;
    this.#show();
    this.#redraw();
  }

  /** From what to what a measure usually is; null before there is a baseline. */
  usual(measure) {
    return (this.#known?.measure === measure && this.#known.usual) || null;
  }

  /** The charts of a measure, for the lanes. */
  charts(measure) {
    if (!this.#known || this.#known.measure !== measure) return [];
    return this.#known.charts.map(({ kind, days, statistic, limit, alarms }) => ({
      name: CHARTS[kind],
      days: days.map(dayNumber),
      statistic,
      upper: days.map(() => limit),
      lower: days.map(() => -limit),
      alarms: alarms.map(({ day, since, over, direction }) => ({ day: dayNumber(day), words: `${CHARTS[kind]}: ${HIGHER[direction]} than usual since ${plainDay(dayNumber(since))}${over ? `, over since ${plainDay(dayNumber(over))}` : ""}` })),
    }));
  }

  #show() {
    const { findings, baseline, false_alarm_days: days, charts } = this.#known;
    const { conditions, now, over } = arranged(findings);
    this.#part("conditions").replaceChildren(...conditions.map(finding));
    this.#part("conditions").hidden = !conditions.length;
    this.#part("findings").replaceChildren(...now.map(finding));
    this.#part("over").replaceChildren(...over.map(finding));
    this.#part("over-room").hidden = !over.length;
    this.#part("over-count").textContent = `Changes that are over (${over.length})`;
    this.#part("no-finding").hidden = now.length > 0;
    this.#part("no-finding").textContent = days ? `No current change that can be told apart from chance (a false alarm about once in ${count(days, "day")}). This does not mean that nothing has changed.` : "";
    this.#part("no-alarms").hidden = days !== null;
    this.#part("chart-note").hidden = !charts.length;
    this.#part("baseline-words").textContent = baseline.words;
    const { start, end } = this.#part("baseline-form").elements;
    if (!start.value) [start.value, end.value] = [baseline.start ?? "", baseline.end ?? ""];
  }

  #setFalseAlarms() {
    const days = this.#part("false-alarms").value;
    this.#try("alarm-error", () => ask("false-alarms", { method: "POST", body: { days: days ? Number(days) : null } }));
  }

  #takeBaseline(event) {
    event.preventDefault();
    const { start, end } = event.target.elements;
    const body = { start: start.value || null, end: end.value || null };
    this.#try("alarm-error", () => ask(subjectPath(this.#code, "baseline"), { method: "POST", body }));
  }

  async #try(place, act) {
    this.#part(place).textContent = "";
    try {
      await act();
      await this.choose(this.#measure);
    } catch (error) {
      this.#part(place).textContent = error.message;
    }
  }
}

/** What is read first: how the days were filmed, whether over or not; then what is now; what is over is folded. */
export function arranged(findings) {
  const conditions = findings.filter(({ kind }) => CONDITIONS.has(kind));
  const others = findings.filter(({ kind }) => !CONDITIONS.has(kind));
  return { conditions, now: others.filter(({ over }) => !over), over: others.filter(({ over }) => over) };
}

function finding({ kind, text, advice }) {
  const more = advice ? html("p", { class: "advice" }, advice) : null;
  return html("li", { class: `finding ${kind}` }, html("b", { class: "sign-pill" }, KINDS[kind] ?? kind), html("span", {}, text), more);
}
