// What was looked at from start to stop: how long, how much of it a face was read, and what it showed.

const HOLD_MS = 1500; // a reading stands for the time until the next, at most this long

export class Session {
  #startMs = null;
  #lastMs = null;
  #readMs = 0;
  #label = null; // of the last reading
  #shownMs = new Map();

  readings = 0;

  clear() {
    this.#startMs = this.#lastMs = this.#label = null;
    this.#readMs = this.readings = 0;
    this.#shownMs.clear();
  }

  /** @param ms when it was shown; @param face as shown, or null for none */
  add(ms, face) {
    this.#pass(ms);
    this.#startMs ??= ms;
    this.#lastMs = ms;
    this.#label = face && face.confidence !== null ? face.expression : null;
    this.readings += 1;
  }

  /** Seconds, readings, coverage and [label, share of the time read], the largest first; null before any reading. */
  summary() {
    if (this.#startMs === null) return null;
    const lengthMs = this.#lastMs - this.#startMs;
    const shares = [...this.#shownMs].map(([label, ms]) => [label, ms / this.#readMs]);
    return {
      length_s: lengthMs / 1000,
      readings: this.readings,
      coverage: lengthMs > 0 ? this.#readMs / lengthMs : null,
      shares: shares.sort((one, other) => other[1] - one[1]),
    };
  }

  #pass(ms) {
    if (this.#lastMs === null || this.#label === null) return;
    const heldMs = Math.min(HOLD_MS, ms - this.#lastMs);
    this.#readMs += heldMs;
    this.#shownMs.set(this.#label, (this.#shownMs.get(this.#label) ?? 0) + heldMs);
  }
}
