// The kiosk: a guest touches one of five faces. Nothing of it is kept in the browser.

import { Refused, ask } from "./api.js";

const LOOK_MS = 5000;
const THANKS_MS = 4000; // in which nothing more is taken, so that nobody answers twice by a second touch
const IDLE_MS = 30_000; // after which the next guest finds the first language
const AGAIN_MS = 1100; // two tablets of one station may be touched at the same moment
const BUSY = 429;

/**
 * The languages that a kiosk offers, the first as its default.
 *
 * @param asked in the address, such as "de,en"; null where nobody has chosen: all, in the order of `known`
 * @param known codes of all that there are
 * @param preferred codes that the browser prefers, such as "de-AT"
 */
export function offered(asked, known, preferred) {
  const chosen = (asked ?? "").split(",").map((code) => code.trim().toLowerCase());
  const among = [...new Set(chosen)].filter((code) => known.includes(code));
  if (among.length) return among;
  const short = preferred.map((code) => code.toLowerCase().split("-")[0]);
  const first = short.find((code) => known.includes(code)) ?? "en";
  return [first, ...known.filter((code) => code !== first)];
}

class Kiosk {
  #part;
  #path;
  #words; // by language
  #languages;
  #answers;
  #now; // the language that is shown
  #missed = 0;
  #idle;
  #turnedOff = false;

  constructor(root) {
    this.#part = (name) => root.querySelector(`[data-part="${name}"]`);
    const { venue, station, words } = JSON.parse(root.dataset.config);
    this.#path = `kiosk/${encodeURIComponent(venue)}/${encodeURIComponent(station)}`;
    this.#words = words;
    const asked = new URLSearchParams(location.search).get("language");
    this.#languages = offered(asked, Object.keys(words), navigator.languages);
    this.#answers = [...this.#part("answers").children];
    this.#listen();
    this.#speak(this.#languages[0]);
    setInterval(() => document.hidden || this.#look(), LOOK_MS);
    document.addEventListener("visibilitychange", () => document.hidden || this.#look());
    this.#look();
  }

  #listen() {
    const part = this.#part;
    for (const button of this.#answers) button.addEventListener("click", () => this.#answer(button));
    for (const code of this.#languages) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", lang: code, value: code, textContent: this.#words[code].language });
      button.addEventListener("click", () => this.#speak(code));
      part("languages").append(button);
    }
    part("languages").hidden = this.#languages.length < 2;
    part("off").addEventListener("click", () => part("sure").showModal());
    part("sure").addEventListener("close", ({ target }) => target.returnValue === "off" && this.#turnOff());
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => this.#wake());
    document.addEventListener("keydown", (event) => {
      const digit = !part("sure").open && !event.ctrlKey && !event.altKey && !event.metaKey && Number(event.key);
      if (digit >= 1 && digit <= this.#answers.length) this.#answer(this.#answers[digit - 1]);
    });
  }

  /** Show everything in a language. */
  #speak(code) {
    this.#now = code;
    const words = this.#words[code];
    document.documentElement.lang = code;
    document.documentElement.dir = words.right_to_left ? "rtl" : "ltr";
    document.title = words.question;
    for (const name of ["question", "sign", "sign_more", "off", "off_sure", "off_yes", "off_no"]) {
      this.#part(name.replaceAll("_", "-")).textContent = words[name];
    }
    this.#answers.forEach((button, at) => (button.querySelector("span").textContent = words.answers[at]));
    this.#part("languages").setAttribute("aria-label", words.choose_language);
    for (const button of this.#part("languages").children) button.setAttribute("aria-pressed", button.value === code);
    if (this.#part("said").textContent) this.#part("said").textContent = words.thanks;
    this.#tellTrouble();
    this.#tellOff();
  }

  #wake() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if (this.#part("sure").open) this.#part("sure").close("");
      this.#speak(this.#languages[0]);
    }, IDLE_MS);
  }

  async #answer(button) {
    const group = this.#part("answers");
    if (group.classList.contains("done")) return;
    group.classList.add("done");
    button.classList.add("chosen");
    for (const each of this.#answers) each.setAttribute("aria-disabled", "true");
    if (await this.#send(Number(button.value))) {
      this.#part("said").textContent = this.#words[this.#now].thanks;
      await pause(THANKS_MS);
      this.#part("said").textContent = "";
    }
    group.classList.remove("done");
    button.classList.remove("chosen");
    for (const each of this.#answers) each.removeAttribute("aria-disabled");
  }

  /** Hand an answer in; whether it was taken. */
  async #send(answer) {
    for (const again of [true, false]) {
      try {
        await ask(`${this.#path}/answers`, { method: "POST", body: { answer } });
        this.#heard(true);
        return true;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (error.code !== BUSY || !again) break;
        await pause(AGAIN_MS);
      }
    }
    this.#missed = 1; // said at once
    this.#heard(false);
    return false;
  }

  async #turnOff() {
    try {
      await ask(`${this.#path}/off`, { method: "POST" });
      this.#turnedOff = true;
      this.#part("sign-box").hidden = true;
      this.#tellOff();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#missed = 1;
      this.#heard(false);
    }
  }

  async #look() {
    try {
      const { camera, answers } = await ask(this.#path);
      this.#part("sign-box").hidden = !camera;
      if (camera) this.#turnedOff = false;
      this.#tellOff();
      this.#heard(answers);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#heard(false);
    }
  }

  /** Note whether the program answered as it should; that it doesn't is said from the second time on. */
  #heard(well) {
    this.#missed = well ? 0 : this.#missed + 1;
    this.#tellTrouble();
  }

  #tellTrouble() {
    const words = this.#missed >= 2 ? this.#words[this.#now].away : "";
    if (this.#part("away").textContent !== words) this.#part("away").textContent = words;
  }

  #tellOff() {
    const words = this.#turnedOff ? this.#words[this.#now].off_done : "";
    if (this.#part("off-done").textContent !== words) this.#part("off-done").textContent = words;
  }
}

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

if (typeof customElements !== "undefined") {
  customElements.define(
    "mien-kiosk",
    class extends HTMLElement {
      connectedCallback() {
        this.kiosk ??= new Kiosk(this);
      }
    },
  );
}
