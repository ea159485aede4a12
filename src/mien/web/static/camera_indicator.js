// Shows unmistakably that a camera is on: the pill in the header, the tab's title and sign.

const ICON = { on: "/static/mien/icon-on.svg", off: "/static/mien/icon.svg" };

export class CameraIndicator {
  #title = document.title;
  #stage;
  #here = false;

  /** @param stage the picture's frame, which gets a coloured edge */
  constructor(stage) {
    this.#stage = stage;
  }

  /** @param words what the pill says; null when no camera is on; @param here whether its picture is shown here */
  show(words, here) {
    const on = words !== null;
    const pill = document.getElementById("camera-pill");
    if (!pill || (pill.textContent === (words ?? "") && this.#here === here)) return;
    this.#here = here;
    pill.hidden = !on;
    pill.textContent = words ?? "";
    document.title = (on ? "● " : "") + this.#title;
    document.querySelector('link[rel~="icon"]').href = on ? ICON.on : ICON.off;
    this.#stage.classList.toggle("on", here);
  }
}

/** Whether a source of the server is a camera or stream, by its address: files and the portrait aren't. */
export function isCamera(where) {
  return /^(camera:|\d+$|\/dev\/video|rtsps?:|https?:)/.test(where);
}
