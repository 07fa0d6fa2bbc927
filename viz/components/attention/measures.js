// Measures: the line under the pictures, one number a measure, each with its definition.
// Does not compute them: Python did, and sent them with each head.
// A definition opens on hover and on keyboard focus, so nobody has to guess.

import { el } from "./dom.js";
import { fill, fixed, percent } from "./text.js";

// Bits and positions with one decimal, shares with two, as on every page.
const WRITTEN = {
  entropy: (v) => fixed(v, 1),
  entropy_share: percent,
  distance: (v) => fixed(v, 1),
};

function phrase(t, name, value) {
  const text = (WRITTEN[name] ?? fixed)(value);
  const template = t(`measure.${name}`);
  return template === `measure.${name}` ? `${name} ${text}` : fill(template, { value: text });
}

export function createMeasures(line) {
  let count = 0;
  const away = (event) => {
    if (event.key !== "Escape") return;
    for (const item of line.querySelectorAll(".measure:hover, .measure:focus")) item.classList.add("away");
  };
  const back = (event) => event.target.closest?.(".measure")?.classList.remove("away");
  document.addEventListener("keydown", away);
  line.addEventListener("pointerout", back);
  line.addEventListener("focusout", back);
  return {
    draw(scene) {
      const { t, header, head } = scene;
      line.setAttribute("aria-label", fill(t("measures"), { head: head.name }));
      // "entropy 1.2 bits (41% of max)" is one phrase: no dot between its two measures.
      const joined = (index) => header.measured[index + 1] === "entropy_share";
      // What makes no sense for this stack (a distance between two texts) is not mentioned.
      const known = header.measured.filter((_, index) => (head.measures[index] ?? null) !== null);
      const items = known.map((name) => {
        const index = header.measured.indexOf(name);
        const help = t(`measure.${name}.help`);
        const id = `headlight-measure-${name}-${(count += 1)}`;
        const bubble =
          help === `measure.${name}.help` ? null : el("span", { class: "bubble", role: "tooltip", id, text: help });
        const value = head.measures[index] ?? null;
        const text = el("span", { class: "measure-text", text: phrase(t, name, value) });
        const kind = joined(index) ? "measure joined" : "measure";
        const attributes = { class: kind, "data-measure": name, "data-value": value ?? "", tabindex: 0 };
        return el("span", { ...attributes, "aria-describedby": bubble && id }, text, bubble);
      });
      const { measured_on: some, n_queries: all } = scene.stack;
      if (some !== null) items.push(el("span", { class: "measure-note", text: fill(t("measures.sampled"), { some, all }) }));
      if (header.query) items.push(el("span", { class: "measure-note", text: t("measures.whole") }));
      line.replaceChildren(...items);
      line.hidden = items.length === 0;
    },
    destroy: () => document.removeEventListener("keydown", away),
  };
}
