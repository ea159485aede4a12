// The live region: says a label when it has held for a while, and not too often.

export class Announcer {
  #region;
  #stableMs;
  #pauseMs;
  #heard = null;
  #sinceMs = 0;
  #said = null;
  #saidMs = -Infinity;

  /** @param region the element whose text is spoken */
  constructor(region, { stableMs = 2000, pauseMs = 5000 } = {}) {
    this.#region = region;
    this.#stableMs = stableMs;
    this.#pauseMs = pauseMs;
  }

  /** Hear what is shown now; it is spoken when it is new and has been stable. */
  hear(words, nowMs) {
    if (words !== this.#heard) {
      this.#heard = words;
      this.#sinceMs = nowMs;
    }
    const stable = nowMs - this.#sinceMs >= this.#stableMs;
    if (stable && words !== this.#said && nowMs - this.#saidMs >= this.#pauseMs) this.say(words, nowMs);
  }

  /** Say something at once: the camera went on or off. */
  say(words, nowMs) {
    this.#region.textContent = words;
    this.#said = words;
    this.#saidMs = nowMs;
  }
}
