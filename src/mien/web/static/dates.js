// Days as text: "2026-05-03". They are counted, never put on a clock, so that no hour of daylight saving moves one.

const DAY_MS = 86_400_000;
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/** The number of a day, counted from 1 January 1970. */
export function dayNumber(text) {
  const [year, month, day] = text.slice(0, 10).split("-").map(Number);
  return Math.round(Date.UTC(year, month - 1, day) / DAY_MS);
}

/** The day of a number, as text. */
export function dayText(number) {
  return new Date(number * DAY_MS).toISOString().slice(0, 10);
}

/** The parts of a day: year, month from 0, day from 1, and weekday from 0, which is Monday. */
export function parts(number) {
  const day = new Date(number * DAY_MS);
  return { year: day.getUTCFullYear(), month: day.getUTCMonth(), day: day.getUTCDate(), weekday: (day.getUTCDay() + 6) % 7 };
}

/** The number of a month's first day; months count on over the year's end. */
export function monthStart(year, month) {
  return Math.round(Date.UTC(year, month, 1) / DAY_MS);
}

export const monthName = (month) => MONTHS[month];

/** 3 May 2026 */
export function plainDay(number) {
  const { year, month, day } = parts(number);
  return `${day} ${MONTHS[month]} ${year}`;
}

/** Sunday, 3 May 2026 */
export const longDay = (number) => `${WEEKDAYS[parts(number).weekday]}, ${plainDay(number)}`;

/** 3 May */
export function shortDay(number) {
  const { month, day } = parts(number);
  return `${day} ${MONTHS[month].slice(0, 3)}`;
}

/** This day, where the page is looked at. */
export function today() {
  const now = new Date();
  return Math.round(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()) / DAY_MS);
}

/** This moment as forms take it: "2026-05-03T09:30". */
export function nowText() {
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  return `${dayText(today())}T${two(now.getHours())}:${two(now.getMinutes())}`;
}

/** 3 May 2026, 09:30 */
export const plainMoment = (text) => `${plainDay(dayNumber(text))}, ${text.slice(11, 16)}`;

/** Where an axis of days is marked, and with what: about one mark for so many pixels. */
export function dayTicks(first, last, width, roomPx = 64) {
  const most = Math.max(2, Math.floor(width / roomPx));
  const days = last - first + 1;
  if (days <= 7 * most) return steps(first, last, Math.max(1, days <= most ? 1 : 7));
  const every = [1, 2, 3, 6, 12, 24].find((months) => days / 30.4 / months <= most) ?? 60;
  const ticks = [];
  const { year, month } = parts(first);
  for (let i = 0; ticks.length < 200; i++) {
    const at = monthStart(year, month + i);
    if (at > last) break;
    const there = parts(at);
    if (at < first || (12 * there.year + there.month) % every) continue;
    ticks.push([at, there.month === 0 ? String(there.year) : MONTHS[there.month].slice(0, 3)]);
  }
  return ticks;
}

function steps(first, last, every) {
  // Weeks begin on Mondays.
  const from = every === 7 ? first + ((7 - parts(first).weekday) % 7) : first;
  const ticks = [];
  for (let at = from; at <= last; at += every) ticks.push([at, shortDay(at)]);
  return ticks;
}
