// What a page about a subject does when the server refuses, and when the subject was erased meanwhile.

import { Refused } from "./api.js";

const LEAVE_MS = 4000;

/**
 * Do something that asks the server; what it refuses is said at a place of the page.
 *
 * @param part finds an element by its name
 * @param place where to say it
 * @param act what to do
 * @param gone is called when what is asked for is not there any more; null where it may never have been
 */
export async function attempt(part, place, act, gone) {
  part(place).textContent = "";
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.code === 404 && gone) gone();
    else part(place).textContent = error.message;
    part("waiting").hidden = true;
  }
}

/** Say that the subject was erased, and go to another page. */
export function leave(part, address) {
  part("all").hidden = true;
  part("gone").hidden = false;
  part("gone").querySelector("h1").focus();
  setTimeout(() => location.assign(address), LEAVE_MS);
}
