// The live view's keys: space pauses, M marks, S saves a snapshot, F is for full screen, ? helps.

/**
 * What a key means; null for one that belongs to somebody else: to a field that is typed in, or a button that the keyboard has reached.
 *
 * @param byKeyboard whether the focus was moved by keyboard: after a click, it only happens to be where it is
 */
export function meaning({ key, ctrlKey, metaKey, altKey, repeat, target }, byKeyboard) {
  if (ctrlKey || metaKey || altKey || repeat || target.closest?.("dialog, textarea, select, [contenteditable], input:not([type=checkbox])")) return null;
  const known = { " ": "pause", m: "mark", s: "snapshot", f: "full", "?": "keys" }[key.toLowerCase()] ?? null;
  return known === "pause" && byKeyboard && target.closest?.("button, summary, a, input") ? null : known;
}

/** @param act what is called for each meaning; gives false where there is nothing to do now */
export function listenForKeys(act) {
  let byKeyboard = false;
  document.addEventListener("pointerdown", () => (byKeyboard = false), true);
  document.addEventListener("keydown", (event) => {
    byKeyboard ||= event.key === "Tab";
    const wanted = document.querySelector("dialog[open]") ? null : meaning(event, byKeyboard);
    if (wanted && act[wanted]() !== false) event.preventDefault();
  });
  // A space that paused must not press the button too that a click has left the focus on: browsers do that when it is let go.
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && meaning(event, byKeyboard)) event.preventDefault();
  });
}
