// All that is drawn of a reading: picture and marks, bars, plane, timeline, and what is spoken.

import { Announcer } from "./announcer.js";
import { Bars, FaceChooser } from "./bars.js";
import { LiveChart } from "./live_chart.js";
import { Overlay } from "./overlay.js";
import { Plane } from "./plane.js";
import { headWords, timelineWords } from "./wording.js";

const TIMELINE_EVERY_MS = 950;
const LATE_MS = 1200; // what was read so long ago fades: it doesn't stand as if it were now

export class ReadingView {
  reading = null; // the one that is drawn
  face = null; // the face that bars and plane tell of
  body = null; // the sensors, whose measures stand below the timeline
  noFaceMs = null; // since when there is none; null while there is one
  #part;
  #shownMs = null;
  #late = null; // the timer
  #timelineMs = -Infinity;

  /** @param part finds an element by its name; @param config labels, uncertain, places */
  constructor(root, part, { labels, uncertain, places }) {
    this.#part = part;
    this.overlay = new Overlay(part("overlay"), part("picture"));
    this.bars = new Bars(root, labels, uncertain, { label: part("label"), sureness: part("sureness"), swatch: part("swatch") });
    this.faces = new FaceChooser(part("faces"));
    this.plane = new Plane(part("plane"), places);
    this.timeline = new LiveChart(part("timeline"), labels, uncertain);
    this.announcer = new Announcer(part("spoken"));
    part("overlay").addEventListener("click", (event) => {
      this.faces.choose(this.overlay.faceAt(event.clientX, event.clientY));
      this.mark();
    });
    part("landmarks").addEventListener("change", () => this.mark());
    part("mirror").addEventListener("change", () => this.mirror(part("mirror").checked));
    part("span").addEventListener("change", (event) => {
      this.timeline.spanMs = 1000 * event.target.value;
      this.#redraw();
    });
    for (const event of ["mien:theme", "resize"]) window.addEventListener(event, () => this.#redraw());
    this.plane.clear();
  }

  /**
   * Show a reading.
   *
   * @param picture the frame that it was read from: it lies under its marks. Without it a camera's marks are
   *   not drawn, as its video has gone on meanwhile.
   * @param own whether the camera's own video runs beneath
   */
  show(reading, picture, own) {
    const nowMs = performance.now();
    this.#part("stage").style.setProperty("--ratio", reading.size_wh[0] / reading.size_wh[1]);
    this.face = this.faces.face(reading.faces);
    if (picture || !own) {
      this.reading = reading;
      this.mark(picture);
      this.#fresh(own && picture !== null);
    }
    this.#tell(reading, nowMs);
  }

  /** The expression, and whose: bars, plane, timeline, words. */
  #tell(reading, nowMs) {
    const shown = this.face && { ...this.face, ...this.face.shown };
    this.bars.draw(shown, "No face", nowMs);
    const head = headWords(this.face?.head);
    if (this.#part("pose").textContent !== head) this.#part("pose").textContent = head;
    this.plane.draw(shown, nowMs);
    this.#shownMs = Date.now();
    this.timeline.add(this.#shownMs, shown);
    this.noFaceMs = shown ? null : (this.noFaceMs ?? nowMs);
    const words = shown?.expression ?? "No face";
    this.announcer.hear(reading.faces.length > 1 ? `Face ${this.face.track}: ${words}` : words, nowMs);
  }

  /** Something new stands there; when nothing follows it in time, it fades. */
  #fresh(covers) {
    clearTimeout(this.#late);
    this.#beLate(false);
    this.#part("video").classList.toggle("covered", covers);
    this.#part("screen").classList.toggle("kept-picture", !covers);
    this.#late = setTimeout(() => this.#beLate(true), LATE_MS);
  }

  #beLate(late) {
    this.#part("screen").classList.toggle("late", late);
    if (!late) return;
    this.#part("video").classList.remove("covered"); // it runs on, and shows through
    this.bars.draw(null, "No new reading", performance.now());
    this.#part("pose").textContent = headWords(null);
  }

  /** What is shown stays as it is: nothing new is to come. */
  hold() {
    clearTimeout(this.#late);
    this.#beLate(false);
  }

  /** Draw the marks anew, as the switches now stand. */
  mark(picture = "same") {
    if (!this.reading) return;
    this.overlay.draw(this.reading, picture, {
      mirrored: this.#part("mirror").checked,
      landmarks: this.#part("landmarks").checked,
      chosen: this.face?.track,
    });
  }

  mirror(mirrored) {
    this.#part("mirror").checked = mirrored;
    for (const name of ["video", "picture"]) this.#part(name).classList.toggle("mirrored", mirrored);
    this.mark();
  }

  /** Nothing is running any more; timeline and trail stay to be looked at. */
  wipe() {
    this.hold();
    this.reading = this.face = this.noFaceMs = null;
    this.#part("video").classList.remove("covered");
    this.overlay.draw(null, null, {});
    this.faces.face([]);
    this.bars.draw(null, "Nothing running", performance.now());
    this.#part("pose").textContent = headWords(null);
  }

  /** What is seen now, as a canvas; null where there is no picture. */
  snapshot() {
    return this.overlay.snapshot(this.#part("mirror").checked);
  }

  /** The course since the start, as a canvas. */
  timelinePicture(title, words) {
    return this.timeline.picture(this.#shownMs ?? Date.now(), title, words);
  }

  /** Something new begins. */
  clear() {
    this.timeline.clear();
    this.plane.clear();
  }

  /** Move the timeline on, once a second. @param running its end is now; otherwise it stands where it stopped. */
  tick(running) {
    if (performance.now() - this.#timelineMs < TIMELINE_EVERY_MS) return;
    this.#timelineMs = performance.now();
    const sinceMs = this.body?.sinceMs ?? null;
    const nowMs = running || sinceMs ? Date.now() : (this.#shownMs ?? Date.now());
    this.timeline.otherSinceMs = sinceMs;
    this.timeline.draw(nowMs);
    this.body?.draw(this.timeline.axis(nowMs));
    const words = timelineWords(this.timeline.summary(nowMs), this.timeline.shownMs(nowMs) / 1000);
    if (this.#part("timeline-words").textContent !== words) this.#part("timeline-words").textContent = words;
  }

  #redraw() {
    this.mark();
    this.plane.redraw(this.face && { ...this.face, ...this.face.shown });
    this.#timelineMs = -Infinity;
    this.tick(this.reading !== null);
  }
}
