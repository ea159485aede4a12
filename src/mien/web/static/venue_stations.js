// A venue's stations: how each is doing, its switch, and how one is added.

import { ask } from "./api.js";
import { attempt } from "./refusals.js";
import { html, renew } from "./svg.js";

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

/** A station's state as a sign; one without a camera is a kiosk alone. */
export function stateSign({ state, source }) {
  return html("span", { class: `sign-pill station-sign ${state}` }, source ? (STATES[state] ?? state) : "Kiosk alone");
}

/** What is to be done first, where nothing was counted yet; stations as the API gives them. */
export function nextStep(stations) {
  if (!stations.length) return "Add a station: a camera that counts visits.";
  const cameras = stations.filter(({ source }) => source);
  if (cameras.length && cameras.every(({ notice }) => notice === null)) return "Set up the station: draw where guests are counted, print the notice and hang it up, and confirm that it hangs. It counts only then.";
  if (stations.some(({ state }) => state === "counting")) return "It is counting now. The first figures come when at least ten visits are over, and a quarter of an hour.";
  if (stations.some(({ state }) => ["closed", "off", "starting", "away", "failed"].includes(state))) return "Nothing is read just now: how each station is doing stands above.";
  if (!cameras.length) return "The first figures come when there are at least ten answers, and a quarter of an hour is over.";
  return "Start counting: in the terminal, mien venue run.";
}

export class Stations {
  #part;
  #changed;

  /** @param part finds an element by its name; @param changed is called when one was turned on or off */
  constructor(part, changed) {
    this.#part = part;
    this.#changed = changed;
    part("add-form").addEventListener("submit", (event) => this.#add(event));
    part("adding").addEventListener("toggle", () => part("adding").open && this.#listCameras());
  }

  /** @param stations as the API gives them; @param simulated whether nobody was ever there */
  show(stations, simulated) {
    const focused = document.activeElement?.dataset?.station;
    renew(this.#part("stations"), stations.map((station) => this.#row(station, simulated)));
    if (focused) this.#part("stations").querySelector(`[data-station="${focused}"]`)?.focus();
  }

  #row(station, simulated) {
    const { venue, name, words, enabled } = station;
    const turn = html("button", { type: "button", class: "chip", "data-station": name, "aria-label": `${enabled ? "Turn off" : "Turn on"} ${name}` }, enabled ? "Turn off" : "Turn on");
    turn.addEventListener("click", () =>
      attempt(this.#part, "trouble", async () => {
        turn.disabled = true;
        const now = await ask(venuePath(venue, "stations", name, "switch"), { method: "POST", body: { on: !enabled } });
        this.#part("spoken").textContent = `${name}: ${now.words}`;
        await this.#changed();
      }, null),
    );
    const setUp = html("a", { class: "button chip-link", href: `/venue/${encodeURIComponent(venue)}/${encodeURIComponent(name)}/setup`, "aria-label": `Set up ${name}` }, "Set up");
    return html("li", { class: "station-row" }, html("b", {}, name), stateSign(station), html("span", { class: "faint small station-words" }, words), html("span", { class: "station-acts" }, ...(simulated ? [] : [turn, setUp])));
  }

  #listCameras() {
    return attempt(this.#part, "add-error", async () => {
      const cameras = await ask("cameras");
      this.#part("cameras").replaceChildren(...cameras.map(({ where, name }) => html("option", { value: where }, name)));
    }, null);
  }

  #add(event) {
    event.preventDefault();
    const { venue, name, source } = event.target.elements;
    attempt(this.#part, "add-error", async () => {
      const added = await ask(venuePath(venue.value.trim(), "stations"), { method: "POST", body: { name: name.value.trim(), source: source.value.trim() } });
      location.assign(`/venue/${encodeURIComponent(added.venue)}/${encodeURIComponent(added.name)}/setup`);
    }, null);
  }
}
