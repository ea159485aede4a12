// The page of a venue: its stations, one day, the usual week, the course of the days, marks, the kiosk's answers.

import { ask, askFile } from "./api.js";
import { attempt } from "./refusals.js";
import { dayNumber, dayText, longDay, parts, plainDay, plainMoment, shortDay, today } from "./dates.js";
import { barsLane, curveLane, Lanes, marksLane } from "./lanes.js";
import { upToNow } from "./questionnaires.js";
import { saveAddress } from "./downloads.js";
import { html } from "./svg.js";
import { HoursChart, MEASURES, WEEKDAYS, bars, binNames, coverageWords, face, hoursRows, limitsOf, longWords, rangeWords, signed, tile, week } from "./venue_charts.js";
import { Stations, nextStep, venuePath } from "./venue_stations.js";
import { agreementWords, changeWords, effectWords } from "./venue_wording.js";
import { count, percent } from "./wording.js";

const LOOK_MS = 10_000; // how the stations are doing
const TODAY_MS = 60_000; // whether today has new cells
const RECENT_DAYS = 14;
const API = "/api/v1/";

class Venue {
  #part;
  #config;
  #venues = [];
  #about = null; // the chosen venue
  #station = "";
  #day = null; // as text
  #shown = null; // the summary of the day
  #course = null; // the summary of the weeks; numbers: its days as numbers
  #asked = 0;
  #stations;
  #lanes;
  #hours;
  #timers;

  constructor(root) {
    this.#part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.#config = JSON.parse(root.dataset.config);
    this.#stations = new Stations(this.#part, () => this.#look());
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
      this.#course = null;
      this.#figures();
    });
    part("earlier").addEventListener("click", () => this.#choose(this.#beside(-1)));
    part("later").addEventListener("click", () => this.#choose(this.#beside(1)));
    part("latest").addEventListener("click", () => this.#choose(this.#about.last_day));
    part("hours-measure").addEventListener("change", () => this.#drawHours());
    part("week-measure").addEventListener("change", () => this.#drawWeek());
    part("span").addEventListener("change", () => this.#try("trouble", () => this.#loadCourse()));
    part("mark-form").addEventListener("submit", (event) => this.#mark(event));
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
    this.#shown = this.#course = null;
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
    this.#stations.show(stations, simulated);
    this.#part("figures").hidden = this.#shown === null;
    this.#part("no-figures").hidden = last !== null;
    this.#part("next-step").textContent = nextStep(stations);
    this.#part("latest").hidden = this.#day === null || this.#day === last;
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
    if (this.#about?.last_day && this.#shown?.last === dayText(today())) await this.#try("trouble", () => this.#loadDay());
  }

  // Figures, the day first.

  #summary(first, last) {
    const station = this.#station ? { station: this.#station } : {};
    return ask(`${venuePath(this.#about.name, "summary")}?${new URLSearchParams({ first, last, ...station })}`);
  }

  /** The days that are shown together, up to today where figures are recent: what is changed now belongs to them. */
  #span() {
    const known = dayNumber(this.#about.last_day);
    const last = today() - known < RECENT_DAYS ? Math.max(known, today()) : known;
    return { first: dayText(last - Number(this.#part("span").value) + 1), last: dayText(last) };
  }

  #figures() {
    if (this.#about.last_day === null) return null;
    this.#part("waiting").hidden = this.#shown !== null;
    return this.#try("trouble", async () => {
      await this.#loadDay();
      this.#part("waiting").hidden = true;
      await this.#loadCourse();
    });
  }

  async #loadDay() {
    const asked = ++this.#asked;
    const day = this.#day ?? this.#about.last_day;
    const shown = await this.#summary(day, day);
    if (asked !== this.#asked) return; // another one was chosen meanwhile
    this.#shown = shown;
    this.#showDay();
  }

  async #loadCourse() {
    const [name, station] = [this.#about.name, this.#station];
    const { first, last } = this.#span();
    const course = await this.#summary(first, last);
    if (this.#about.name !== name || this.#station !== station) return; // another one was chosen meanwhile
    const known = course.days.filter(({ figures, answers }) => figures || answers);
    this.#course = { ...course, known, numbers: known.map(({ day }) => dayNumber(day)) };
    this.#drawWeek();
    this.#drawCourse();
    this.#showMarks();
    this.#showDay();
  }

  /** The day with figures before or after the shown one; null without one. */
  #beside(way) {
    if (!this.#course || !this.#shown) return null;
    const own = dayNumber(this.#shown.last);
    const days = this.#course.numbers.filter((day) => (day - own) * way > 0);
    return days.length ? dayText(way > 0 ? days[0] : days.at(-1)) : null;
  }

  async #choose(day) {
    if (!day || day === this.#shown?.last) return;
    this.#day = day;
    this.#lanes.mark(dayNumber(day));
    await this.#try("trouble", () => this.#loadDay());
    this.#part("spoken").textContent = `${this.#part("day-title").textContent}. ${this.#part("coverage").textContent}`;
  }

  #showDay() {
    this.#part("figures").hidden = false;
    const { last: day, whole, hours, usual } = this.#shown;
    history.replaceState(null, "", `?${new URLSearchParams({ venue: this.#about.name, ...(this.#station ? { station: this.#station } : {}), day })}`);
    const number = dayNumber(day);
    this.#part("day-title").textContent = number === today() ? `Today, ${longDay(number)}` : longDay(number);
    this.#part("earlier").disabled = this.#beside(-1) === null;
    this.#part("later").disabled = this.#beside(1) === null;
    this.#part("latest").hidden = day === this.#about.last_day;
    this.#part("coverage").textContent = whole ? coverageWords(whole) : "";
    for (const part of ["tiles", "hours-room"]) this.#part(part).hidden = !whole;
    this.#part("day-none").hidden = whole !== null;
    this.#part("usual-words").textContent = usual.length ? `Usual is what ${WEEKDAYS[parts(number).weekday]}s of the eight weeks before were like at the same hours: nine days in ten are within the range in brackets.` : "What is usual is not known yet: it takes some weeks.";
    this.#part("usual-words").hidden = !whole;
    if (whole) this.#part("tiles").replaceChildren(...this.#tiles(whole, usual));
    this.#part("hours-table").replaceChildren(...hoursRows(hours));
    this.#drawHours();
    this.#showMix(whole);
    this.#showAnswers();
    this.#showDownloads(day);
    this.#lanes.mark(number);
  }

  #tiles({ visits, smiling, valence, change, length_s: lengthS }, usual) {
    const compared = (measure) => usual.find((each) => each.measure === measure);
    return [
      tile({ name: "Visits", value: visits, usual: compared("visits_per_h"), words: String, usually: (value) => `${Math.max(0, Math.round(value))}\u00a0an hour` }),
      tile({ name: "With a smile", value: smiling.value, interval: smiling, usual: compared("smiling"), words: percent }),
      tile({ name: "Valence", value: valence.value, interval: valence, usual: compared("valence"), words: signed, help: "−1 unpleasant, +1 pleasant" }),
      tile({ name: "Arrival to leaving", value: change.value, interval: change, usual: compared("change"), words: signed, help: changeWords(change) }),
      tile({ name: "Length of a visit", value: lengthS, usual: compared("length_s"), words: longWords }),
    ];
  }

  #drawHours() {
    if (!this.#shown) return;
    const measure = this.#part("hours-measure").value;
    this.#part("hours-key").textContent = MEASURES[measure].name;
    this.#hours.draw(this.#shown.hours, measure);
  }

  #showMix(figures) {
    const known = this.#config.labels.filter((label) => figures?.shares[label]).map((label) => [label, figures.shares[label]]);
    const shares = known.map(([label, { value, low, high }]) => ({ name: label, share: value, low, high, words: percent(value), colour: `emotion-${label}` }));
    this.#part("mix").replaceChildren(...(shares.length ? bars(shares) : [html("li", { class: "faint" }, "Not known.")]));
    const names = binNames(this.#shown.lengths_s);
    const lengths = figures?.lengths ?? [];
    const [all, most] = [lengths.reduce((sum, each) => sum + each, 0), Math.max(...lengths, 1)];
    this.#part("lengths").replaceChildren(...(all ? bars(lengths.map((each, i) => ({ name: names[i], share: each / all, words: percent(each / all) })), most / all) : [html("li", { class: "faint" }, "Not known.")]));
  }

  #showAnswers() {
    const { answers, answer_names: names } = this.#shown;
    this.#part("answers-day").textContent = longDay(dayNumber(this.#shown.last));
    this.#part("answers-none").hidden = answers !== null;
    const rows = answers ? bars(names.map((name, i) => ({ name, share: answers.counts[i] / answers.answers, words: String(answers.counts[i]) })).reverse()) : [];
    rows.forEach((row, i) => row.prepend(face(names.length - 1 - i)));
    this.#part("answers").replaceChildren(...rows);
    this.#part("kiosk-card").hidden = answers === null && !this.#course?.answers;
  }

  // The weeks.

  #drawWeek() {
    if (!this.#course) return;
    const measure = this.#part("week-measure").value;
    const { week: slots, first, last } = this.#course;
    const drawn = week(slots, measure);
    this.#part("week").replaceChildren(...(drawn?.rows ?? []));
    this.#part("week-key").hidden = drawn === null;
    this.#part("week-low").textContent = drawn?.low ?? "";
    this.#part("week-high").textContent = drawn?.high ?? "";
    const unit = { smiling: "Percent of the visits with a smile", valence: "Valence, −1 unpleasant to +1 pleasant", visits: "Visits an hour" }[measure];
    this.#part("week-words").textContent = drawn ? `${unit}, ${shortDay(dayNumber(first))} to ${plainDay(dayNumber(last))}. An empty hour was closed, or had too few visits.` : "Too few visits for a week yet.";
  }

  #drawCourse() {
    const { known, numbers, agreement, agreement_days: days, answers, marks } = this.#course;
    if (!numbers.length) return;
    const last = numbers.at(-1);
    const first = Math.min(numbers[0], last - 13);
    const curve = (name, measure, height, list) => {
      const of = (key) => list.map((each) => each?.[key] ?? null);
      return curveLane({ name, height, days: numbers, value: of("value"), low: of("low"), high: of("high"), limits: limitsOf(list, MEASURES[measure]), tick: MEASURES[measure].tick });
    };
    const visits = known.map(({ figures }) => figures?.visits ?? null);
    const most = Math.max(...visits, 1);
    const lanes = [
      barsLane({ name: "Coverage", height: 32, days: numbers, value: known.map(({ figures }) => figures?.seen ?? null) }),
      barsLane({ name: "Visits", height: 48, days: numbers, value: visits.map((each) => (each === null ? null : each / most)), top: String(most) }),
      curve("Smiling", "smiling", 104, known.map(({ figures }) => figures?.smiling ?? null)),
      curve("Valence", "valence", 104, known.map(({ figures }) => figures?.valence ?? null)),
    ];
    if (answers) lanes.push(curve("Kiosk, good", "smiling", 72, known.map((each) => each.answers?.good ?? null)));
    const shown = marks.map(({ at, until, text }) => ({ day: dayNumber(at), last: until ? dayNumber(until) : null, kind: "event", text: `${plainMoment(at)}: ${text}` }));
    if (shown.length) lanes.push(marksLane({ name: "Changes", marks: shown }));
    this.#lanes.show(first, last, numbers, lanes);
    if (this.#shown) this.#lanes.mark(dayNumber(this.#shown.last));
    this.#part("agreement").textContent = answers ? agreementWords(agreement, days) : "";
  }

  #dayWords(day) {
    const place = this.#course?.numbers.indexOf(day) ?? -1;
    const figures = place < 0 ? null : this.#course.known[place].figures;
    if (!figures) return `${longDay(day)}: nothing is known.`;
    const { visits, smiling } = figures;
    return `${longDay(day)}: ${count(visits, "visit")}, ${percent(smiling.value)} with a smile (${rangeWords(smiling, percent)}).`;
  }

  // What was changed.

  #showMarks() {
    const { marks, levels } = this.#course;
    this.#part("marks").replaceChildren(...[...marks].reverse().map((mark) => this.#markRow(mark)));
    this.#part("no-marks").hidden = marks.length > 0;
    this.#part("levels").replaceChildren(...levels.words.map((words) => html("li", { class: levels.changes.length ? "small" : "small faint" }, words)));
  }

  #markRow(mark) {
    const { id, at, until, text } = mark;
    const remove = html("button", { type: "button", class: "chip", "aria-label": `Remove the change ${text}` }, "Remove");
    remove.addEventListener("click", () =>
      this.#try("mark-error", async () => {
        await ask(venuePath(this.#about.name, "marks", String(id)), { method: "DELETE" });
        await this.#loadCourse();
        this.#part("marking").querySelector("summary").focus();
      }),
    );
    const when = `${until ? "" : "since "}${plainMoment(at)}${until ? ` to ${plainMoment(until)}` : ""}`;
    return html("li", {}, html("div", { class: "row" }, html("b", { class: "grow" }, text), remove), html("p", { class: "faint small" }, when), ...effectWords(mark).map(({ words, sure }) => html("p", { class: sure ? "small sure" : "small faint" }, words)));
  }

  #mark(event) {
    event.preventDefault();
    const { text, at, until } = event.target.elements;
    this.#try("mark-error", async () => {
      await ask(venuePath(this.#about.name, "marks"), { method: "POST", body: { text: text.value.trim(), at: at.value || null, until: until.value || null } });
      event.target.reset();
      await this.#loadCourse();
      this.#part("spoken").textContent = "The change was kept.";
    });
  }

  // What may be taken away.

  #showDownloads(day) {
    const files = [
      ["Report of the day", "report.pdf", { last: day, span: "day" }, `day-${day}`],
      ["Report of the week", "report.pdf", { last: day, span: "week" }, `week-${day}`],
      ["Figures by the day, as CSV", "figures.csv", this.#span(), "days"],
      ["Figures by the hour, as CSV", "figures.csv", { ...this.#span(), by: "hour" }, "hours"],
    ];
    const station = this.#station ? { station: this.#station } : {};
    this.#part("downloads").replaceChildren(...files.map(([words, file, asked, end]) => {
      const link = html("a", { href: `${API}${venuePath(this.#about.name, file)}?${new URLSearchParams({ ...asked, ...station })}`, download: "" }, words);
      link.addEventListener("click", (event) => {
        event.preventDefault();
        this.#fetch(link.href, `${this.#about.name}-${end}.${file.split(".")[1]}`);
      });
      return html("li", {}, link);
    }));
  }

  async #fetch(address, name) {
    this.#part("making").textContent = "Writing it…";
    await this.#try("download-trouble", async () => {
      const file = URL.createObjectURL(await askFile(address));
      saveAddress(name, file);
      setTimeout(() => URL.revokeObjectURL(file), 10_000);
    });
    this.#part("making").textContent = "";
  }
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
