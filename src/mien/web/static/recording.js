// A recording's page: its timeline, notes at a moment, and a video of one's own that plays in step with it.

import { ask, subjectPath } from "./api.js";
import { dayNumber, longDay } from "./dates.js";
import { RecordingChart } from "./recording_chart.js";
import { attempt, leave } from "./refusals.js";
import { html } from "./svg.js";
import { STATES, clock, count, kindWords, percent, sentence } from "./wording.js";

const LOOK_MS = 10_000;

const tenths = (timeS) => clock(Math.round(10 * timeS) / 10);

class Recording {
  #part;
  #config;
  #data = null;
  #chart;
  #address = null; // of the video's object
  #timer;
  #partial = 0;
  #moving = false; // the next part of the timeline is on its way

  constructor(root) {
    this.#part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.#config = JSON.parse(root.dataset.config);
    this.#chart = new RecordingChart(this.#part("tape"), {
      seek: (timeS) => {
        this.#seek(timeS);
        this.#keepInView();
      },
      tell: (words, place) => this.#tell(words, place),
    }, this.#part("body"));
    this.#listen();
    this.#load();
    this.#timer = setInterval(() => document.hidden || this.#look(), LOOK_MS);
    window.addEventListener("focus", () => this.#look());
    window.mien = { recording: { chart: this.#chart, look: () => this.#look() } };
  }

  /** The page is left. */
  end() {
    clearInterval(this.#timer);
    if (this.#address) URL.revokeObjectURL(this.#address);
  }

  #listen() {
    const part = this.#part;
    part("span").addEventListener("change", () => this.#show());
    part("choose").addEventListener("click", () => part("file").click());
    part("file").addEventListener("change", () => this.#play(part("file").files[0]));
    part("note-form").addEventListener("submit", (event) => this.#note(event));
    part("erase").addEventListener("click", () => this.#askToErase());
    part("erase-sure").addEventListener("close", ({ target }) => target.returnValue === "erase" && this.#erase());
    part("offset").addEventListener("change", () => this.#seek(this.#chart.nowS));
    const video = part("video");
    const follow = () => this.#chart.at(video.currentTime + this.#offset());
    const play = () => {
      follow();
      this.#keepInView();
      if (!video.paused && !video.ended) requestAnimationFrame(play);
    };
    video.addEventListener("play", play);
    for (const event of ["pause", "ended"]) video.addEventListener(event, follow);
    video.addEventListener("error", () => {
      if (video.hidden || !video.src) return;
      part("video-error").textContent = "This browser can't play that file. The timeline works without it.";
    });
  }

  #path(...more) {
    return subjectPath(this.#config.code, "recordings", String(this.#config.number), ...more);
  }

  async #load() {
    await this.#try("trouble", async () => {
      this.#data = await ask(this.#path());
      this.#part("waiting").hidden = true;
      this.#showAbout();
      this.#showMarks();
      this.#showEvents();
      await this.#show();
      const courses = await ask(this.#path("signals"));
      this.#chart.loadBody(courses, this.#config.measures);
      this.#part("body-help").hidden = !courses.length;
    });
  }

  async #look() {
    if (this.#data) await this.#try("trouble", () => ask(subjectPath(this.#config.code, "pulse")));
  }

  async #try(place, act) {
    await attempt(this.#part, place, act, () => this.#gone());
  }

  #gone() {
    this.end();
    this.#data = null;
    leave(this.#part, "/subjects");
  }

  // What is shown.

  #showAbout() {
    const { day, time, kind, length_s: lengthS, coverage, origin, state, frames, version, models, seldom_found: seldom, too_rarely: tooRarely } = this.#data;
    this.#part("title").textContent = `${longDay(dayNumber(day))}, ${time}`;
    this.#part("simulated").hidden = kind !== "simulated";
    this.#part("state").hidden = !(state in STATES);
    this.#part("state").textContent = sentence(STATES[state] ?? "");
    const from = kind === "simulated" ? "" : ` From ${origin}.`;
    this.#part("about").textContent = `${tenths(lengthS)} long, ${count(frames, "frame")} read, coverage ${percent(coverage)}.${from}`;
    const network = models.network?.name ? ` with the network ${models.network.name} (${String(models.network.sha256).slice(0, 12)})` : "";
    this.#part("origin").textContent = `Read by Mien ${version}${network}.`;
    this.#part("seldom").textContent = seldom;
    this.#part("rarely").hidden = !tooRarely;
    this.#part("rarely").textContent = tooRarely ? `This recording was ${tooRarely}.` : "";
  }

  /** The chosen span, around the chosen moment; what is shown of it comes thinned from the server. */
  async #show(around = this.#chart.nowS) {
    const spanS = Number(this.#part("span").value);
    if (!spanS || spanS >= this.#data.length_s) {
      this.#chart.load(this.#data);
      return;
    }
    const startS = Math.max(0, Math.min(around - spanS / 2, this.#data.length_s - spanS));
    const asked = ++this.#partial;
    const part = await ask(`${this.#path()}?start_s=${startS.toFixed(3)}&end_s=${(startS + spanS).toFixed(3)}`);
    if (asked === this.#partial) this.#chart.load({ ...this.#data, series: part.series });
  }

  /** The shown part moves on with the moment; one step at a time. */
  async #keepInView() {
    const spanS = Number(this.#part("span").value);
    const [fromS, toS] = this.#chart.shown;
    const { nowS } = this.#chart;
    if (!spanS || this.#moving || (nowS >= fromS && nowS <= toS)) return;
    this.#moving = true;
    await this.#try("trouble", () => this.#show(nowS + 0.4 * spanS));
    this.#moving = false;
    if (this.#chart.nowS !== nowS) this.#keepInView(); // a key was pressed meanwhile
  }

  #tell(words, place) {
    this.#part("moment").textContent = words;
    this.#part("note-at").textContent = tenths(this.#chart.nowS);
    const shares = place === null ? null : this.#chart.shares(place);
    [...this.#part("bars").children].forEach((row, i) => {
      const share = shares?.[i] ?? null;
      row.querySelector(".bar-fill").style.transform = `scaleX(${(share ?? 0).toFixed(3)})`;
      row.querySelector(".bar-value").textContent = percent(share);
    });
  }

  #showMarks() {
    const sorted = [...this.#data.marks].sort((one, other) => one.from_s - other.from_s);
    this.#part("marks").replaceChildren(...sorted.map((mark) => this.#markRow(mark)));
  }

  #markRow({ id, from_s: fromS, to_s: toS, kind, text }) {
    const go = html("button", { type: "button", class: "link" }, toS ? `${tenths(fromS)}–${tenths(toS)}` : tenths(fromS));
    go.addEventListener("click", () => this.#go(fromS));
    const remove = html("button", { type: "button", class: "chip", "aria-label": `Remove ${kindWords(kind)} ${text}` }, "Remove");
    remove.addEventListener("click", () =>
      this.#try("note-error", async () => {
        await ask(subjectPath(this.#config.code, "annotations", String(id)), { method: "DELETE" });
        await this.#load();
      }),
    );
    return html("li", { class: "row" }, go, html("span", { class: "grow" }, `${kindWords(kind)}${text ? `: ${text}` : ""}`), remove);
  }

  #showEvents() {
    const { events } = this.#data;
    const counts = new Map();
    for (const { kind } of events) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const counted = [...counts].map(([kind, many]) => count(many, kind));
    this.#part("found").textContent = counted.length ? `${counted.join(", ")}.` : "No episodes or smiles were found.";
    this.#part("events-room").hidden = !events.length;
    this.#part("events").replaceChildren(
      ...events.slice(0, 500).map(({ kind, label, onset_s: fromS, offset_s: toS, peak }) => {
        const go = html("button", { type: "button", class: "link" }, tenths(fromS));
        go.addEventListener("click", () => this.#go(fromS));
        return html("li", {}, go, ` ${kind === "episode" ? `episode of ${label}` : kind}, ${(toS - fromS).toFixed(1)} s, peak ${peak.toFixed(2)}`);
      }),
    );
  }

  // What people do.

  #go(timeS) {
    this.#chart.at(timeS);
    this.#seek(timeS);
    this.#keepInView();
  }

  #offset() {
    return Number(this.#part("offset").value) || 0;
  }

  #seek(timeS) {
    const video = this.#part("video");
    if (!video.hidden) video.currentTime = Math.max(0, timeS - this.#offset());
  }

  #play(file) {
    if (!file) return;
    const video = this.#part("video");
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#address = URL.createObjectURL(file);
    this.#part("video-error").textContent = "";
    this.#part("offset-room").hidden = false;
    video.hidden = false;
    video.src = this.#address;
    video.addEventListener("loadedmetadata", () => this.#weigh(video), { once: true });
  }

  /** A video of quite another length is another one, most likely. */
  #weigh(video) {
    this.#seek(this.#chart.nowS);
    const apartS = Math.abs(video.duration - this.#data.length_s);
    if (apartS > 2 + 0.02 * this.#data.length_s) this.#part("video-error").textContent = `That video is ${tenths(video.duration)} long, the recording ${tenths(this.#data.length_s)}: is it the right one?`;
  }

  #askToErase() {
    const sure = this.#part("erase-sure");
    sure.returnValue = ""; // the last answer would stay when this question is closed by a key
    sure.showModal();
  }

  #erase() {
    this.#try("erase-error", async () => {
      await ask(this.#path(), { method: "DELETE" });
      location.assign(`/subjects/${encodeURIComponent(this.#config.code)}`);
    });
  }

  #note(event) {
    event.preventDefault();
    const { kind, text, lasts } = event.target.elements;
    const fromS = this.#chart.nowS;
    const body = { kind: kind.value, text: text.value.trim(), recording: this.#config.number, from_s: fromS, to_s: lasts.value ? fromS + Number(lasts.value) : null };
    this.#try("note-error", async () => {
      await ask(subjectPath(this.#config.code, "annotations"), { method: "POST", body });
      event.target.reset();
      await this.#load();
      this.#part("spoken").textContent = "The note was saved.";
    });
  }
}

customElements.define(
  "mien-recording",
  class extends HTMLElement {
    connectedCallback() {
      this.recording ??= new Recording(this);
    }

    disconnectedCallback() {
      this.recording.end();
    }
  },
);
