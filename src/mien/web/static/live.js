// The live view: starts and stops what is looked at, and says how it is doing.

import { Camera, cameraTrouble, noCameraHere } from "./camera.js";
import { CameraIndicator, isCamera } from "./camera_indicator.js";
import { save, saveAddress, saveCanvas } from "./downloads.js";
import { listenForKeys } from "./keyboard.js";
import { LiveRecording } from "./live_recording.js";
import { OwnNeutral } from "./own_neutral.js";
import { PurposePanel } from "./purpose.js";
import { ReadingView } from "./reading_view.js";
import { ReadingsTable } from "./readings_table.js";
import { ServerSource } from "./server_source.js";
import { Sensors } from "./sensors.js";
import { Session } from "./session.js";
import { SessionSummary } from "./session_summary.js";
import { isThisMachine } from "./sockets.js";
import { SourceRemoval } from "./source_removal.js";
import { addSource, firstToShow, history, listSources, serverSources } from "./sources.js";
import { Stats } from "./stats.js";
import { NO_FACE, advice, afterWords, isOver, percent, statusWords, tooFew } from "./wording.js";

const TICK_MS = 500; // numbers and timeline
const ASK_MS = 5000; // what sources there are
const NO_FACE_AFTER_MS = 1500;
const JUDGED_AFTER_MS = 3000; // a rate is judged by so much of the time at least

const PANEL = {
  browser: ["Before the camera starts", "Start the camera", "Your browser will also ask whether this page may use the camera."],
  server: ["Before you look", "Show it", "This source belongs to the program and keeps running when you leave this page."],
};

/** A moment as it stands in a file's name. */
const stamp = () => new Date().toISOString().slice(0, 19).replaceAll(":", "-");

class Live {
  stats = new Stats();
  state;
  #part;
  #feed = null; // what is looked at
  #shown = null; // "browser" or "server" and the name of what is, or was last looked at
  #phase = "off"; // off, starting, running, paused
  #pending = null; // the newest reading that isn't drawn yet
  #status = null; // the source's, as the server says
  #trouble = null;
  #server = []; // the server's sources
  #session = new Session();
  #sinceMs = 0; // when it was started, or went on
  #skipped = 0; // pictures of the camera that weren't sent; stays when it is off

  constructor(root) {
    const config = JSON.parse(root.dataset.config);
    this.#part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.state = this.#window();
    this.view = new ReadingView(root, this.#part, config);
    this.table = new ReadingsTable(config);
    this.view.body = this.sensors = new Sensors(this.#part, config.measures, (words) => this.#say(words));
    this.indicator = new CameraIndicator(this.#part("stage"));
    this.recording = new LiveRecording(this.#part, this.view, () => this.#watched(), () => this.#indicate(), () => Boolean(this.#feed?.own));
    this.neutral = new OwnNeutral(this.#part, () => this.#watched());
    this.removal = new SourceRemoval(this.#part, () => this.#removable(), () => this.recording.recorded, (name) => this.#removed(name));
    this.purpose = new PurposePanel(this.#part, () => this.start());
    this.summary = new SessionSummary(this.#part, { csv: () => this.#save(), picture: () => this.#savePicture() });
    this.#wire();
    this.#open();
  }

  /** Start the chosen source; the panel shows what went wrong. */
  async start() {
    this.stop();
    const [kind, name] = this.#chosen();
    const trouble = kind === "browser" ? noCameraHere() : null;
    if (trouble) return this.#fail(trouble);
    const feed = kind === "browser" ? new Camera(this.#part("video"), name, this.#ears()) : new ServerSource(name, this.#ears());
    this.#feed = feed;
    this.#shown = [kind, name];
    this.#begin(name);
    try {
      await feed.start();
    } catch (error) {
      if (feed === this.#feed) this.#fail(cameraTrouble(error));
      return;
    }
    if (feed !== this.#feed) return; // stopped while the browser was asking
    this.#turn("running");
    this.#say(feed.own ? "Camera on" : `Showing ${name}`);
    if (feed.own) this.#listSources(); // the browser tells the cameras' names now
  }

  /** Let the source go; its readings stay. Safe twice. */
  stop() {
    const feed = this.#feed;
    if (!feed) return;
    feed.stop();
    this.#feed = null;
    this.#pending?.done();
    this.#pending = null;
    if (feed.own) this.recording.sourceEnded();
    this.state.trackState = feed.track?.readyState ?? null;
    this.view.wipe();
    this.#turn("off");
    this.summary.show(this.#session.summary(), this.recording.kept);
    this.#say(feed.own ? "Camera off" : "Stopped");
  }

  /** What tests may look at. */
  #window() {
    const live = this;
    return {
      trackState: null,
      get phase() {
        return live.#phase;
      },
      get source() {
        return live.view.reading?.source ?? null;
      },
      get chosenTrack() {
        return live.view.face?.track ?? null;
      },
      get inFlight() {
        return live.#feed?.inFlight ?? 0;
      },
    };
  }

  // What is heard from the source.

  #ears() {
    const mine = (hear) => (...words) => {
      if (this.#feed) hear(...words);
    };
    return {
      reading: mine((message, picture, done) => this.#hear(message, picture, done)),
      dropped: mine(() => (this.stats.dropped += 1)),
      status: mine((status) => (this.#status = status)),
      found: mine(() => (this.#trouble = null)),
      lost: mine(() => (this.#trouble = "No connection to the program; trying again.")),
      refused: mine((why) => this.#refused(why)),
      ended: mine((why) => this.#fail(why)),
    };
  }

  #hear(message, picture, done) {
    this.stats.read(message.reading, performance.now());
    this.#status = message.status ?? this.#status;
    if (this.#feed.own) this.table.add(message.reading);
    if (this.#pending) this.#pending.done();
    else requestAnimationFrame(() => this.#draw());
    this.#pending = { message, picture, done };
  }

  #draw() {
    if (!this.#pending) return;
    const { message, picture, done } = this.#pending;
    this.#pending = null;
    this.view.show(message.reading, picture, this.#feed.own);
    if (this.#phase === "paused") this.view.hold();
    this.#session.add(performance.now(), this.view.face && { ...this.view.face, ...this.view.face.shown });
    this.stats.drew(this.#latencyMs(message));
    done();
  }

  #latencyMs({ captured_ms: capturedMs, reading }) {
    if (this.#feed.own) return performance.now() - capturedMs;
    // Another machine's clock tells nothing about ours.
    return isThisMachine() ? Date.now() - Date.parse(reading.at) : (this.#status?.latency_ms ?? null);
  }

  // What people do.

  #wire() {
    const part = this.#part;
    part("stop").addEventListener("click", () => {
      this.stop();
      this.#askFirst();
      // On a phone, what was read stands above the button, and is what one looks at now.
      part("start").focus({ preventScroll: !part("after").hidden });
      part("after").scrollIntoView({ block: "nearest" });
    });
    part("pause").addEventListener("click", () => this.#pause(this.#phase === "running"));
    part("source").addEventListener("change", () => this.#switch());
    part("save").addEventListener("click", () => this.#save());
    part("snapshot").addEventListener("click", () => this.#snapshot());
    part("full").addEventListener("click", () => this.#fullScreen());
    part("full").hidden = !document.fullscreenEnabled;
    part("keys").addEventListener("click", () => part("help").showModal());
    const press = (name) => () => (part(name).disabled || part(name).hidden ? false : part(name).click());
    listenForKeys({ pause: press("pause"), mark: press("mark"), snapshot: press("snapshot"), full: press("full"), keys: press("keys") });
    part("add-form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add(event.target);
    });
    window.addEventListener("pagehide", () => this.stop());
    setInterval(() => this.#tick(), TICK_MS);
    setInterval(() => document.hidden || Promise.all([this.#listSources(), this.sensors.list()]), ASK_MS);
  }

  /** When the page opens: a source of the server is shown at once, the browser's camera never unasked. */
  async #open() {
    this.#askFirst();
    this.#tick();
    await Promise.all([this.purpose.load(), this.#listSources(), this.sensors.list()]);
    const first = firstToShow(this.#server);
    if (!first || this.#feed) return;
    this.#part("source").value = `server:${first.name}`;
    if (this.purpose.chosen || !isCamera(first.where)) this.start();
    else this.#askFirst();
  }

  /** Give what stands in the chooser: "browser" and the camera's id, or "server" and the source's name. */
  #chosen() {
    return this.#part("source").value.match(/^(\w+):(.*)$/).slice(1);
  }

  /** The name of the source that is shown, as the server knows it; null for none. */
  #watched() {
    if (!this.#feed || this.#phase !== "running") return null;
    return this.#feed.own ? this.state.source : this.#shown[1];
  }

  #switch() {
    const running = this.#feed !== null;
    this.stop();
    this.purpose.tell(""); // it was about another source
    if (running && this.#chosen()[0] === "server") this.start();
    else this.#askFirst();
  }

  async #begin(name) {
    const feed = this.#feed;
    this.stats.clear();
    this.table.clear();
    this.view.clear();
    this.#session.clear();
    this.summary.hide();
    this.recording.begin();
    this.#sinceMs = performance.now();
    this.#status = this.#trouble = null;
    this.#skipped = 0;
    const asked = this.#part("consent").contains(document.activeElement);
    this.purpose.hide();
    this.view.mirror(feed.own);
    this.#turn("starting");
    if (asked) this.#part("stop").focus(); // so that the keyboard isn't lost with the panel
    if (feed.own) return;
    const past = await history(name);
    if (feed === this.#feed) this.view.timeline.fill(past);
  }

  #pause(paused) {
    this.#feed.pause(paused);
    if (paused) this.view.hold();
    this.#sinceMs = performance.now();
    this.#turn(paused ? "paused" : "running");
    this.#say(paused ? "Paused" : "Running");
  }

  #snapshot() {
    const picture = this.view.snapshot();
    if (!picture) return;
    saveCanvas(`mien-snapshot-${stamp()}.png`, picture);
    this.#say("Snapshot saved");
  }

  #savePicture() {
    const summary = this.#session.summary();
    if (summary) saveCanvas(`mien-timeline-${stamp()}.png`, this.view.timelinePicture(`Mien, ${new Date().toLocaleString()}`, afterWords(summary)));
  }

  #fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.#part("stage-card").requestFullscreen().catch(() => {}); // the browser has its reasons
  }

  /** What timeline, readings and the summary after Stop tell of, whatever is chosen meanwhile. */
  #told() {
    return this.#shown ?? this.#chosen();
  }

  #save() {
    const [kind, name] = this.#told();
    const file = `mien-readings-${stamp()}.csv`;
    if (kind === "browser") save(file, this.table.csv(), "text/csv");
    else saveAddress(file, `/api/v1/readings/${encodeURIComponent(name)}.csv`);
  }

  async #add(form) {
    this.#part("add-error").textContent = "";
    try {
      const name = await addSource(form.elements.where.value.trim());
      await this.#listSources();
      form.reset();
      this.#part("source").value = `server:${name}`;
      this.#switch();
    } catch (error) {
      this.#part("add-error").textContent = error.message;
    }
  }

  /** What the page could add again: a camera or a stream, not a file; null for anything else. */
  #removable() {
    const [kind, name] = this.#chosen();
    const known = this.#server.find((status) => kind === "server" && status.name === name);
    return known && isCamera(known.where) ? name : null;
  }

  async #removed(name) {
    this.stop();
    await this.#listSources();
    this.#askFirst();
    this.#say(`${name} was removed`);
    this.#part("source").focus();
  }

  // What the page says around the picture.

  #askFirst() {
    this.purpose.show(...PANEL[this.#chosen()[0]]);
    this.#turn("off");
  }

  #fail(why) {
    const held = this.#part("stop") === document.activeElement;
    this.stop();
    this.#askFirst();
    this.purpose.tell(why);
    if (held) this.#part("start").focus();
  }

  async #refused(why) {
    this.stop();
    this.#askFirst();
    await this.purpose.load(); // the purpose may be gone
    this.purpose.tell(why);
  }

  #turn(phase) {
    this.#phase = phase;
    const part = this.#part;
    const off = phase === "off";
    const own = this.#feed?.own ?? false;
    part("stage").classList.toggle("asking", off);
    part("video").hidden = off || !own;
    part("overlay").hidden = part("picture").hidden = off;
    part("stop").hidden = part("pause").hidden = off;
    part("stop-words").textContent = own ? "Stop camera" : "Stop";
    this.#allow();
    part("pause").setAttribute("aria-pressed", String(phase === "paused"));
    this.removal?.offer();
    this.#notice();
    this.#indicate();
  }

  /** What can be pressed: nothing is to be stopped where nothing comes any more; what was read can be saved. */
  #allow() {
    const over = isOver(this.#status);
    this.#part("pause").disabled = over || this.#phase === "starting";
    this.#part("stop").disabled = over;
    this.#part("save").disabled = this.#part("after-csv").disabled = !this.#hasReadings();
    this.#part("snapshot").disabled = this.#phase === "off" || !this.view.reading;
  }

  #hasReadings() {
    const [kind, name] = this.#told();
    if (kind === "browser") return this.table.length > 0;
    const known = this.#server.find((status) => status.name === name);
    return known?.frames_analysed > 0 || (this.#watched() === name && this.stats.readings > 0);
  }

  #say(words) {
    this.view.announcer.say(words, performance.now());
  }

  #indicate() {
    const track = this.#feed?.track;
    if (track) this.state.trackState = track.readyState;
    const watched = this.#feed && !this.#feed.own ? this.#shown[1] : null;
    const others = this.#server.filter(({ where, state }) => isCamera(where) && state === "running").map(({ name }) => name);
    const kept = this.recording?.words;
    const words = (on) => [kept, on].filter(Boolean).join(" · ") || null;
    if (track?.readyState === "live") this.indicator.show(words(this.#phase === "paused" ? "Camera on, paused" : "Camera on"), true);
    else this.indicator.show(words(others.length ? `Camera on: ${others.join(", ")}` : null), others.includes(watched));
  }

  #tick() {
    const part = this.#part;
    const { latency } = this.stats.numbers(performance.now());
    const rate = this.#rateHz();
    this.#skipped = this.#feed?.skipped ?? this.#skipped;
    const dropped = Math.max(this.#status?.frames_dropped ?? 0, this.stats.dropped) + this.#skipped;
    part("rate").textContent = this.#phase === "running" ? rate.toFixed(rate < 10 ? 1 : 0) : "–";
    part("latency").textContent = latency === null ? "–" : Math.round(latency);
    part("dropped").textContent = this.#status ? dropped : "–";
    part("coverage").textContent = percent(this.#status?.coverage);
    this.#allow();
    if (isOver(this.#status) && this.#phase !== "off" && part("after").hidden) this.summary.show(this.#session.summary(), this.recording.kept);
    this.neutral.show(this.#phase === "running" ? (this.#status?.neutral ?? null) : null);
    this.view.tick(this.#phase !== "off");
    this.#notice();
    this.#indicate();
  }

  /** Readings a second; a source of the server may be read more often than it is drawn here. */
  #rateHz() {
    const { rate: heard } = this.stats.numbers(performance.now());
    return this.#feed?.own ? heard : (this.#status?.rate_hz ?? heard);
  }

  #notice() {
    const notice = this.#part("notice");
    const words = this.#phase === "off" ? null : this.#noticeWords();
    notice.hidden = !words;
    if (words && notice.textContent !== words) notice.textContent = words;
  }

  #noticeWords() {
    if (this.#trouble) return this.#trouble;
    if (this.#phase === "paused") return this.#feed.own ? "Paused. The camera is still on; no picture is read." : "Paused.";
    // A camera's own status comes with its readings, and was true of them.
    const status = this.#feed.own && this.view.reading ? null : statusWords(this.#status);
    if (status) return status;
    if (!this.view.reading) return "Waiting for the first reading…";
    const slow = performance.now() - this.#sinceMs > JUDGED_AFTER_MS ? tooFew(this.#rateHz()) : null;
    if (slow) return slow;
    if (this.view.face) return advice(this.view.face);
    return performance.now() - this.view.noFaceMs > NO_FACE_AFTER_MS ? NO_FACE : null;
  }

  async #listSources() {
    this.#server = await serverSources();
    const chosen = this.#part("source").value;
    await listSources(this.#part("source"), this.#server);
    // Where the chosen one is gone, Start must not say one source and mean another.
    if (this.#phase === "off" && this.#part("source").value !== chosen) this.#askFirst();
    this.removal.offer();
    this.#indicate();
  }
}

customElements.define(
  "mien-live",
  class extends HTMLElement {
    connectedCallback() {
      this.live ??= new Live(this);
      window.mien = { stats: this.live.stats, state: this.live.state };
    }

    disconnectedCallback() {
      this.live.stop();
      this.live.sensors.stop();
    }
  },
);
