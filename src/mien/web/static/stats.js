// What has been read and drawn, for the page's numbers and for tests.

const RATE_OVER_MS = 3000;
const LATENCIES_KEPT = 2000;
const LATENCY_OVER = 90; // readings

export class Stats {
  readings = 0;
  drawn = 0;
  dropped = 0;
  latency_ms = []; // from the frame's time to its drawing, the newest last
  lastReading = null;
  #times = [];
  #startMs = null;

  clear() {
    this.readings = this.drawn = this.dropped = 0;
    this.latency_ms = [];
    this.lastReading = null;
    this.#times = [];
    this.#startMs = null;
  }

  read(reading, nowMs) {
    this.readings += 1;
    this.lastReading = reading;
    this.#startMs ??= nowMs;
    this.#times.push(nowMs);
  }

  drew(latencyMs) {
    this.drawn += 1;
    if (latencyMs !== null) this.latency_ms.push(latencyMs);
    if (this.latency_ms.length > 2 * LATENCIES_KEPT) this.latency_ms = this.latency_ms.slice(-LATENCIES_KEPT);
  }

  /** Readings a second over the last seconds, and the median latency; null before any. */
  numbers(nowMs) {
    while (this.#times.length && this.#times[0] < nowMs - RATE_OVER_MS) this.#times.shift();
    const overMs = Math.max(500, Math.min(RATE_OVER_MS, nowMs - (this.#startMs ?? nowMs)));
    const recent = this.latency_ms.slice(-LATENCY_OVER).sort((one, other) => one - other);
    return {
      rate: (1000 * this.#times.length) / overMs,
      latency: recent.length ? recent[recent.length >> 1] : null,
    };
  }
}
