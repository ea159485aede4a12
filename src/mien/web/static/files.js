// The files view: sends what is dropped, shows how far it is, and what was found in it.

import { save } from "./downloads.js";
import { FileChart } from "./file_chart.js";
import { OVERVIEW, foundWords, overview, overviewCsv, shortWords, shownColumns } from "./file_results.js";
import { FileMoments } from "./file_moments.js";
import { FileToRecord } from "./file_to_record.js";
import { count, percent } from "./wording.js";

const API = "/api/v1/files";
const POLL_MS = 700;
const BUSY_MS = 2000;
const PAGE = 50;
const LEGIBLE = 0.8; // of its own size; smaller, what is written on a drawing can't be read
const OPEN = ["queued", "sending", "receiving", "waiting", "running"];

const parts = (root) => (name) => root.querySelector(`[data-part="${name}"]`);

class Files {
  #parts;
  #config;
  #items = [];
  #batch = 0; // counts how often files were added
  #opening = null; // of this batch, the first that is ready opens itself
  #shown = null;
  #offset = 0;
  #sending = false;
  #polling = false;
  #chart;
  #moments;
  #record;

  constructor(root) {
    this.#parts = parts(root);
    this.#config = JSON.parse(root.dataset.config);
    const video = this.#parts("video");
    this.#chart = new FileChart(this.#parts("timeline"), {
      seek: (timeS) => {
        video.currentTime = timeS;
      },
      tell: (words) => {
        this.#parts("moment").textContent = words;
      },
    });
    this.#moments = new FileMoments(this.#parts, { seek: (timeS) => this.#chart.go(timeS), mark: (pieces, counted) => this.#chart.mark(pieces, counted) });
    this.#record = new FileToRecord(this.#parts);
    this.#listen(root, video);
    this.#restore();
  }

  #listen(root, video) {
    const input = this.#parts("input");
    this.#parts("choose").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.#add(input.files);
      input.value = "";
    });
    listenForDrops(root, this.#parts("drop"), (files) => this.#add(files));
    this.#parts("overview-csv").addEventListener("click", () => save("mien-overview.csv", overviewCsv(overview(this.#ready())), "text/csv"));
    this.#parts("forget").addEventListener("click", () => this.#removeAll());
    this.#parts("marked").addEventListener("change", () => this.#showMedia());
    this.#parts("why").addEventListener("change", () => this.#showMedia());
    this.#parts("why-picture").addEventListener("load", ({ target }) => {
      target.style.minWidth = `${LEGIBLE * target.naturalWidth}px`;
    });
    this.#parts("before").addEventListener("click", () => this.#showRows(this.#offset - PAGE));
    this.#parts("after").addEventListener("click", () => this.#showRows(this.#offset + PAGE));
    this.#parts("face").addEventListener("change", (event) => this.#chart.choose(Number(event.target.value)));
    const follow = () => this.#chart.at(video.currentTime);
    const play = () => {
      follow();
      if (!video.paused && !video.ended) requestAnimationFrame(play);
    };
    video.addEventListener("play", play);
    for (const event of ["seeked", "pause", "ended"]) video.addEventListener(event, follow);
  }

  // Sending

  #add(files) {
    this.#opening = this.#batch += 1;
    for (const file of files) {
      const item = { name: file.name, file, changedMs: file.lastModified, batch: this.#batch, network: this.#parts("network").value, prior: this.#parts("prior").value, status: { state: "queued", progress: null } };
      const problem = this.#problem(file);
      if (problem) item.status = { state: "failed", error: problem };
      this.#insert(item);
      if (problem) this.#say(problem);
    }
    this.#sendNext();
  }

  #problem({ name, size }) {
    const suffix = /\.[^.]+$/.exec(name)?.[0].toLowerCase();
    if (!this.#config.suffixes.includes(suffix)) return `${name} is neither a photograph nor a video that can be read here. Export it as JPEG or MP4.`;
    if (size === 0) return `${name} is empty. Copy it again.`;
    if (size > this.#config.max_mb * 1e6) return `${name} is larger than ${this.#config.max_mb} MB. Send a shorter or smaller one.`;
    return null;
  }

  /** One file at a time goes over the wire; where the server has enough to do, the next one waits. */
  async #sendNext() {
    if (this.#sending) return;
    this.#sending = true;
    for (let item = this.#next(); item; item = this.#next()) {
      const answer = await this.#send(item);
      if (answer.code === 202) Object.assign(item, { id: answer.body.id, file: null, status: answer.body });
      else if (answer.code === 429) {
        item.status = { state: "queued", progress: null };
        await new Promise((done) => setTimeout(done, BUSY_MS));
      } else item.status = { state: "failed", error: answer.body?.detail ?? `${item.name} could not be sent: the connection was lost. Try again.` };
      this.#refresh(item);
      if (item.removed && item.id) fetch(`${API}/${item.id}`, { method: "DELETE" });
      this.#poll();
    }
    this.#sending = false;
  }

  #next() {
    return this.#items.find((item) => item.status.state === "queued");
  }

  #send(item) {
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      const chosen = Object.entries({ network: item.network, prior: item.prior }).filter(([, value]) => value);
      request.open("POST", chosen.length ? `${API}?${new URLSearchParams(chosen)}` : API);
      request.responseType = "json";
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.setRequestHeader("X-Mien-Name", encodeURIComponent(item.name));
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        item.status = { state: "sending", progress: total ? loaded / total : null };
        this.#refresh(item);
      });
      request.addEventListener("loadend", () => done({ code: request.status, body: request.response }));
      item.request = request;
      item.status = { state: "sending", progress: 0 };
      this.#refresh(item);
      request.send(item.file);
    });
  }

  // What the server has

  async #restore() {
    for (const status of (await getJson(API)) ?? []) {
      if (!this.#items.some(({ id }) => id === status.id)) this.#insert({ id: status.id, name: status.name, status });
    }
    this.#poll();
  }

  async #poll() {
    if (this.#polling) return;
    this.#polling = true;
    while (this.#items.some(({ id, status }) => id && OPEN.includes(status.state))) {
      await new Promise((done) => setTimeout(done, POLL_MS));
      const statuses = await getJson(API);
      if (statuses) this.#take(new Map(statuses.map((status) => [status.id, status])));
    }
    this.#polling = false;
  }

  #take(statuses) {
    for (const item of this.#items.filter(({ id, status }) => id && OPEN.includes(status.state))) {
      item.status = statuses.get(item.id) ?? { state: "failed", error: `${item.name} is no longer on the server. Send it again.` };
      this.#refresh(item);
      if (item.status.state === "failed") this.#say(item.status.error);
      if (item.status.state !== "done") continue;
      this.#say(`${item.name} is ready.`);
      if (!this.#shown || item.batch === this.#opening) this.#show(item, { focus: false });
    }
  }

  // The list

  #insert(item) {
    item.row = makeRow(item.name, { show: () => this.#show(item), remove: () => this.#remove(item) });
    this.#items.push(item);
    this.#parts("list").append(item.row);
    this.#refresh(item);
  }

  #refresh(item) {
    fillRow(item.row, item, item === this.#shown);
    this.#sum();
  }

  #ready() {
    return this.#items.filter(({ status }) => status.state === "done");
  }

  /** A row for each file, and totals; one file says all of itself. */
  #sum() {
    this.#parts("all").hidden = this.#items.length < 2;
    const ready = this.#ready();
    this.#parts("overview").hidden = ready.length < 2;
    if (ready.length < 2) return;
    const rows = overview(ready).map((row) => {
      const line = tableRow("td", OVERVIEW.map((name) => row[name]));
      line.classList.toggle("total", Boolean(row.total));
      return line;
    });
    this.#parts("overview-rows").replaceChildren(...rows);
  }

  async #remove(item) {
    item.removed = true;
    item.request?.abort();
    if (item.id) await fetch(`${API}/${item.id}`, { method: "DELETE" });
    this.#drop(item);
    this.#say(`${item.name} was removed.`);
    this.#parts("choose").focus();
  }

  async #removeAll() {
    for (const item of this.#items) {
      item.removed = true;
      item.request?.abort();
    }
    await fetch(API, { method: "DELETE" });
    for (const item of [...this.#items]) this.#drop(item);
    this.#say("All files were removed.");
    this.#parts("choose").focus();
  }

  #drop(item) {
    this.#items = this.#items.filter((each) => each !== item);
    item.row.remove();
    this.#sum();
    if (item === this.#shown) this.#hide();
  }

  #say(words) {
    this.#parts("spoken").textContent = words;
  }

  // The result

  #hide() {
    this.#shown = null;
    this.#parts("result").hidden = true;
    this.#parts("video").removeAttribute("src");
    this.#parts("picture").removeAttribute("src");
  }

  async #show(item, { focus = true } = {}) {
    this.#shown = item;
    this.#opening = null; // what somebody looks at is not taken from them by the rest of the batch
    for (const each of this.#items) this.#refresh(each);
    this.#parts("result").hidden = false;
    this.#parts("title").textContent = item.name;
    this.#parts("found").textContent = this.#found(item.status);
    this.#parts("download").href = `${API}/${item.id}/table.csv`;
    this.#parts("summary").href = `${API}/${item.id}/summary.json`;
    this.#offerMarked(item);
    this.#moments.offer(item);
    this.#record.offer(item);
    this.#parts("why-field").hidden = !explainable(item.status);
    this.#parts("why").checked = false;
    this.#showMedia();
    if (focus) this.#parts("title").focus();
    await Promise.all([this.#showRows(0), this.#showChart(item)]);
  }

  /** The copy with the marks, under the file's own name. */
  #offerMarked({ id, name, status }) {
    const link = this.#parts("annotated");
    const video = status.kind === "video";
    link.href = `${API}/${id}/annotated`;
    link.download = `${name.replace(/\.[^.]*$/, "")}.annotated.${video ? "mp4" : "jpg"}`;
    this.#parts("annotated-words").textContent = video ? "Clip with marks" : "Picture with marks";
  }

  #showMedia() {
    const why = this.#parts("why").checked;
    this.#parts("marked").disabled = why;
    this.#parts("reasons").hidden = !why;
    this.#swap(false);
    if (why) {
      this.#showWhy(this.#shown);
      return;
    }
    const { id, status, name } = this.#shown;
    const [picture, video] = [this.#parts("picture"), this.#parts("video")];
    const source = `${API}/${id}/${this.#parts("marked").checked ? "annotated" : "original"}`;
    picture.hidden = status.kind !== "photograph";
    video.hidden = !picture.hidden;
    if (!picture.hidden) {
      picture.src = source;
      picture.alt = `${name}. ${this.#found(status)}`;
      video.removeAttribute("src");
      video.load();
      return;
    }
    const timeS = video.currentTime;
    const same = video.src.includes(id);
    video.src = source;
    video.ariaLabel = name;
    if (same) video.currentTime = timeS;
  }

  /** Found out when asked, which takes a second or more; until then the picture stays. */
  async #showWhy(item) {
    const words = this.#parts("words");
    words.replaceChildren(make("li", "", "Covering one region after another to see what changes…"));
    const told = item.reasons ?? (await getJson(`${API}/${item.id}/why.json`));
    if (item !== this.#shown || !this.#parts("why").checked) return;
    item.reasons = told;
    const name = (place) => (told.faces.length > 1 ? `Face ${place}: ` : "");
    const lines = told ? told.faces.map((face, place) => name(place) + face.plain_words) : [`${item.name} could not be explained. Send it again.`];
    words.replaceChildren(...lines.map((line) => make("li", "", line)));
    this.#parts("figures").replaceChildren(...(told?.faces ?? []).map((face, place) => make("li", "", name(place) + face.words)));
    this.#parts("figures-room").hidden = !told?.faces.length;
    if (!told?.faces.length) return;
    const picture = this.#parts("why-picture");
    picture.src = this.#parts("why-link").href = `${API}/${item.id}/why.png`;
    picture.alt = lines.join(" ");
    this.#swap(true);
  }

  /** The drawing in place of the photograph, or the photograph again. */
  #swap(drawn) {
    this.#parts("media").hidden = drawn;
    this.#parts("sheet").hidden = this.#parts("why-link").hidden = !drawn;
  }

  async #showChart(item) {
    const course = this.#parts("course");
    course.hidden = true;
    if (item.status.kind !== "video") return;
    const data = await getJson(`${API}/${item.id}/timeline.json`);
    if (!data || item !== this.#shown) return;
    course.hidden = false;
    const options = data.faces.map(({ track, rows }, place) => new Option(`face ${track} (${count(rows, "row")})`, place));
    if (data.left_out) options.push(Object.assign(new Option(`${data.left_out} more in the table`), { disabled: true }));
    this.#parts("face").replaceChildren(...options);
    this.#parts("face-field").hidden = options.length < 2;
    this.#parts("legend").replaceChildren(...data.labels.map(legendItem));
    this.#chart.load(data);
  }

  #found(status) {
    return foundWords(status, status.network ?? this.#config.network);
  }

  async #showRows(offset) {
    const item = this.#shown;
    const table = await getJson(`${API}/${item.id}/rows?offset=${Math.max(0, offset)}&limit=${PAGE}`);
    if (item !== this.#shown) return;
    if (!table) {
      this.#parts("found").textContent = `${item.name} is no longer on the server. Send it again.`;
      return;
    }
    this.#offset = Math.max(0, offset);
    const last = this.#offset + table.rows.length;
    const shown = shownColumns(table.columns);
    this.#parts("head").replaceChildren(tableRow("th", shown.map(({ title }) => title)));
    this.#parts("rows").replaceChildren(...table.rows.map((row) => tableRow("td", shown.map(({ place, name }) => this.#cell(row[place], name)))));
    this.#parts("place").textContent = table.total ? `Rows ${this.#offset + 1} to ${last} of ${table.total}` : "No rows: no face was found.";
    this.#parts("before").disabled = this.#offset === 0;
    this.#parts("after").disabled = last >= table.total;
  }

  #cell(value, column) {
    if (value === null) return "";
    const decimals = this.#config.decimals[column];
    return decimals === undefined ? String(value) : value.toFixed(Math.min(decimals, 3));
  }
}

function listenForDrops(root, zone, take) {
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    zone.classList.toggle("over", depth > 0);
  };
  const on = (name, act) => {
    // On the whole window: a file that misses the field by a little must not replace the page.
    window.addEventListener(name, (event) => {
      if (!root.isConnected || !holdsFiles(event)) return;
      event.preventDefault();
      act(event);
    });
  };
  on("dragenter", () => mark(1));
  on("dragleave", () => mark(-1));
  on("dragover", (event) => {
    event.dataTransfer.dropEffect = "copy";
  });
  on("drop", (event) => {
    mark(-depth);
    take(event.dataTransfer.files);
  });
}

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function makeRow(name, { show, remove }) {
  const row = make("li", "upload");
  const plain = make("span", "upload-name", name);
  const button = make("button", "link upload-name", name);
  button.type = "button";
  button.addEventListener("click", show);
  const bar = make("progress", "upload-bar");
  bar.max = 1;
  const away = make("button", "chip", "Remove");
  away.type = "button";
  away.ariaLabel = `Remove ${name}`;
  away.addEventListener("click", remove);
  row.append(plain, button, make("span", "upload-state small"), away, bar);
  return row;
}

function fillRow(row, { name, status }, isShown) {
  const [plain, button, words, , bar] = row.children;
  const { state, progress } = status;
  plain.hidden = state === "done";
  button.hidden = !plain.hidden;
  button.ariaPressed = String(isShown);
  words.textContent = state === "done" ? shortWords(status) : stateWords(status).replace(`${name}: `, "");
  words.classList.toggle("error", state === "failed");
  bar.hidden = !OPEN.includes(state);
  bar.ariaLabel = `${name}: ${words.textContent}`;
  if (typeof progress === "number" && state !== "waiting") bar.value = progress;
  else bar.removeAttribute("value");
}

function stateWords({ state, stage, progress, error }) {
  const share = typeof progress === "number" ? ` ${percent(progress)}` : "";
  return {
    queued: "Waiting to be sent",
    sending: `Sending${share}`,
    receiving: "Sending",
    waiting: "Waiting for its turn",
    running: stage === "copying" ? `Making a copy that browsers play${share}` : `Reading${share}`,
    failed: error,
  }[state];
}

/** Only of photographs, and of faces that were found. */
const explainable = ({ kind, rows }) => kind === "photograph" && rows > 0;

function legendItem(label) {
  const item = make("li", "");
  item.append(make("span", `swatch emotion-${label}`), label);
  return item;
}

function tableRow(tag, cells) {
  const row = document.createElement("tr");
  for (const text of cells) {
    const cell = make(tag, "", text);
    if (tag === "th") cell.scope = "col";
    row.append(cell);
  }
  return row;
}

async function getJson(address) {
  try {
    const answer = await fetch(address);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the server is away; whoever asked tries again or says so
  }
}

customElements.define(
  "mien-files",
  class extends HTMLElement {
    connectedCallback() {
      this.files ??= new Files(this);
    }
  },
);
