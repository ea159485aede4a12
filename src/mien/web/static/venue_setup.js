// Setting a station up: zones on the picture, opening hours, the notice, and the switch.

import { Refused, ask, askFile } from "./api.js";
import { attempt } from "./refusals.js";
import { plainMoment } from "./dates.js";
import { html } from "./svg.js";
import { stateSign, venuePath } from "./venue_stations.js";
import { ZoneEditor, warning } from "./zones.js";

const LOOK_MS = 5000;
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const OPENS = "11:00";
const CLOSES = "22:00";

/** What is wrong with a stretch of opening hours; null when nothing is. */
export function hoursProblem({ days, opens, closes }) {
  if (!days.length) return "Choose at least one day.";
  if (!opens || !closes) return "Choose when it opens and closes.";
  if (closes !== "00:00" && closes <= opens) return "These hours end before they begin. Past midnight: two stretches, one until 00:00, one from 00:00 on the next day.";
  return null;
}

class Setup {
  #part;
  #path; // of the station, with what follows
  #station = null;
  #editor;
  #address = null; // of the picture
  #timer;

  constructor(root) {
    this.#part = (name) => root.querySelector(`[data-part="${name}"]`);
    const { venue, station } = JSON.parse(root.dataset.config);
    this.#path = (...more) => venuePath(venue, "stations", station, ...more);
    this.#editor = new ZoneEditor(this.#part("zones"), this.#part("zone-list"), () => this.#zonesChanged());
    this.#listen();
    this.#load();
    this.#timer = setInterval(() => document.hidden || this.#look(), LOOK_MS);
    window.addEventListener("beforeunload", (event) => {
      if (!this.#part("save-zones").disabled || !this.#part("save-hours").disabled) event.preventDefault();
    });
  }

  /** The page is left. */
  end() {
    clearInterval(this.#timer);
    if (this.#address) URL.revokeObjectURL(this.#address);
  }

  #listen() {
    const part = this.#part;
    part("use").addEventListener("change", (event) => (this.#editor.use = event.target.value));
    part("add-zone").addEventListener("click", () => this.#editor.add());
    part("save-zones").addEventListener("click", () => this.#saveZones());
    part("undo-zones").addEventListener("click", () => this.#showZones());
    part("new-picture").addEventListener("click", () => this.#picture());
    part("add-hours").addEventListener("click", () => {
      part("hours-list").append(this.#hoursRow({ days: [0, 1, 2, 3, 4, 5, 6], opens: OPENS, closes: CLOSES }));
      this.#hoursChanged();
      part("hours-list").lastElementChild.querySelector("input").focus();
    });
    part("hours-form").addEventListener("input", () => this.#hoursChanged());
    part("hours-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#saveHours();
    });
    part("notice-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#change("notice-error", "notice", { posted: true });
    });
    part("switch").addEventListener("change", () => this.#change("trouble", "switch", { on: part("switch").checked }));
  }

  #try(place, act) {
    return attempt(this.#part, place, act, null);
  }

  async #load() {
    await this.#try("trouble", async () => {
      this.#station = await ask(this.#path());
      this.#part("waiting").hidden = true;
      this.#part("all").hidden = false;
      this.#part("switch-room").hidden = false;
      const { source } = this.#station;
      for (const card of ["zones-card", "notice-card"]) this.#part(card).hidden = !source;
      this.#show();
      this.#showZones();
      this.#showHours();
      if (source) await this.#picture();
    });
  }

  async #look() {
    if (!this.#station) return;
    await this.#try("trouble", async () => {
      const { state, words, enabled, notice } = await ask(this.#path());
      Object.assign(this.#station, { state, words, enabled, notice });
      this.#show();
    });
  }

  /** Change something by a small request; the server tells how the station then stands. */
  #change(place, what, body) {
    return this.#try(place, async () => {
      Object.assign(this.#station, await ask(this.#path(what), { method: "POST", body }));
      this.#part("spoken").textContent = this.#station.words;
    }).finally(() => this.#show());
  }

  #show() {
    const { state, source, words, enabled, notice, zones, hours } = this.#station;
    this.#part("state").replaceChildren(stateSign({ state, source }));
    this.#part("words").textContent = words;
    this.#part("switch").checked = enabled;
    this.#part("switch-words").textContent = enabled ? "On" : "Off";
    this.#part("notice-words").textContent = notice ? `Confirmed on ${plainMoment(notice)}.` : "It is not confirmed yet: nothing is read before it is.";
    this.#part("notice-form").hidden = notice !== null;
    this.#part("run-words").textContent = state === "stopped" && source ? "Not running here. Start it in the terminal: mien venue run. The page then shows what it counts." : words;
    const done = { zones: zones.length > 0, hours: hours.length > 0, notice: notice !== null, run: state === "counting" || state === "closed" };
    for (const [name, is] of Object.entries(done)) this.#part(`${name}-step`).classList.toggle("done", is);
  }

  // The picture and its zones.

  async #picture() {
    const [picture, none] = [this.#part("picture"), this.#part("no-picture")];
    none.hidden = false;
    none.textContent = "Asking the camera for a picture…";
    try {
      const address = URL.createObjectURL(await askFile(`/api/v1/${this.#path("picture.jpg")}`));
      picture.src = address;
      await picture.decode();
      this.#part("stage").style.setProperty("--ratio", picture.naturalWidth / picture.naturalHeight);
      if (this.#address) URL.revokeObjectURL(this.#address);
      this.#address = address;
      picture.hidden = false;
      none.hidden = true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      none.textContent = `${error.message} Zones can be drawn all the same.`;
      none.hidden = !picture.hidden;
    }
  }

  #showZones() {
    this.#editor.show(this.#station.zones);
    this.#zonesChanged();
  }

  #zonesChanged() {
    const { zones } = this.#editor;
    const same = JSON.stringify(zones) === JSON.stringify(this.#station.zones.map(({ use, corners }) => ({ use, corners })));
    for (const button of ["save-zones", "undo-zones"]) this.#part(button).disabled = same;
    this.#part("zones-said").textContent = same ? "" : "Not saved yet.";
    this.#part("no-zones").hidden = zones.length > 0;
    const words = warning(zones);
    this.#part("zones-warning").hidden = words === null;
    this.#part("zones-warning").textContent = words ?? "";
  }

  #saveZones() {
    return this.#try("zones-error", async () => {
      Object.assign(this.#station, await ask(this.#path("zones"), { method: "PUT", body: { zones: this.#editor.zones } }));
      this.#showZones();
      this.#show();
      this.#part("zones-said").textContent = "Saved; they hold from now on.";
    });
  }

  // Opening hours.

  #showHours() {
    this.#part("hours-list").replaceChildren(...this.#station.hours.map((each) => this.#hoursRow(each)));
    this.#hoursChanged();
  }

  #hoursRow({ days, opens, closes }) {
    const boxes = DAYS.map((name, day) => html("label", {}, html("input", { type: "checkbox", value: day, ...(days.includes(day) ? { checked: "" } : {}) }), html("span", {}, name)));
    const remove = html("button", { type: "button", class: "chip", "aria-label": "Remove these hours" }, "Remove");
    const time = (name, value, words) => html("label", { class: "field" }, words, html("input", { type: "time", name, value, required: "" }));
    const row = html(
      "li",
      {},
      html("fieldset", { class: "weekdays" }, html("legend", { class: "unseen" }, "Days"), ...boxes),
      html("div", { class: "row" }, time("opens", opens, "from"), time("closes", closes, "to"), html("span", { class: "spring" }), remove),
    );
    remove.addEventListener("click", () => {
      row.remove();
      this.#hoursChanged();
      this.#part("add-hours").focus();
    });
    return row;
  }

  #hours() {
    return [...this.#part("hours-list").children].map((row) => ({
      days: [...row.querySelectorAll("input:checked")].map(({ value }) => Number(value)),
      opens: row.querySelector("[name=opens]").value,
      closes: row.querySelector("[name=closes]").value,
    }));
  }

  #hoursChanged() {
    const hours = this.#hours();
    const kept = this.#station.hours.map(({ days, opens, closes }) => ({ days, opens, closes }));
    const same = JSON.stringify(hours) === JSON.stringify(kept);
    this.#part("save-hours").disabled = same;
    this.#part("hours-said").textContent = same ? "" : "Not saved yet.";
    this.#part("always").hidden = hours.length > 0;
    this.#part("hours-error").textContent = "";
  }

  #saveHours() {
    const hours = this.#hours();
    const problem = hours.map(hoursProblem).find(Boolean);
    if (problem) {
      this.#part("hours-error").textContent = problem;
      return null;
    }
    return this.#try("hours-error", async () => {
      Object.assign(this.#station, await ask(this.#path("hours"), { method: "PUT", body: { hours } }));
      this.#showHours();
      this.#show();
      this.#part("hours-said").textContent = "Saved; they hold from now on.";
    });
  }
}

customElements.define(
  "mien-venue-setup",
  class extends HTMLElement {
    connectedCallback() {
      this.setup ??= new Setup(this);
    }

    disconnectedCallback() {
      this.setup?.end();
    }
  },
);
