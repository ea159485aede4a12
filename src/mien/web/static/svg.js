// Drawing with SVG: its elements take their colours from the style sheets, so that themes need no script.

const SPACE = "http://www.w3.org/2000/svg";

/** Make an element with attributes and children; null and undefined are left out. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** The same for HTML; `text` may stand for the children. */
export function html(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "hidden" || key === "disabled") element[key] = value;
    else if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * Show rows in a room. What stands there already and looks the same stays, with its listeners, so that neither the
 * keyboard's focus nor a press that is under way is lost: two rows that do something else have to differ in an attribute.
 */
export function renew(room, rows) {
  const known = [...room.children];
  const shown = rows.map((row) => {
    const place = known.findIndex((each) => each.isEqualNode(row));
    return place < 0 ? row : known.splice(place, 1)[0];
  });
  for (const gone of known) gone.remove();
  shown.forEach((row, i) => row === room.children[i] || room.insertBefore(row, room.children[i] ?? null));
}

/** A number in a path or place: a tenth of a pixel is enough. */
export const px = (number) => Math.round(10 * number) / 10;

/** A path through points, [x, y] or null where it breaks. */
export function path(points) {
  let drawn = false;
  let text = "";
  for (const point of points) {
    if (point) text += `${drawn ? "L" : "M"}${px(point[0])} ${px(point[1])}`;
    drawn = point !== null;
  }
  return text;
}

/** Round values from low to high for an axis: three to six of them. */
export function ticks(low, high, most = 5) {
  const span = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(span / most));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => span / each <= most) ?? 10 * power;
  const values = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * span; i++) values.push(Number((i * step).toPrecision(12)));
  return values;
}

/** A number with as many decimals as its size asks for; a real minus sign. */
export function plainNumber(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  const decimals = value === 0 ? 0 : Math.max(0, Math.min(4, digits - 1 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toFixed(decimals).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "").replace("-", "−");
}
