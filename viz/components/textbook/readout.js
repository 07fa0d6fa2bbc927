// Readout: the arithmetic of the cell that is pointed at or pinned, in a line that stays in view.
// Does not know how the cell was chosen. What is pinned is also said to those who cannot see it.

import { el } from "../attention/dom.js";
import { fill } from "../attention/text.js";

export function createReadout(host, spoken, actions) {
  const place = el("span", { class: "place" });
  const sum = el("output", { class: "sum", "data-arithmetic": "" });
  const note = el("span", { class: "label" });
  const unpin = el("button", { type: "button", class: "quiet-button", "data-do": "unpin", hidden: true, click: () => actions.unpin() });
  host.append(el("div", { class: "told" }, place, sum), el("div", { class: "aside" }, note, unpin));

  return {
    // shown: {place, sum} or null; pinned: the same of the pinned cell, which may be another.
    write({ shown, pinned, isPinned, digits, t }) {
      place.textContent = shown ? shown.place : t("hint");
      sum.textContent = shown ? shown.sum : "";
      host.classList.toggle("pinned", isPinned);
      note.textContent = shown && digits !== "full" ? fill(t("rounded"), { digits }) : "";
      unpin.hidden = pinned === null;
      unpin.textContent = `✕ ${t("unpin")}`;
      const said = pinned ? `${pinned.place}: ${pinned.sum}` : "";
      if (spoken.textContent !== said) spoken.textContent = said;
    },
  };
}
