// The page's colours for canvases: read from the style sheets, anew when the theme changes.

let known = null;

window.addEventListener("mien:theme", () => {
  known = null;
});

/** Colours by name: ink, faint, line, card, accent, and of each emotion `happiness`, `happiness-ink`. */
export function colours() {
  known ??= read();
  return known;
}

function read() {
  const style = getComputedStyle(document.documentElement);
  return new Proxy({}, { get: (kept, name) => (kept[name] ??= value(style, name)) });
}

function value(style, name) {
  return style.getPropertyValue(`--emotion-${name}`).trim() || style.getPropertyValue(`--${name}`).trim() || "#888";
}

/** Fit a canvas to the room it has on the page; gives its 2D context with one unit a CSS pixel, and its size. */
export function fitted(canvas, mostPixels = 1400) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = Math.min(devicePixelRatio || 1, 2, mostPixels / Math.max(1, width));
  const size = { width: Math.max(1, Math.round(width * ratio)), height: Math.max(1, Math.round(height * ratio)) };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { pen, width, height };
}
