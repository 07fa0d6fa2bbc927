// Arithmetic: writes out how one cell of the result came about.
// Does not compute: computing.js does. Tells steps.js which term is pointed at.
// The plain numbers are kept beside the written ones, for tests and for copying.

import { compute } from "./computing.js";
import { el } from "../attention/dom.js";
import { fill } from "../attention/text.js";
import { numeral, symbolParts, worked } from "./numerals.js";
import { nameOf } from "./stepframe.js";

const OPENING = new Set(["(", "max( 0 ,", "× tanh("]);

function chainNodes(chain, digits) {
  return chain.map((item) => {
    if (item.op) return el("span", { class: OPENING.has(item.op) ? "op opening" : "op", text: item.op });
    const label = item.label ? el("small", {}, ...symbolParts(item.label)) : null;
    const attributes = { class: "part", "data-part": item.name || null, "data-value": String(item.value) };
    return el("span", attributes, el("b", { text: worked(item.value, digits) }), label);
  });
}

// One column a term: they stand side by side, for a screen is wider than it is tall.
function termTable(terms, { step, digits, t }, actions) {
  const { shown, others, bias, kind } = terms;
  const { A, B, b } = step.matrices;
  const row = (name, head, cells) => el("tr", { "data-row": name }, el("th", { scope: "row" }, ...head), ...cells);
  const number = (value) => el("td", { text: worked(value, digits), "data-value": String(value) });
  const blank = () => el("td", { text: "" });
  const index = shown.map((term) => el("th", { scope: "col", "data-term": term.k }, el("bdi", { text: term.name })));
  const columns = { index, a: [], b: [], product: [], sum: [] };
  for (const term of shown) {
    columns.a.push(number(term.a));
    columns.b.push(number(term.b));
    columns.product.push(number(term.product));
    columns.sum.push(number(term.sum));
  }
  const more = (label, product, sum, name) => {
    columns.index.push(el("th", { scope: "col", "data-more": name, text: label }));
    columns.a.push(blank());
    columns.b.push(blank());
    columns.product.push(number(product));
    columns.sum.push(number(sum));
  };
  if (others) more(fill(t("term.others"), { n: others.n }), others.product, others.sum, "others");
  if (b) more(`+ ${b.symbol.replace("_", "")}`, bias, (others ?? shown[shown.length - 1]).sum + bias, "bias");
  const table = el(
    "table",
    {},
    row("index", [t(kind === "token" ? "term.token" : "term.index")], columns.index),
    row("a", symbolParts(A.symbol), columns.a),
    row("b", ["× ", ...symbolParts(B.symbol)], columns.b),
    row("product", [t("term.product")], columns.product),
    row("sum", [t("term.sum")], columns.sum),
  );
  // A column of the table is a term of the sum.
  const termAt = (event) => {
    const cell = event.target.closest?.("td, th");
    const at = cell ? [...cell.parentElement.children].indexOf(cell) - 1 : -1;
    return shown[at]?.k ?? null;
  };
  table.addEventListener("pointermove", (event) => actions.pointTerm(termAt(event)));
  table.addEventListener("pointerleave", () => actions.pointTerm(null));
  const told = fill(t("term.folded"), { shown: shown.length, all: terms.all });
  const folded = others ? el("p", { class: "note", text: told }) : null;
  return el("div", {}, el("div", { class: "table-scroll", tabindex: 0 }, table), folded);
}

// Both are told where they differ as written: rounding of 32-bit numbers, or more.
function differs(computed, recorded, digits) {
  return computed !== null && worked(computed, digits) !== worked(recorded, digits);
}

function headline(scene, recorded, found, actions) {
  const { step, cell, pinned, digits, t } = scene;
  const { rows, cols, symbol } = step.result;
  const names = [nameOf(rows, cell[0]), nameOf(cols, cell[1])].filter((name) => name !== "");
  const place = names.flatMap((name, i) => [i ? ", " : "", el("bdi", { text: name })]);
  const value = step.name === "ids" ? numeral(recorded, digits, true) : worked(recorded, digits);
  const computed = found?.computed ?? null;
  const own = differs(computed, recorded, digits);
  const parts = [
    el("span", { class: "name" }, ...symbolParts(symbol), el("span", { class: "place" }, " [", ...place, "]")),
    el("span", { class: "op", text: "=" }),
    ...(found?.terms ? [...chainNodes(found.chain, digits), el("span", { class: "op", text: "=" })] : []),
    el("b", { class: "answer", text: own ? worked(computed, digits) : value }),
  ];
  if (own) parts.push(el("span", { class: "own", text: fill(t("cell.own"), { value }) }));
  const unpin = { type: "button", class: "quiet-button", text: `✕ ${t("cell.unpin")}`, click: () => actions.pin(null, true) };
  if (pinned) parts.push(el("button", unpin));
  else parts.push(el("span", { class: "hint", text: t("cell.hint") }));
  return el("p", { class: "headline" }, ...parts);
}

function noteOf(note, digits, t) {
  const { key, value, ...places } = note;
  if (places.symbol) places.symbol = places.symbol.replace("_", "");
  const written = value === undefined ? "" : worked(value, digits);
  return el("p", { class: "note", text: fill(t(key), { ...places, value: written }) });
}

export function createArithmetic(pane, actions) {
  return {
    // spoken: the reader moved or pinned by keyboard, so a screen reader should say it.
    draw(scene, spoken = false) {
      const { step, cell, digits, t } = scene;
      pane.setAttribute("aria-live", spoken ? "polite" : "off");
      pane.hidden = cell === null;
      if (cell === null) {
        for (const name of ["cell", "value", "computed", "pinned"]) delete pane.dataset[name];
        pane.replaceChildren();
        return;
      }
      const recorded = step.result.at(...cell);
      const found = compute(step, ...cell, t);
      const computed = found?.computed ?? null;
      Object.assign(pane.dataset, { cell: cell.join(","), value: String(recorded), computed: String(computed) });
      pane.dataset.pinned = scene.pinned;
      const parts = [headline(scene, recorded, found, actions)];
      if (found?.before.length) parts.push(el("p", { class: "chain before" }, ...chainNodes(found.before, digits)));
      if (found?.chain.length && !found.terms) {
        const total = [{ op: found.arrow ? "→" : "=" }, { value: computed, name: "answer", label: answerLabel(step, t) }];
        parts.push(el("p", { class: "chain" }, ...chainNodes([...found.chain, ...total], digits)));
      }
      if (found?.terms) parts.push(termTable(found.terms, scene, actions));
      for (const note of found?.notes ?? []) parts.push(noteOf(note, digits, t));
      pane.replaceChildren(...parts);
    },
  };
}

function answerLabel(step, t) {
  if (step.rule !== "softmax") return step.result.symbol;
  return t(step.name === "probabilities" ? "part.probability" : "part.share");
}
