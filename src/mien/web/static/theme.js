// Light, dark or same as the system. A classic script in the head, so that the first paint is right already.
(() => {
  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const NAMES = { auto: "same as the system", light: "light", dark: "dark" };
  const root = document.documentElement;

  function saved() {
    try {
      return localStorage.getItem("mien-theme") in NEXT ? localStorage.getItem("mien-theme") : "auto";
    } catch {
      return "auto"; // storage may be forbidden
    }
  }

  function apply(theme) {
    root.dataset.theme = theme;
    try {
      localStorage.setItem("mien-theme", theme);
    } catch {
      // the choice then holds for this page only
    }
    const button = document.getElementById("theme-switch");
    if (button) {
      button.setAttribute("aria-label", `Theme: ${NAMES[theme]}. Change`);
      button.querySelector(".theme-name").textContent = theme[0].toUpperCase() + theme.slice(1);
    }
    window.dispatchEvent(new Event("mien:theme"));
  }

  root.dataset.theme = saved();
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#theme-switch")) apply(NEXT[root.dataset.theme]);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    window.dispatchEvent(new Event("mien:theme")),
  );
  document.addEventListener("DOMContentLoaded", () => apply(saved()));
})();
