// Effects, agreement and changes of a venue in plain sentences.

import { longWords, signed } from "./venue_charts.js";
import { count, percent } from "./wording.js";

const points = (value) => `${value < 0 ? "−" : "+"}${Math.abs(100 * value).toFixed(0)}`;
const plus = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(0)}`;

/** How the measures of effects are called and written: a value, a difference, and the difference's unit. */
const EFFECTS = {
  smiling: { name: "Share smiling", words: percent, difference: points, unit: " points" },
  valence: { name: "Valence", words: signed, difference: signed, unit: "" },
  change: { name: "Change from arrival to leaving", words: signed, difference: signed, unit: "" },
  length_s: { name: "Length of a visit", words: longWords, difference: plus, unit: "\u00a0s" },
  visits_per_h: { name: "Visits an hour", words: (value) => value.toFixed(0), difference: plus, unit: "" },
};

/** Whether faces became more pleasant, in words. */
export function changeWords({ low, high }) {
  if (low > 0) return "more pleasant at leaving";
  return high < 0 ? "less pleasant at leaving" : "no clear change";
}

/** What a mark's effects say: {words, sure}, what is sure first, the others in one line. */
export function effectWords({ missing, effects, days_before: before, days_after: after }) {
  if (missing) return [{ words: `What it did is not known yet: it ${missing}.`, sure: false }];
  const sure = effects.filter((each) => each.sure).map((effect) => {
    const { name, words, difference, unit } = EFFECTS[effect.measure];
    const { value, low, high } = effect.difference;
    return { words: `${name}: ${words(effect.before)} before, ${words(effect.after)} since (${difference(value)}${unit}; 90 % interval ${difference(low)} to ${difference(high)}${unit}).`, sure: true };
  });
  const others = effects.filter((each) => !each.sure).map(({ measure }) => EFFECTS[measure].name.toLowerCase());
  const days = `${count(before, "day")} before, ${after} after`;
  if (!others.length) return sure;
  return [...sure, { words: `${sure.length ? "No difference beyond chance in" : "Nothing differs by more than chance:"} ${others.join(", ")} (${days}).`, sure: false }];
}

/** Whether the kiosk's answers and what the camera sees go together. @param agreement null where there are too few days */
export function agreementWords(agreement, days) {
  if (agreement === null) return `Whether answers and faces agree is not known yet: ${days ? `only ${count(days, "day")} with both` : "no day has both"}.`;
  const { value, low, high } = agreement;
  const range = `rank correlation ${signed(value)}, ${signed(low)} to ${signed(high)}, over ${count(days, "day")}`;
  if (low > 0) return `On days with better answers, faces were more pleasant, too (${range}).`;
  return high < 0 ? `On days with better answers, faces were less pleasant (${range}): trust the answers.` : `Answers and faces don't clearly agree (${range}).`;
}
