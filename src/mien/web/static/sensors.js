// The body's sensors on the live view: how each is doing, its newest waves, its measures under the timeline.

import { ask } from "./api.js";
import { fitted, colours } from "./colours.js";
import { SignalLanes, lanesOf } from "./signal_lanes.js";
import { retryAfterMs, sayHere, socketUrl } from "./sockets.js";
import { html, plainNumber } from "./svg.js";
import { sensorWords, sentence, unitWords } from "./wording.js";

const KEPT_S = 600; // of figures
const WAVE_S = 5; // of waves
const SLOT_S = 5; // figures of several sensors that are nearer together are of one moment
const OPEN_WAVES = 6; // channels; the others wait in a fold
const KINDS = ["ecg", "ppg", "eda", "respiration", "emg", "eeg", "eog", "rate", "intervals", "temperature", "other", "acceleration"];

const seconds = (iso) => Date.parse(iso) / 1000;

export class Sensors {
  #part;
  #measures;
  #say;
  #lanes;
  #socket = null;
  #attempt = 0;
  #retryMs = 0; // not before then
  #aheadS = 0; // of this page's clock to the server's
  #figures = new Map(); // by sensor, signal, measure and end
  #waves = new Map(); // by sensor and channel
  #rows = new Map(); // by sensor: its elements
  #states = new Map(); // by sensor: what was said of it last
  #changed = false;

  /**
   * @param part finds an element by its name
   * @param measures how each measure is shown; see mien.signals.wording
   * @param say speaks
   */
  constructor(part, measures, say) {
    this.#part = part;
    this.#measures = measures;
    this.#say = say;
    this.#lanes = new SignalLanes(part("body"));
    part("body").addEventListener("toggle", () => (this.#changed = true), true);
    part("rest").addEventListener("click", () => this.#rest());
    part("sensor-form")?.addEventListener("submit", (event) => this.#add(event));
    part("sensor-look")?.addEventListener("click", () => this.#look());
  }

  /** Since when there are figures, in ms; null where there are none. */
  get sinceMs() {
    const firsts = this.#lanes.lanes.filter(({ cells }) => cells.length).map(({ cells }) => cells[0].from);
    return firsts.length ? 1000 * Math.min(...firsts) : null;
  }

  /** Ask what sensors there are, and listen to them; now and then. */
  async list() {
    const answer = await fetch("/api/v1/signals").catch(() => null);
    const sensors = answer?.ok ? await answer.json() : [];
    if (!this.#socket || !sensors.length) this.#tell(sensors);
    if (sensors.length && !this.#socket && Date.now() >= this.#retryMs) this.#connect();
    if (!sensors.length && answer?.ok) this.#socket?.close();
  }

  /** Let go of the connection. */
  stop() {
    this.#socket?.close();
  }

  /** Draw the lanes. @param axis {from, to, names} of the timeline, in seconds */
  draw(axis) {
    if (this.#changed) {
      this.#changed = false;
      this.#lanes.show(lanesOf([...this.#figures.values()], this.#measures, SLOT_S));
    }
    this.#lanes.draw(axis);
  }

  #connect() {
    const socket = new WebSocket(socketUrl("/ws/signals"));
    this.#socket = socket;
    socket.onopen = () => sayHere(socket);
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onclose = () => {
      this.#socket = null;
      this.#retryMs = Date.now() + retryAfterMs(this.#attempt++);
    };
  }

  #hear(message) {
    if (message.type === "sensors") {
      this.#attempt = 0;
      this.#tell(message.sensors);
    } else if (message.type === "history") {
      this.#aheadS = Date.now() / 1000 - seconds(message.now);
      this.#figures.clear();
      this.#waves.clear();
      message.readings.forEach((reading) => this.#keep(reading));
    } else if (message.type === "together") this.#tellTogether(message.said);
    else this.#keep(message);
  }

  /** Keep what a reading says: its figures for the lanes, its waves for the eye. */
  #keep({ source, figures, now, arousal, waves = [] }) {
    const newer = new Set(now.map(({ signal, measure }) => `${signal} ${measure}`));
    const slow = figures.filter(({ signal, measure }) => !newer.has(`${signal} ${measure}`));
    const body = arousal && figures.length ? [{ ...figures[0], signal: source, measure: "arousal", unit: "", value: arousal.value, quality: Math.max(0, 1 - (arousal.high - arousal.low)) }] : [];
    for (const each of [...now, ...slow, ...body]) this.#keepFigure(source, each);
    const oldestS = Date.now() / 1000 - KEPT_S;
    for (const [key, { to }] of this.#figures) if (to < oldestS) this.#figures.delete(key);
    for (const wave of waves) this.#keepWave(source, wave);
    if (waves.length) this.#drawWaves(source);
  }

  #keepFigure(source, { start, end, ...figure }) {
    const key = [source, figure.signal, figure.measure, end].join("\n");
    if (this.#figures.has(key)) return;
    const [from, to] = [seconds(start) + this.#aheadS, seconds(end) + this.#aheadS];
    this.#figures.set(key, { ...figure, from, to });
    this.#changed = true;
  }

  #keepWave(source, { channel, kind, unit, start, step_s: stepS, low, high }) {
    const key = `${source}\n${channel}`;
    const wave = this.#waves.get(key) ?? { source, channel, kind, unit, bins: [] };
    const startS = seconds(start);
    low.forEach((value, i) => wave.bins.push([startS + i * stepS, value, high[i]]));
    const lastS = wave.bins.at(-1)?.[0] ?? startS;
    wave.bins = wave.bins.filter(([timeS]) => timeS > lastS - WAVE_S);
    this.#waves.set(key, wave);
  }

  // What the page says of them.

  #tell(sensors) {
    const part = this.#part;
    part("no-sensors").hidden = sensors.length > 0;
    part("sensors").hidden = !sensors.length;
    if (!sensors.length) this.#tellTogether([]);
    part("sensors-card").hidden = !sensors.length && !part("sensor-form");
    const rest = sensors.find((each) => each.rest)?.rest;
    part("rest-room").hidden = !rest;
    const words = rest ? `Body arousal is ${rest.startsWith("not") ? "" : "measured "}${rest}.` : "";
    if (part("rest-words").textContent !== words) part("rest-words").textContent = words;
    for (const [name, { row }] of this.#rows) {
      if (sensors.some((each) => each.name === name)) continue;
      row.remove();
      this.#rows.delete(name);
      this.#forget(name);
    }
    for (const sensor of sensors) this.#tellOf(sensor);
  }

  /** @param said how face and body go together, a line for each pair */
  #tellTogether(said) {
    this.#part("together").replaceChildren(...said.map((line) => html("li", {}, sentence(line))));
    this.#part("together-room").hidden = !said.length;
  }

  #tellOf(sensor) {
    const { name, channels } = sensor;
    if (!this.#rows.has(name)) {
      this.#rows.set(name, this.#newRow(sensor));
      this.#part("sensors").append(this.#rows.get(name).row);
    }
    const row = this.#rows.get(name);
    const words = sensorWords(sensor);
    row.row.dataset.state = sensor.state;
    if (row.state.textContent !== words) {
      row.state.textContent = words;
      if (this.#states.has(name) && sensor.state !== "running") this.#say(`${name}: ${words}`);
      this.#states.set(name, words);
    }
    const listed = channels.map((each) => each.name).join("\n");
    if (row.listed === listed) return;
    row.listed = listed;
    const sorted = [...channels].sort((one, other) => KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind));
    row.waves = new Map(sorted.map((channel) => [channel.name, newWave(channel)]));
    const cells = [...row.waves.values()].map(({ cell }) => cell);
    row.open.replaceChildren(...cells.slice(0, OPEN_WAVES));
    row.fold.replaceChildren(...cells.slice(OPEN_WAVES));
    row.more.hidden = cells.length <= OPEN_WAVES;
    row.more.querySelector("summary").textContent = `More channels (${cells.length - OPEN_WAVES})`;
  }

  #newRow({ name, where }) {
    const state = html("span", { class: "sensor-state" });
    const [open, fold] = [html("ul", { class: "waves", "aria-label": `Channels of ${name}` }), html("ul", { class: "waves", "aria-label": `More channels of ${name}` })];
    const more = html("details", { class: "more", hidden: true }, html("summary", {}), fold);
    more.addEventListener("toggle", () => this.#drawWaves(name));
    const remove = this.#part("sensor-form") && html("button", { type: "button", class: "chip", "aria-label": `Remove ${name}` }, "Remove");
    remove?.addEventListener("click", () => this.#remove(name));
    const title = html("p", { class: "row" }, html("strong", {}, name), ...(where === name ? [] : [html("span", { class: "faint small where" }, where)]), state, html("span", { class: "spring" }), remove);
    return { row: html("li", {}, title, open, more), state, open, fold, more, waves: new Map() };
  }

  #forget(name) {
    this.#states.delete(name);
    for (const kept of [this.#figures, this.#waves]) for (const key of kept.keys()) if (key.startsWith(`${name}\n`)) kept.delete(key);
    this.#changed = true;
  }

  #drawWaves(source) {
    for (const [channel, { canvas, words }] of this.#rows.get(source)?.waves ?? []) {
      const wave = this.#waves.get(`${source}\n${channel}`);
      if (wave && canvas.clientWidth && !canvas.closest("details:not([open])")) drawWave(canvas, words, wave);
    }
  }

  // What people do.

  async #add(event) {
    event.preventDefault();
    await this.#try(async () => {
      const { name } = await ask("signals", { method: "POST", body: { where: event.target.elements.where.value.trim() } });
      event.target.reset();
      this.#say(`${name} was added`);
      await this.list();
    });
  }

  async #remove(name) {
    await this.#try(async () => {
      await ask(`signals/${encodeURIComponent(name)}`, { method: "DELETE" });
      this.#say(`${name} was removed`);
      this.#part("sensor-more").querySelector("summary").focus();
      await this.list();
    });
  }

  async #rest() {
    await this.#try(async () => {
      const { said } = await ask("signals/rest", { method: "POST" });
      this.#part("rest-words").textContent = `Body arousal is ${said}.`;
      this.#say("Rest starts now");
    });
  }

  /** List what can be found; a press takes its address over. */
  async #look() {
    const [button, list, words] = ["sensor-look", "sensors-found", "found-words"].map(this.#part);
    button.disabled = true;
    words.textContent = "Looking for sensors nearby…";
    list.replaceChildren();
    await this.#try(async () => {
      const { streams, straps, boards, notes } = await ask("signals/found");
      const found = [...streams, ...straps];
      const none = found.length ? [] : ["No stream and no strap was found. Is it switched on, and does its program send?"];
      words.textContent = [...none, ...notes.map((note) => `${sentence(note)}.`)].join(" ");
      list.replaceChildren(...found.map((each) => this.#foundRow(each)));
      this.#part("boards").replaceChildren(...boards.map((where) => html("option", { value: where })));
    });
    if (words.textContent.endsWith("…")) words.textContent = "";
    button.disabled = false;
  }

  #foundRow({ where, detail }) {
    const take = html("button", { type: "button", class: "chip" }, where);
    take.addEventListener("click", () => {
      const field = this.#part("sensor-form").elements.where;
      field.value = where;
      field.focus();
    });
    return html("li", {}, take, html("span", { class: "faint small" }, ` ${detail}`));
  }

  async #try(act) {
    this.#part("sensor-error").textContent = "";
    try {
      await act();
    } catch (error) {
      this.#part("sensor-error").textContent = sentence(error.message);
    }
  }
}

function newWave({ name, kind, unit }) {
  const canvas = html("canvas", { "aria-hidden": "true" });
  const words = html("span", { class: "faint small" }, "no values yet");
  const cell = html("li", { title: kind }, html("span", { class: "wave-name small" }, name, html("span", { class: "faint" }, unit ? ` ${unitWords(unit)}` : "")), canvas, words);
  return { cell, canvas, words };
}

/** The newest seconds of a channel, and between which values it went. */
function drawWave(canvas, words, { bins }) {
  const { pen, width, height } = fitted(canvas);
  pen.clearRect(0, 0, width, height);
  const known = bins.filter(([, low]) => low !== null);
  const [low, high] = [Math.min(...known.map(([, least]) => least)), Math.max(...known.map(([, , most]) => most))];
  const text = known.length ? `${plainNumber(low)} to ${plainNumber(high)}` : "no values";
  if (words.textContent !== text) words.textContent = text;
  if (!known.length) return;
  const lastS = bins.at(-1)[0];
  const x = (timeS) => width * (1 - (lastS - timeS) / WAVE_S);
  const room = high - low || Math.abs(high) || 1;
  const y = (value) => 2 + (height - 4) * (high === low ? 0.5 : (high - value) / room);
  pen.strokeStyle = colours().accent;
  pen.lineWidth = 1.3;
  pen.lineJoin = "round";
  pen.beginPath();
  let before = null;
  for (const [timeS, least, most] of bins) {
    if (least !== null) {
      if (before === null) pen.moveTo(x(timeS), y(least));
      else pen.lineTo(x(timeS), y(least));
      pen.lineTo(x(timeS), y(most));
    }
    before = least;
  }
  pen.stroke();
}
