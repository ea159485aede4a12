// The page of a venue: its stations, one day, the usual week, the course of the days, marks, the kiosk's answers.

import { ask, askFile } from "./ask.js";
import { attempt } from "./attempt.js";
import { dayNumber, dayText, longDay, parts, plainMoment, shortDay, today } from "./dates.js";
import { barsLane, curveLane, Lanes, marksLane } from "./lanes.js";
import { upToNow } from "./questions.js";
import { saveAddress } from "./record.js";
import { html } from "./svg.js";
import { HoursChart, MEASURES, bars, binNames, coverageWords, face, hoursRows, limitsOf, longWords, signed, tile, week } from "./venue_charts.js";
import { count, percent } from "./words.js";

const LOOK_MS = 10_000; // how the stations are doing
const TODAY_MS = 60_000; // whether today has new cells
const API = "/api/v1/";

/** The path of a venue, or of something of it. */
export const venuePath = (venue, ...more) => ["venues", venue, ...more].map(encodeURIComponent).join("/");

/** What a station's state is called on its sign. */
export const STATES = {
  counting: "Counting",
  closed: "Closed now",
  off: "Off",
  unposted: "Notice not confirmed",
  starting: "Starting",
  away: "Camera away",
  failed: "Failed",
  stopped: "Not running",
};

/** A station's state as a sign. */
export function stateSign({ state }) {
  return html("span", { class: `sign-pill station-sign ${state}` }, STATES[state] ?? state);
}

/** What is to be done first, where nothing was counted yet; stations as the API gives them. */
export function nextStep(stations) {
  if (!stations.length) return "Add a station: a camera that counts visits.";
  if (stations.every(({ notice }) => notice === null)) return "Set up the station: draw where guests are counted, print the notice and hang it up, and confirm that it hangs. It counts only then.";
  if (stations.some(({ state }) => state === "counting")) return "It is counting now. The first figures come when at least ten visits are over, and a quarter of an hour.";
  return "Start counting: in the terminal, mien venue run.";
}

class Venue {
  #part;
  #config;
  #venues = [];
  #about = null; // the chosen venue
  #station = "";
  #day = null; // as text
  #shown = null; // the day as the API gives it
  #course = null;
  #week = null;
  #marks = [];
  #asked = 0;
  #lanes;
  #hours;
  #timers;

  constructor(root) {
    this.#part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.#config = JSON.parse(root.dataset.config);
    this.#lanes = new Lanes(this.#part("lanes"), { choose: (day) => this.#choose(dayText(day)), words: (day) => this.#dayWords(day) });
    this.#hours = new HoursChart(this.#part("hours"));
    this.#listen();
    upToNow(root);
    const wanted = new URLSearchParams(location.search);
    [this.#station, this.#day] = [wanted.get("station") ?? "", wanted.get("day")];
    this.#load(wanted.get("venue"));
    this.#timers = [setInterval(() => document.hidden || this.#look(), LOOK_MS), setInterval(() => document.hidden || this.#refresh(), TODAY_MS)];
  }

  /** The page is left. */
  end() {
    this.#timers.forEach(clearInterval);
  }

  #listen() {
    const part = this.#part;
    part("venue").addEventListener("change", () => this.#open(part("venue").value));
    part("station").addEventListener("change", () => {
      this.#station = part("station").value;
      this.#figures();
    });
    part("earlier").addEventListener("click", () => this.#choose(this.#shown?.earlier));
    part("later").addEventListener("click", () => this.#choose(this.#shown?.later));
    part("latest").addEventListener("click", () => this.#choose(this.#about.last_day));
    part("hours-measure").addEventListener("change", () => this.#drawHours());
    part("week-measure").addEventListener("change", () => this.#drawWeek());
    part("weeks").addEventListener("change", () => this.#try("trouble", () => this.#loadWeek()));
    part("span").addEventListener("change", () => this.#drawCourse());
    part("mark-form").addEventListener("submit", (event) => this.#mark(event));
    part("add-form").addEventListener("submit", (event) => this.#add(event));
    part("adding").addEventListener("toggle", () => part("adding").open && this.#listCameras());
  }

  #try(place, act) {
    return attempt(this.#part, place, act, null);
  }

  // What there is.

  #load(wanted) {
    return this.#try("trouble", async () => {
      const { venues, may_add: mayAdd } = await ask("venues");
      this.#venues = venues;
      this.#part("waiting").hidden = true;
      this.#part("adding").hidden = !mayAdd;
      this.#part("none").hidden = venues.length > 0;
      this.#part("adding").open ||= mayAdd && !venues.length;
      if (!venues.length) return;
      this.#part("venue").replaceChildren(...venues.map(({ name }) => new Option(name, name)));
      this.#part("venue-room").hidden = venues.length < 2;
      await this.#open(venues.some(({ name }) => name === wanted) ? wanted : venues[0].name, false);
    });
  }

  async #open(name, fresh = true) {
    this.#about = this.#venues.find((each) => each.name === name);
    this.#part("venue").value = name;
    this.#part("title").textContent = name;
    this.#part("add-form").elements.venue.value ||= name;
    if (fresh) [this.#station, this.#day] = ["", null];
    const stations = this.#about.stations.map((each) => each.name);
    if (!stations.includes(this.#station)) this.#station = "";
    this.#part("station").replaceChildren(new Option("all", ""), ...stations.map((each) => new Option(each, each)));
    this.#part("station").value = this.#station;
    this.#part("station-room").hidden = stations.length < 2;
    this.#showAbout();
    await this.#figures();
  }

  #showAbout() {
    const { stations, simulated, last_day: last } = this.#about;
    this.#part("simulated").hidden = !simulated;
    const focused = document.activeElement?.dataset?.station;
    this.#part("stations").replaceChildren(...stations.map((station) => this.#stationRow(station)));
    if (focused) this.#part("stations").querySelector(`[data-station="${focused}"]`)?.focus();
    this.#part("figures").hidden = last === null;
    this.#part("no-figures").hidden = last !== null;
    this.#part("next-step").textContent = nextStep(stations);
    this.#part("latest").hidden = this.#day === null || this.#day === last;
  }

  #stationRow(station) {
    const { venue, name, words, enabled } = station;
    const turn = html("button", { type: "button", class: "chip", "data-station": name, "aria-label": `${enabled ? "Turn off" : "Turn on"} ${name}` }, enabled ? "Turn off" : "Turn on");
    turn.addEventListener("click", () =>
      this.#try("trouble", async () => {
        turn.disabled = true;
        const now = await ask(venuePath(venue, "stations", name, "switch"), { method: "POST", body: { on: !enabled } });
        this.#part("spoken").textContent = `${name}: ${now.words}`;
        await this.#look();
      }),
    );
    const setUp = html("a", { class: "button chip-link", href: `/venue/${encodeURIComponent(venue)}/${encodeURIComponent(name)}/setup`, "aria-label": `Set up ${name}` }, "Set up");
    return html("li", { class: "station-row" }, html("b", {}, name), stateSign(station), html("span", { class: "faint small station-words" }, words), html("span", { class: "station-acts" }, this.#about.simulated ? null : turn, this.#about.simulated ? null : setUp));
  }

  async #look() {
    if (!this.#about) return;
    await this.#try("trouble", async () => {
      const { venues } = await ask("venues");
      const before = this.#about.last_day;
      this.#venues = venues;
      this.#about = venues.find(({ name }) => name === this.#about.name) ?? this.#about;
      this.#showAbout();
      if (this.#about.last_day !== before) await this.#figures();
    });
  }

  async #refresh() {
    if (this.#about?.last_day && this.#shown?.day === dayText(today())) await this.#try("trouble", () => this.#loadDay());
  }

  #query(more = {}) {
    const asked = new URLSearchParams({ ...(this.#station ? { station: this.#station } : {}), ...more }).toString();
    return asked ? `?${asked}` : "";
  }

  // Figures, the day first.

  #figures() {
    if (this.#about.last_day === null) return null;
    this.#showDownloads();
    return this.#try("trouble", async () => {
      await this.#loadDay();
      const asked = this.#asked;
      const [course] = await Promise.all([ask(venuePath(this.#about.name, "course") + this.#query()), this.#loadWeek(), this.#loadMarks()]);
      if (asked !== this.#asked && course.days.length === 0) return;
      this.#course = { ...course, numbers: course.days.map(dayNumber) };
      this.#drawCourse();
    });
  }

  async #loadDay() {
    const asked = ++this.#asked;
    const day = this.#day ?? this.#about.last_day;
    const shown = await ask(venuePath(this.#about.name, "day") + this.#query({ day }));
    if (asked !== this.#asked) return; // another one was chosen meanwhile
    this.#shown = shown;
    this.#showDay();
  }

  async #choose(day) {
    if (!day || day === this.#shown?.day) return;
    this.#day = day;
    this.#lanes.mark(dayNumber(day));
    await this.#try("trouble", () => this.#loadDay());
    this.#part("spoken").textContent = `${this.#part("day-title").textContent}. ${this.#part("coverage").textContent}`;
    this.#showDownloads();
  }

  #showDay() {
    const { day, earlier, later, figures, hours, usual, findings } = this.#shown;
    history.replaceState(null, "", `?${new URLSearchParams({ venue: this.#about.name, ...(this.#station ? { station: this.#station } : {}), day })}`);
    const number = dayNumber(day);
    this.#part("day-title").textContent = number === today() ? `Today, ${longDay(number)}` : longDay(number);
    this.#part("earlier").disabled = !earlier;
    this.#part("later").disabled = !later;
    this.#part("latest").hidden = day === this.#about.last_day;
    this.#part("coverage").textContent = figures ? coverageWords(figures) : "";
    for (const part of ["tiles", "hours-room"]) this.#part(part).hidden = !figures;
    this.#part("day-none").hidden = figures !== null;
    this.#part("findings").replaceChildren(...findings.map((text) => html("li", { class: "finding change" }, html("b", { class: "sign-pill" }, "Unusual"), html("span", {}, text))));
    this.#part("findings").hidden = !findings.length;
    if (figures) this.#part("tiles").replaceChildren(...this.#tiles(figures, usual));
    this.#part("hours-table").replaceChildren(...hoursRows(hours));
    this.#drawHours();
    this.#showMix(figures);
    this.#showAnswers();
    this.#lanes.mark(number);
  }

  #tiles({ visits, smiling, valence, change, length_s: lengthS }, usual) {
    const weekday = usual ? `Usual: ${count(usual.days, usual.weekday)} before` : null;
    return [
      tile({ name: "Visits", value: visits, usual: usual?.visits, words: (value) => String(Math.round(value)), help: weekday }),
      tile({ name: "With a smile", value: smiling?.value, interval: smiling, usual: usual?.smiling, words: percent }),
      tile({ name: "Valence", value: valence?.value, interval: valence, usual: usual?.valence, words: signed, help: "−1 unpleasant, +1 pleasant" }),
      tile({ name: "From arrival to leaving", value: change?.value, interval: change, words: signed, help: change ? changeWords(change) : null }),
      tile({ name: "Length of a visit", value: lengthS, words: longWords, help: "on average" }),
    ];
  }

  #drawHours() {
    if (!this.#shown) return;
    const measure = this.#part("hours-measure").value;
    this.#part("hours-key").textContent = MEASURES[measure].name;
    this.#hours.draw(this.#shown.hours, measure);
  }

  #showMix(figures) {
    const { labels } = this.#config;
    const shares = labels.filter((label) => figures?.shares[label]).map((label) => ({ name: label, share: figures.shares[label].value, ...figures.shares[label], words: percent(figures.shares[label].value), colour: `emotion-${label}` }));
    this.#part("mix").replaceChildren(...(shares.length ? bars(shares) : [html("li", { class: "faint" }, "Not known.")]));
    const names = binNames(this.#shown.length_bins_s);
    const lengths = figures?.lengths ?? [];
    const [all, most] = [lengths.reduce((sum, each) => sum + each, 0), Math.max(...lengths, 1)];
    this.#part("lengths").replaceChildren(...(all ? bars(lengths.map((each, i) => ({ name: names[i], share: each / all, words: percent(each / all) })), most / all) : [html("li", { class: "faint" }, "Not known.")]));
  }

  #showAnswers() {
    const { answers } = this.#shown;
    this.#part("answers-none").hidden = answers !== null;
    const all = answers ? answers.counts.reduce((sum, each) => sum + each, 0) : 0;
    const rows = answers ? bars([...answers.words.keys()].reverse().map((i) => ({ name: answers.words[i], share: answers.counts[i] / all, words: String(answers.counts[i]) }))) : [];
    rows.forEach((row, i) => row.prepend(face(4 - i)));
    this.#part("answers").replaceChildren(...rows);
  }

  // The usual week.

  async #loadWeek() {
    this.#week = await ask(venuePath(this.#about.name, "week") + this.#query({ weeks: this.#part("weeks").value }));
    this.#drawWeek();
  }

  #drawWeek() {
    if (!this.#week) return;
    const measure = this.#part("week-measure").value;
    const drawn = week(this.#week.cells, measure);
    this.#part("week").replaceChildren(...(drawn?.rows ?? []));
    this.#part("week-low").textContent = drawn ? drawn.low : "";
    this.#part("week-high").textContent = drawn ? drawn.high : "";
    const { first_day: first, last_day: last } = this.#week;
    const unit = { smiling: "Percent of the visits with a smile", valence: "Valence, −1 to +1", visits: "Visits an hour on such a day" }[measure];
    this.#part("week-words").textContent = drawn ? `${unit}, ${shortDay(dayNumber(first))} to ${shortDay(dayNumber(last))}. An empty hour had too few visits.` : "Too few visits for a week yet.";
  }

  // The days.

  #drawCourse() {
    if (!this.#course?.numbers.length) return;
    const { numbers, visits, coverage, agreement } = this.#course;
    const last = numbers.at(-1);
    const first = Math.max(numbers[0], last - Number(this.#part("span").value) + 1);
    const [from, to] = last - first < 13 ? [last - 13, last] : [first, last];
    const shown = (list) => list.filter((_, i) => numbers[i] >= from);
    const curve = (name, measure, height, list) => {
      const limits = limitsOf(shown(list), MEASURES[measure]);
      const of = (key) => list.map((each) => each?.[key] ?? null);
      return curveLane({ name, height, days: numbers, value: of("value"), low: of("low"), high: of("high"), limits, tick: MEASURES[measure].tick });
    };
    const most = Math.max(...shown(visits).map((each) => each ?? 0), 1);
    const lanes = [
      barsLane({ name: "Coverage", height: 32, days: numbers, value: coverage }),
      barsLane({ name: "Visits", height: 48, days: numbers, value: visits.map((each) => (each === null ? null : each / most)), top: String(most) }),
      curve("Smiling", "smiling", 96, this.#course.smiling),
      curve("Valence", "valence", 80, this.#course.valence),
    ];
    if (this.#course.good.some(Boolean)) lanes.push(curve("Kiosk, good", "smiling", 72, this.#course.good));
    const marks = this.#marks.map(({ day, until, at, text }) => ({ day: dayNumber(day), last: until ? dayNumber(until) : null, kind: "event", text: `${plainMoment(at)}: ${text}` }));
    if (marks.length) lanes.push(marksLane({ name: "Marks", marks }));
    this.#lanes.show(from, to, numbers, lanes);
    if (this.#shown) this.#lanes.mark(dayNumber(this.#shown.day));
    this.#part("agreement").textContent = agreement ?? "";
    this.#part("kiosk-card").hidden = !this.#course.good.some(Boolean) && this.#shown?.answers === null;
  }

  #dayWords(day) {
    const place = this.#course?.numbers.indexOf(day) ?? -1;
    if (place < 0) return `${longDay(day)}: nothing was counted.`;
    const { visits, smiling } = this.#course;
    const smile = smiling[place] ? `, ${percent(smiling[place].value)} with a smile (${percent(smiling[place].low)} to ${percent(smiling[place].high)})` : "";
    return `${longDay(day)}: ${visits[place] === null ? "too few visits" : count(visits[place], "visit")}${smile}.`;
  }

  // Marks.

  async #loadMarks() {
    this.#marks = await ask(venuePath(this.#about.name, "marks") + this.#query());
    this.#part("marks").replaceChildren(...[...this.#marks].reverse().map((mark) => this.#markRow(mark)));
    this.#part("no-marks").hidden = this.#marks.length > 0;
  }

  #markRow({ id, at, until, text, effects }) {
    const remove = html("button", { type: "button", class: "chip", "aria-label": `Remove the mark ${text}` }, "Remove");
    remove.addEventListener("click", () =>
      this.#try("mark-error", async () => {
        await ask(venuePath(this.#about.name, "marks", String(id)), { method: "DELETE" });
        await this.#loadMarks();
        this.#drawCourse();
        this.#part("marking").querySelector("summary").focus();
      }),
    );
    const when = `${until ? "" : "since "}${plainMoment(at)}${until ? ` to ${plainMoment(until)}` : ""}`;
    return html("li", {}, html("div", { class: "row" }, html("b", {}, text), html("span", { class: "faint small" }, when), html("span", { class: "spring" }), remove), ...effects.map(({ words }) => html("p", { class: "small" }, words)));
  }

  #mark(event) {
    event.preventDefault();
    const { text, at, until } = event.target.elements;
    this.#try("mark-error", async () => {
      await ask(venuePath(this.#about.name, "marks"), { method: "POST", body: { text: text.value.trim(), at: at.value || null, until: until.value || null } });
      event.target.reset();
      await this.#loadMarks();
      this.#drawCourse();
      this.#part("spoken").textContent = "The mark was kept.";
    });
  }

  // A new station.

  #listCameras() {
    return this.#try("add-error", async () => {
      const cameras = await ask("cameras");
      this.#part("cameras").replaceChildren(...cameras.map(({ where, name }) => html("option", { value: where }, name)));
    });
  }

  #add(event) {
    event.preventDefault();
    const { venue, name, source } = event.target.elements;
    this.#try("add-error", async () => {
      const added = await ask(venuePath(venue.value.trim(), "stations"), { method: "POST", body: { name: name.value.trim(), source: source.value.trim() } });
      location.assign(`/venue/${encodeURIComponent(added.venue)}/${encodeURIComponent(added.name)}/setup`);
    });
  }

  // What may be taken away.

  #showDownloads() {
    const day = this.#day ?? this.#about.last_day;
    const links = [
      ["Report of the day (PDF)", "report.pdf", { day, span: "day" }],
      ["Report of the week (PDF)", "report.pdf", { day, span: "week" }],
      ["All figures (CSV)", "cells.csv", {}],
    ];
    this.#part("downloads").replaceChildren(...links.map(([words, file, asked]) => {
      const link = html("a", { href: `${API}${venuePath(this.#about.name, file)}${this.#query(asked)}`, download: "" }, words);
      link.addEventListener("click", (event) => {
        event.preventDefault();
        this.#fetch(link, `${this.#about.name}-${asked.span ? `${asked.span}-${day}` : "figures"}.${file.split(".")[1]}`);
      });
      return html("li", {}, link);
    }));
  }

  async #fetch(link, name) {
    this.#part("making").textContent = "Writing it…";
    await this.#try("download-trouble", async () => {
      const address = URL.createObjectURL(await askFile(link.href));
      saveAddress(name, address);
      setTimeout(() => URL.revokeObjectURL(address), 1000);
    });
    this.#part("making").textContent = "";
  }
}

/** Whether faces became more pleasant, in words. */
export function changeWords({ low, high }) {
  if (low > 0) return "more pleasant at leaving";
  return high < 0 ? "less pleasant at leaving" : "no clear change";
}

customElements.define(
  "mien-venue",
  class extends HTMLElement {
    connectedCallback() {
      this.venue ??= new Venue(this);
    }

    disconnectedCallback() {
      this.venue?.end();
    }
  },
);
