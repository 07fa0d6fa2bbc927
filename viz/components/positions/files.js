// Files: the menu beside a picture, and how a picture becomes a file.
// Does not know what pictures show.

import { el, foldingMenu } from "../attention/dom.js";

export function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  // The download has its own hold on the blob by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

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
