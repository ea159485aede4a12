// After Stop: how long it was, what it showed, and what can be done with it.

import { html } from "./svg.js";
import { afterWords, percent, tooFew } from "./wording.js";

const MOST_SHARES = 4;

export class SessionSummary {
  #part;

  /** @param part finds an element by its name; @param acts csv and picture: what the buttons do */
  constructor(part, { csv, picture }) {
    this.#part = part;
    part("after-csv").addEventListener("click", csv);
    part("after-picture").addEventListener("click", picture);
  }

  hide() {
    this.#part("after").hidden = true;
  }

  /** @param summary of a Session; null shows nothing; @param recorded {subject, recording} where it was kept, else null */
  show(summary, recorded) {
    const part = this.#part;
    part("after").hidden = !summary;
    if (!summary) return;
    part("after-words").textContent = afterWords(summary);
    part("after-shares").replaceChildren(...summary.shares.slice(0, MOST_SHARES).map(shareRow));
    const rarely = tooFew(summary.length_s > 0 ? (summary.readings - 1) / summary.length_s : null);
    part("after-rarely").hidden = !rarely;
    part("after-rarely").textContent = rarely ?? "";
    linkRecording(part("after-open"), recorded);
    part("after-hint").textContent = recorded
      ? `The readings are in the record of ${recorded.subject}. Open the recording to go through it, add notes, or play your video beside it.`
      : "Nothing is kept when you leave: save the readings for a spreadsheet, or the picture of the timeline. To keep the next one, open “Record for a subject”.";
  }
}

/** Lead a link to a recording's page; without one it is hidden. */
export function linkRecording(link, recorded) {
  link.hidden = !recorded;
  if (recorded) link.href = `/subjects/${encodeURIComponent(recorded.subject)}/recordings/${recorded.recording}`;
}

function shareRow([label, share]) {
  const fill = html("span", { class: "bar-fill" });
  fill.style.transform = `scaleX(${share.toFixed(3)})`;
  return html("li", { class: `bar emotion-${label}` }, html("span", { class: "bar-name" }, label), html("span", { class: "bar-groove", "aria-hidden": "true" }, fill), html("span", { class: "bar-value" }, percent(share)));
}
