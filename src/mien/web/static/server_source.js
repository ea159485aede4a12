// A source of the server: pictures and readings come from there, two at most before one is drawn.

import { parseWatch, retryAfterMs, sayHere, socketUrl } from "./sockets.js";

/**
 * @param source its name in the live session
 * @param on as for Camera, and status(status)
 */
export class ServerSource {
  own = false;
  track = null;
  paused = false;
  #source;
  #on;
  #socket = null;
  #attempt = 0;
  #retry = null;
  #running = false;

  constructor(source, on) {
    this.#source = source;
    this.#on = on;
  }

  get inFlight() {
    return 0;
  }

  async start() {
    this.#running = true;
    this.#connect();
  }

  /** Stop watching; the source itself runs on. Safe twice. */
  stop() {
    this.#running = false;
    clearTimeout(this.#retry);
    this.#socket?.close();
  }

  pause(paused) {
    this.paused = paused;
    if (paused) this.stop();
    else this.start();
  }

  #connect() {
    const socket = new WebSocket(socketUrl(`/ws/watch?source=${encodeURIComponent(this.#source)}`));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#attempt = 0;
      sayHere(socket);
      this.#on.found(this.#source);
    };
    socket.onmessage = (event) => this.#hear(socket, event.data);
    socket.onclose = () => {
      if (!this.#running || socket !== this.#socket) return;
      this.#on.lost(this.#attempt);
      this.#retry = setTimeout(() => this.#connect(), retryAfterMs(this.#attempt++));
    };
    this.#socket = socket;
  }

  async #hear(socket, data) {
    if (typeof data === "string") {
      const message = JSON.parse(data);
      if (message.type === "status") this.#on.status(message.status ?? message);
      else if (message.type === "refused") this.#on.refused(message.reason);
      return;
    }
    const { message, jpeg } = parseWatch(data);
    const picture = await createImageBitmap(jpeg).catch(() => null); // a picture that can't be shown
    const done = () => {
      picture?.close();
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "ack", frame: message.reading.frame }));
    };
    if (this.#running && socket === this.#socket) this.#on.reading(message, picture, done);
    else done();
  }
}
