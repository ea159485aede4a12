// The list of subjects: who there is, whether they consent, when they were recorded last; and who may log in.

import { ask, subjectPath } from "./api.js";
import { dayNumber, plainDay } from "./dates.js";
import { html } from "./svg.js";
import { count } from "./wording.js";

export const CONSENT = { valid: "Consent given", none: "No consent yet", withdrawn: "Consent withdrawn", expired: "Consent has ended" };

/** The state of a consent as a sign with words: valid until, none, withdrawn, ended. */
export function consentSign({ state, last_day: last }) {
  const end = state === "valid" && last ? ` until ${plainDay(dayNumber(last))}` : "";
  return html("span", { class: `sign-pill consent-${state}` }, CONSENT[state] + end);
}

class Subjects {
  #part;

  constructor(root) {
    this.#part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.#part("add").addEventListener("submit", (event) => this.#add(event));
    this.#part("simulate").addEventListener("click", () => this.#simulate());
    this.#part("user-form").addEventListener("submit", (event) => this.#addUser(event));
    for (const form of root.querySelectorAll("form[data-text]")) form.addEventListener("submit", (event) => this.#setText(event, form));
    const gone = new URLSearchParams(location.search).get("gone");
    this.#part("gone").hidden = !gone;
    if (gone) this.#part("gone").textContent = `${gone} is no longer in the record: it was erased.`;
    this.#load();
  }

  async #load() {
    try {
      this.#show(await ask("subjects"));
    } catch (error) {
      this.#part("trouble").textContent = error.message;
      this.#part("waiting").hidden = true;
    }
  }

  #show({ store, role, name, subjects }) {
    const rules = ["everyone", "admin"].includes(role);
    this.#part("waiting").hidden = true;
    this.#part("where").textContent = store;
    this.#part("where").parentElement.hidden = !store; // where it lies is none of a subject's business
    this.#part("leave").hidden = !name;
    const leave = html("form", { method: "post", action: "/logout" }, html("button", {}, "Log out"));
    this.#part("leave").replaceChildren(`You are logged in as ${name} (${role}).`, leave);
    this.#part("none").hidden = subjects.length > 0 || role === "admin";
    this.#part("admin-note").hidden = role !== "admin";
    this.#part("list").replaceChildren(...subjects.map(row));
    this.#part("adding").hidden = !["everyone", "clinician"].includes(role);
    this.#part("ruling").hidden = !rules;
    for (const part of ["looking", "looking-note"]) this.#part(part).hidden = this.#part("adding").hidden;
    this.#part("adding").open ||= subjects.length === 0;
    if (rules) this.#loadUsers();
  }

  async #add(event) {
    event.preventDefault();
    const { code, birth_year: year, notes } = event.target.elements;
    const body = { code: code.value.trim(), birth_year: year.value ? Number(year.value) : null, notes: notes.value };
    this.#try("add-error", async () => {
      const added = await ask("subjects", { method: "POST", body });
      location.assign(`/${subjectPath(added.code)}`);
    });
  }

  // A person who doesn't exist, for whoever is just looking.

  #simulate() {
    const button = this.#part("simulate");
    button.disabled = true;
    button.textContent = "Simulating twelve weeks…";
    this.#try("simulate-error", async () => {
      const { code } = await ask("simulated", { method: "POST" });
      location.assign(`/${subjectPath(code)}`);
    }).finally(() => {
      button.disabled = false;
      button.textContent = "Simulate a person";
    });
  }

  // Who may log in, and the clinic's texts.

  async #loadUsers() {
    const [users, texts] = await Promise.all([ask("users"), ask("texts")]);
    this.#part("users").replaceChildren(...users.map((user) => this.#userRow(user)));
    this.#part("no-users").hidden = users.length > 0;
    for (const [name, text] of Object.entries(texts)) {
      const form = document.querySelector(`form[data-text="${name}"]`);
      if (form) form.elements.text.value = text;
    }
  }

  #userRow({ name, role, subject }) {
    const remove = html("button", { type: "button", class: "chip", "aria-label": `Remove ${name}` }, "Remove");
    remove.addEventListener("click", () =>
      this.#try("user-error", async () => {
        await ask(`users/${encodeURIComponent(name)}`, { method: "DELETE" });
        await this.#loadUsers();
      }),
    );
    return html("li", { class: "row" }, html("b", {}, name), `${role}${subject ? ` (${subject})` : ""}`, html("span", { class: "spring" }), remove);
  }

  #addUser(event) {
    event.preventDefault();
    const { name, password, role, subject } = event.target.elements;
    const body = { name: name.value.trim(), password: password.value, role: role.value, subject: role.value === "self" ? subject.value.trim() : null };
    this.#try("user-error", async () => {
      await ask("users", { method: "POST", body });
      event.target.reset();
      await this.#loadUsers();
    });
  }

  #setText(event, form) {
    event.preventDefault();
    this.#try("text-error", async () => {
      await ask(`texts/${form.dataset.text}`, { method: "POST", body: { text: form.elements.text.value } });
      this.#part("spoken").textContent = "The text was saved.";
    });
  }

  async #try(place, act) {
    this.#part(place).textContent = "";
    try {
      await act();
    } catch (error) {
      this.#part(place).textContent = error.message;
    }
  }
}

function row(subject) {
  const { code, consent, last_recording: last, days, recording_now: open, simulated } = subject;
  const link = html("a", { href: `/${subjectPath(code)}`, class: "subject-code" }, code);
  const signs = [consentSign(consent)];
  if (open) signs.unshift(html("span", { class: "sign-pill recording" }, "Recording now"));
  if (simulated) signs.unshift(html("span", { class: "sign-pill simulated" }, "Simulated"));
  const words = last ? `${count(days, "day")}, last ${plainDay(dayNumber(last))}` : "nothing recorded yet";
  return html("li", { class: "subject-row" }, link, html("span", { class: "signs" }, ...signs), html("span", { class: "faint" }, words));
}

customElements.define(
  "mien-subjects",
  class extends HTMLElement {
    connectedCallback() {
      this.subjects ??= new Subjects(this);
    }
  },
);
