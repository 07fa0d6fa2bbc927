// Wording: what is said of a step: its title, formula, shapes, explanation and source.
// Does not know numbers but sizes.
// A formula is markup that we wrote ourselves, parsed apart from the page; all else is text.

import { el } from "../attention/dom.js";
import { fill } from "../attention/text.js";
import { plainSymbol, symbolParts } from "./numerals.js";

const SIGNS = { matmul: "·", add: "+" };

// Parsed as inert HTML: no script in it would run, and no picture would load.
function formulaNode(markup) {
  const parsed = new DOMParser().parseFromString(markup, "text/html").body;
  return [...parsed.childNodes].map((node) => document.importNode(node, true));
}

function shapeOf({ symbol, rows, cols }) {
  const size = el("span", { class: "size", text: ` [${rows.size} × ${cols.size}]` });
  return el("span", { class: "shape" }, el("span", { class: "symbol" }, ...symbolParts(symbol)), size);
}

function shapes(step) {
  const { matrices, result, rule } = step;
  if (!result) return [];
  const operands = Object.entries(matrices);
  const parts = [];
  operands.forEach(([letter, matrix], i) => {
    if (i) parts.push(el("span", { class: "op", text: letter === "b" ? "+" : (SIGNS[rule] ?? ",") }));
    parts.push(shapeOf(matrix));
  });
  if (operands.length) parts.push(el("span", { class: "op", text: "→" }));
  return [...parts, shapeOf(result)];
}

// Where it can be read: the lines of the code, or the equation of the paper.
function sourceOf(told, t) {
  const { code, code_at: at, code_link: link, paper } = told;
  if (!code.length && !paper) return null;
  const parts = [];
  if (code.length) {
    const where = fill(t("code.lines"), { n: at });
    const head = link ? el("a", { href: link, target: "_blank", rel: "noopener", text: where }) : el("span", { text: where });
    parts.push(el("p", {}, head), el("pre", { role: "group", tabindex: 0, "aria-label": t("code") }, el("code", { text: code.join("\n") })));
  }
  if (paper) parts.push(el("p", { text: `${fill(t("paper"), { place: paper })} · ${t("paper.source")}` }));
  return el("details", { class: "source-of" }, el("summary", { text: t(code.length ? "code" : "paper.where") }), ...parts);
}

export function createWording(pane) {
  let said = null;
  const title = el("h3", { class: "title" });
  const where = el("span", { class: "where" });
  const explain = el("p", { class: "explain" });
  // Wider than a phone it scrolls, which the keyboard can do only where it can go.
  const formula = el("div", { class: "formula", role: "group", tabindex: 0 });
  const sizes = el("div", { class: "shapes" });
  const source = el("div", { class: "source-box" });
  const missing = el("p", { class: "missing", hidden: true });
  const left = el("div", { class: "left" }, el("div", { class: "titles" }, title, where), explain, source);
  const right = el("div", { class: "right" }, formula, sizes);
  pane.append(left, right, missing);

  return {
    draw({ step, t, told, sectionTitle, headName }) {
      sizes.replaceChildren(...shapes(step));
      where.textContent = headName ? `${sectionTitle} · ${headName}` : sectionTitle;
      const why = step.rule === "missing" ? fill(t(`why.${step.why}`), { title: plainSymbol(told.title), section: sectionTitle }) : "";
      missing.hidden = why === "";
      missing.textContent = why;
      right.hidden = why !== "";
      if (said === told) return;
      said = told;
      title.replaceChildren(...symbolParts(told.title));
      explain.replaceChildren(...symbolParts(told.explain));
      formula.replaceChildren(...formulaNode(told.formula));
      formula.setAttribute("aria-label", t("formula"));
      const open = source.querySelector("details")?.open ?? false;
      const details = sourceOf(told, t);
      if (details) details.open = open;
      source.replaceChildren(...(details ? [details] : []));
    },
  };
}
