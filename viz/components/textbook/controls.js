// Controls: sizes, mask, ready-made numbers, digits, files.
// Does not compute; tells textbook.js what was asked for through `actions`.
// Rebuilt only when its texts change, so keyboard focus stays where it is.

import { el, segmented } from "../attention/dom.js";
import { fill } from "../attention/text.js";
import { MOST_SEED, outstanding } from "./example.js";

export const DIGITS = [2, 4, "full"];

const upTo = (most) => Array.from({ length: most }, (_, at) => ({ value: at + 1, text: String(at + 1) }));
const button = (text, name, click) => el("button", { type: "button", class: "quiet-button", "data-do": name, text, click });

function choice(label, control, help) {
  return el("div", { class: "control", title: help }, el("span", { class: "label", text: label }), control.element);
}

export function createControls(top, files, actions) {
  let parts = null;

  return {
    build(t, limits) {
      const pick = (name, options, act) => segmented({ label: t(name), name, options, pick: act });
      const positions = pick("positions", upTo(limits.positions), (n) => actions.resize(n, null));
      const dimensions = pick("dimensions", upTo(limits.dimensions), (d) => actions.resize(null, d));
      const mask = pick(
        "mask",
        ["none", "causal"].map((kind) => ({ value: kind, text: t(`mask.${kind}`), help: kind === "causal" ? t("mask.causal.help") : null })),
        (kind) => actions.setCausal(kind === "causal"),
      );
      const digits = pick(
        "digits",
        DIGITS.map((value) => ({ value, text: value === "full" ? t("digits.full") : String(value) })),
        (value) => actions.setDigits(value),
      );
      const seed = el("input", {
        type: "number",
        class: "seed",
        min: 1,
        max: MOST_SEED,
        "aria-label": t("seed"),
        change: (event) => actions.generate("random", event.target.valueAsNumber),
      });
      const equal = button(t("numbers.default"), "default", () => actions.generate("default"));
      const stands = button(t("numbers.stands"), "stands", () => actions.generate("stands"));
      const random = button(t("numbers.random"), "random", () => actions.generate("random", null));
      random.title = t("numbers.random.help");
      const reset = button(t("reset"), "reset", () => actions.reset());
      reset.title = t("reset.help");
      const lot = el("label", { class: "control" }, el("span", { class: "label", text: t("seed") }), seed);
      const numbers = el("div", { class: "buttons", role: "group", "aria-label": t("numbers") }, equal, stands, random, lot, reset);
      top.replaceChildren(
        choice(t("positions"), positions),
        choice(t("dimensions"), dimensions, t("dimensions.help")),
        choice(t("mask"), mask),
        el("div", { class: "control wide" }, el("span", { class: "label", text: t("numbers") }), numbers),
        choice(t("digits"), digits),
      );
      const note = el("span", { class: "note" });
      files.replaceChildren(
        button(t("copy"), "copy", () => actions.copy()),
        el("span", { class: "label", text: t("download") }),
        button(t("download.py"), "py", () => actions.download("py")),
        button(t("download.csv"), "csv", () => actions.download("csv")),
        note,
      );
      parts = { positions, dimensions, mask, digits, seed, equal, stands, random, note };
    },
    update({ state, digits, t }) {
      parts.positions.set(state.n);
      parts.dimensions.set(state.d);
      parts.mask.set(state.causal ? "causal" : "none");
      parts.digits.set(digits);
      for (const [kind, made] of [["default", parts.equal], ["stands", parts.stands], ["random", parts.random]])
        made.setAttribute("aria-pressed", state.kind === kind);
      parts.stands.title = fill(t("numbers.stands.help"), { row: outstanding(state.n) });
      // The seed of numbers that are not drawn, or were changed since, says nothing.
      parts.seed.value = state.kind === "random" ? String(state.seed) : "";
    },
    say: (text) => (parts.note.textContent = text),
  };
}
