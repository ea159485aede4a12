// How large and how many pictures the camera sends, from how long the answers take.

export const WIDTHS = [320, 400, 480, 640, 800, 960];

const SLOW_MS = 110; // above this, smaller pictures
const QUICK_MS = 55; // below this, larger ones
const CHANGE_AFTER_MS = 1500;
const GROW_AFTER_MS = 4000;
const CAUTIOUS_MS = 2000;
const WEIGHT = 0.15; // of a new round trip in the running mean

export class Pace {
  #step = WIDTHS.indexOf(640);
  #mean = null;
  #changedMs = -Infinity;
  #droppedMs = -Infinity;
  #now = 0;

  /** Width of the next picture in pixels; never more than the camera has. */
  width(cameraWidth) {
    return Math.min(WIDTHS[this.#step], cameraWidth);
  }

  /** How many pictures may be on their way: two, or one while the server is behind. */
  get limit() {
    return this.#now - this.#droppedMs < CAUTIOUS_MS ? 1 : 2;
  }

  /** Mean round trip, ms; null before the first answer. */
  get roundTripMs() {
    return this.#mean;
  }

  /** A picture was answered. */
  answered(roundTripMs, nowMs) {
    this.#now = nowMs;
    this.#mean = this.#mean === null ? roundTripMs : this.#mean + WEIGHT * (roundTripMs - this.#mean);
    const sinceMs = nowMs - this.#changedMs;
    if (this.#mean > SLOW_MS && sinceMs > CHANGE_AFTER_MS) this.#turn(-1, nowMs);
    else if (this.#mean < QUICK_MS && sinceMs > GROW_AFTER_MS) this.#turn(1, nowMs);
  }

  /** The server dropped a picture for a newer one. */
  dropped(nowMs) {
    this.#now = nowMs;
    this.#droppedMs = nowMs;
  }

  #turn(by, nowMs) {
    this.#step = Math.max(0, Math.min(WIDTHS.length - 1, this.#step + by));
    this.#changedMs = nowMs;
  }
}
