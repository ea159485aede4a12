// What can be looked at: this browser's cameras, and the server's sources.

import { ask, reason } from "./api.js";
import { neverOpened } from "./wording.js";

const ADDRESS = "/api/v1/sources";
/** In the order in which one would look at them. */
const STATES = { running: "", opening: "opening", away: "connection lost", stalled: "stalled", waiting: "restarts soon", ended: "ended", stopped: "stopped", failed: "failed" };

/** The server's sources, without those that browsers bring; an empty list where it doesn't answer. */
export async function serverSources() {
  try {
    const answer = await fetch(ADDRESS);
    const list = answer.ok ? await answer.json() : [];
    return list.filter(({ where }) => !where.startsWith("browser"));
  } catch {
    return [];
  }
}

/** What is shown when the page opens: the first that runs, else the first that still may. */
export function firstToShow(server) {
  const order = Object.keys(STATES);
  return [...server].sort((one, other) => order.indexOf(one.state) - order.indexOf(other.state))[0];
}

/** What the server keeps of the last minutes of a source, for the timeline. */
export async function history(name) {
  try {
    const answer = await fetch(`/api/v1/history/${encodeURIComponent(name)}`);
    return answer.ok ? await answer.json() : [];
  } catch {
    return [];
  }
}

/** Ask the server to open one more; gives its name, or throws with the server's sentence. */
export async function addSource(where) {
  const answer = await fetch(ADDRESS, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ where }),
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(reason(body));
  return body.name;
}

/** Take one of the server's away; throws with the server's sentence. */
export function removeSource(name) {
  return ask(`sources/${encodeURIComponent(name)}`, { method: "DELETE" });
}

/** Fill the chooser; what was chosen stays chosen. Values are "browser:ID" or "server:NAME". */
export async function listSources(select, server) {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
  const cameras = devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
  const own = cameras.length
    ? cameras.map(({ deviceId, label }, i) => [`browser:${deviceId}`, label || `Camera ${i + 1}`])
    : [["browser:", "This device's camera"]];
  const others = server.map((status) => [`server:${status.name}`, titleOf(status)]);
  const wanted = JSON.stringify([own, others]);
  if (select.dataset.listed === wanted) return;
  select.dataset.listed = wanted;
  const chosen = select.value;
  select.replaceChildren(...[["This browser", own], ["The server", others]].filter(([, list]) => list.length).map(group));
  const still = [...select.options].some(({ value }) => value === chosen);
  // The browser tells its cameras' names only once it has allowed one.
  select.value = still ? chosen : chosen.startsWith("browser:") ? own[0][0] : select.options[0].value;
}

function titleOf(status) {
  const how = neverOpened(status) ? "can't be opened" : STATES[status.state];
  return how ? `${status.name} (${how})` : status.name;
}

function group([label, list]) {
  const room = document.createElement("optgroup");
  room.label = label;
  room.append(...list.map(([value, text]) => new Option(text, value)));
  return room;
}
