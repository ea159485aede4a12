// This browser's camera: pictures go to the server, at most two at a time, and readings come back.

import { Pace } from "./pace.js";
import { frameMessage, retryAfterMs, sayHere, socketUrl } from "./sockets.js";

const JPEG_QUALITY = 0.85;
const LOST_AFTER_MS = 3000; // an answer that takes longer isn't waited for
const CANVASES = 4; // two on their way, one being written, one waiting to be drawn

const TROUBLE = {
  NotAllowedError: "The browser did not allow the camera. Allow it with the icon in the address bar, then press Start.",
  NotFoundError: "No camera was found. Plug one in, then press Start.",
  OverconstrainedError: "That camera is no longer there. Choose another source.",
  NotReadableError: "The camera was found but gives no picture: another program may be using it. Close that, then press Start.",
};

/** What to tell of an error of getUserMedia. */
export function cameraTrouble(error) {
  return TROUBLE[error.name] ?? `The camera did not start (${error.message}).`;
}

/** Why this page can't have a camera at all; null when it can. */
export function noCameraHere() {
  if (navigator.mediaDevices?.getUserMedia) return null;
  return isSecureContext
    ? "This browser doesn't let pages use a camera. Try a current Firefox, Chrome, Edge or Safari."
    : "Browsers allow cameras only on pages from this computer (localhost) or over TLS. Start Mien with --tls-cert and --tls-key.";
}

/**
 * @param video the element that shows the camera
 * @param deviceId which camera; "" for the browser's own choice
 * @param on what to call: reading(message, picture, done()), dropped(), lost(attempt), found(), refused(reason), ended(reason)
 */
export class Camera {
  own = true;
  track = null;
  pace = new Pace();
  paused = false;
  skipped = 0; // pictures that weren't sent, as the last ones were still on their way
  #video;
  #deviceId;
  #on;
  #socket = null;
  #ready = false;
  #attempt = 0;
  #retry = null;
  #running = false;
  #stopped = false;
  #encoding = false;
  #sequence = 0;
  #flying = new Map();
  #free = Array.from({ length: CANVASES }, newCanvas); // a frame is kept until it is drawn with its marks

  constructor(video, deviceId, on) {
    this.#video = video;
    this.#deviceId = deviceId;
    this.#on = on;
  }

  get inFlight() {
    return this.#flying.size;
  }

  /** Turn the camera on; throws what getUserMedia throws. */
  async start() {
    const device = this.#deviceId ? { deviceId: { exact: this.#deviceId } } : { facingMode: "user" };
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { ...device, width: { ideal: 960 }, frameRate: { ideal: 30 }, resizeMode: "none" },
    });
    this.track = stream.getVideoTracks()[0];
    if (this.#stopped) return this.track.stop(); // while the browser was asking
    this.track.addEventListener("ended", () => this.#on.ended("The camera was disconnected."));
    this.#running = true;
    this.#video.srcObject = stream;
    await this.#video.play().catch(() => {}); // stopped before it could play
    this.#connect();
    this.#next();
  }

  /** Turn the camera off and close the socket; safe twice. */
  stop() {
    this.#running = false;
    this.#stopped = true;
    this.track?.stop();
    clearTimeout(this.#retry);
    this.#socket?.close();
    this.#video.srcObject = null;
  }

  pause(paused) {
    this.paused = paused;
    if (paused) this.#video.pause();
    else this.#video.play().catch(() => {});
  }

  #connect() {
    this.#ready = false;
    for (const sequence of [...this.#flying.keys()]) this.#land(sequence);
    const socket = new WebSocket(socketUrl("/ws/camera"));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", name: "browser" }));
    socket.onmessage = (event) => this.#hear(JSON.parse(event.data));
    socket.onclose = () => {
      this.#ready = false;
      if (!this.#running) return;
      this.#on.lost(this.#attempt);
      this.#retry = setTimeout(() => this.#connect(), retryAfterMs(this.#attempt++));
    };
    this.#socket = socket;
  }

  #hear(message) {
    if (message.type === "ready") {
      this.#ready = true;
      this.#attempt = 0;
      sayHere(this.#socket);
      this.#on.found(message.source);
    } else if (message.type === "refused") {
      this.#on.refused(message.reason);
    } else if (message.type === "dropped") {
      this.#land(message.sequence);
      this.pace.dropped(performance.now());
      this.#on.dropped();
    } else if (message.type === "reading") {
      const sent = this.#flying.get(message.sequence);
      this.#flying.delete(message.sequence); // its canvas is given on
      if (sent) this.pace.answered(performance.now() - sent.sentMs, performance.now());
      this.#hand(message, sent?.canvas ?? null);
    }
  }

  /** Give a reading on, with the frame that it was read from; null where that was no longer waited for. */
  #hand(message, canvas) {
    const done = () => canvas && this.#free.push(canvas);
    if (this.#running) this.#on.reading(message, canvas, done);
    else done();
  }

  /** A picture is not waited for any more. */
  #land(sequence) {
    const { canvas } = this.#flying.get(sequence) ?? {};
    if (this.#flying.delete(sequence)) this.#free.push(canvas);
  }

  #next() {
    const look = (nowMs, frame) => {
      if (!this.#running) return;
      this.#next();
      this.#offer(takenMs(nowMs, frame));
    };
    if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(look);
    else requestAnimationFrame(look);
  }

  async #offer(capturedMs) {
    this.#forgetTheLost();
    const busy = this.#encoding || !this.#free.length || this.#flying.size >= this.pace.limit || this.#socket.bufferedAmount > 0;
    if (!this.#ready || this.paused || document.hidden || !this.#video.videoWidth) return;
    if (busy) {
      this.skipped += 1;
      return;
    }
    const socket = this.#socket;
    const sequence = this.#sequence++;
    const canvas = this.#free.pop();
    this.#encoding = true;
    try {
      this.#take(canvas);
      const jpeg = await (await encode(canvas)).arrayBuffer();
      if (socket.readyState !== WebSocket.OPEN || !this.#running || this.paused) return;
      this.#flying.set(sequence, { sentMs: performance.now(), canvas });
      socket.send(frameMessage(sequence, capturedMs, jpeg));
    } finally {
      this.#encoding = false;
      if (!this.#flying.has(sequence)) this.#free.push(canvas);
    }
  }

  #take(canvas) {
    const { videoWidth, videoHeight } = this.#video;
    const width = this.pace.width(videoWidth);
    const height = Math.max(1, Math.round((width * videoHeight) / videoWidth));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    // Read back at once, so kept in ordinary memory.
    canvas.getContext("2d", { alpha: false, willReadFrequently: true }).drawImage(this.#video, 0, 0, width, height);
  }

  #forgetTheLost() {
    const nowMs = performance.now();
    for (const [sequence, { sentMs }] of this.#flying) {
      if (nowMs - sentMs > LOST_AFTER_MS) this.#land(sequence);
    }
  }
}

function newCanvas() {
  return typeof OffscreenCanvas === "function" ? new OffscreenCanvas(1, 1) : document.createElement("canvas");
}

function encode(canvas) {
  if (canvas.convertToBlob) return canvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
}

/** When the frame was taken, by performance.now(); the browser tells where it knows. */
function takenMs(nowMs, frame) {
  const taken = frame?.captureTime ?? nowMs;
  return taken > nowMs - 2000 && taken <= nowMs ? taken : nowMs;
}
