// A canvas that is a slider: dragged, moved by keys, drawn anew when its size or the theme changes.

/**
 * @param canvas what is drawn on
 * @param key given each event of a key
 * @param drag given how far from the left somebody points, in pixels
 * @param draw draws anew
 */
export function sliding(canvas, { key, drag, draw }) {
  canvas.addEventListener("keydown", key);
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    drag(event.offsetX);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) drag(event.offsetX);
  });
  new ResizeObserver(draw).observe(canvas);
  window.addEventListener("mien:theme", draw);
}
