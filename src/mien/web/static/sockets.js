// What goes over the sockets: their addresses and their messages.

const HEADER_BYTES = 16;
const HERE_MS = 20_000; // the server takes a page for gone that says nothing for two minutes

/** The address of one of the server's sockets, from the page's own. */
export function socketUrl(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

/** Say now and then that the page is there, also while it is paused, out of sight, or shown nothing. */
export function sayHere(socket) {
  const timer = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send('{"type":"here"}'), HERE_MS);
  socket.addEventListener("close", () => clearInterval(timer));
}

/** Whether the server is on this machine, by the address of the page. */
export function isThisMachine() {
  return ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
}

/** One picture as the server takes it: sequence, 0, when it was taken (our clock, ms), then the JPEG. */
export function frameMessage(sequence, capturedMs, jpeg) {
  const message = new Uint8Array(HEADER_BYTES + jpeg.byteLength);
  const header = new DataView(message.buffer);
  header.setUint32(0, sequence, true);
  header.setFloat64(8, capturedMs, true);
  message.set(new Uint8Array(jpeg), HEADER_BYTES);
  return message;
}

/** Take apart what /ws/watch sends: the length of the JSON, the JSON, the picture. */
export function parseWatch(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  return {
    message: JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))),
    jpeg: new Blob([new Uint8Array(buffer, 4 + length)], { type: "image/jpeg" }),
  };
}

/** How long to wait before the n-th try to connect again, in ms: growing, never long. */
export function retryAfterMs(attempt) {
  return Math.min(8000, 500 * 2 ** attempt);
}
