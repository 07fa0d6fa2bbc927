// Look: two switches, for a dark ground and for projector mode.
// Does not keep what was chosen and changes nothing itself; shell/look.js does, and has the key F2.

import { el } from "../attention/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = {
  dark: [
    ["circle", { cx: 12, cy: 12, r: 8.2 }],
    ["path", { d: "M12 3.8a8.2 8.2 0 0 1 0 16.4z", class: "full" }],
  ],
  projector: [
    ["rect", { x: 3, y: 4.5, width: 18, height: 11.5, rx: 1.2 }],
    ["path", { d: "M12 16v3.2M8 21l4-1.8 4 1.8" }],
  ],
};

function icon(name) {
  const made = (tag, attributes) => {
    const node = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const picture = made("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
  picture.append(...DRAWN[name].map(([tag, attributes]) => made(tag, attributes)));
  return picture;
}

export function createLook(root) {
  const html = document.documentElement;
  const choose = (detail) => window.dispatchEvent(new CustomEvent("headlight:choose-look", { detail }));
  const isDark = () => html.dataset.ground === "dark";
  const isProjected = () => html.hasAttribute("data-projector");

  const dark = el("button", { type: "button", "data-look": "dark", click: () => choose({ ground: isDark() ? "light" : "dark" }) }, icon("dark"));
  const projector = el("button", { type: "button", "data-look": "projector", "aria-keyshortcuts": "F2", click: () => choose({ projector: !isProjected() }) }, icon("projector"));
  root.replaceChildren(dark, projector);

  function show() {
    dark.setAttribute("aria-pressed", isDark());
    projector.setAttribute("aria-pressed", isProjected());
  }
  return {
    receive({ strings }) {
      dark.title = strings.dark;
      dark.setAttribute("aria-label", strings.dark);
      projector.title = strings["projector.help"];
      projector.setAttribute("aria-label", strings.projector);
      show();
    },
    destroy() {},
  };
}
