// Files: the menu beside a picture.
// Does not know what pictures show, nor how they become files.

import { el, foldingMenu } from "../attention/dom.js";

// kinds: [[ending, what to do or where to get it]]
export function exportMenu(kinds, t) {
  const sheet = el("div", { class: "menu-sheet" });
  const menu = foldingMenu(t("export"), sheet);
  for (const [ending, how] of kinds) {
    const text = t(`export.${ending}`);
    const made =
      typeof how === "string"
        ? el("a", { href: how, download: true, "data-export": ending, text, pointerdown: (event) => (event.target.href = menu.csv), focus: (event) => (event.target.href = menu.csv) })
        : el("button", { type: "button", "data-export": ending, text, click: how });
    made.addEventListener("click", () => (menu.open = false));
    sheet.append(made);
  }
  return menu;
}
