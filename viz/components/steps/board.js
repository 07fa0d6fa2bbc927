// Board: the matrices of a step side by side, with the signs of its rule between them.
// Does not compute. Decides how much room each matrix gets and what is lit in it.
// Matrices over the same tokens or dimensions scroll together.

import { el } from "../attention/dom.js";
import { fill } from "../attention/text.js";
import { linked } from "./links.js";
import { numeral } from "./numerals.js";
import { createSheet } from "./sheet.js";

const SPACE = 12; // between two parts
const STACK_SIGN = 24;
const LEAST = 200;
const LEAST_TERMS = 280;
const NARROW = 640;
const ROWS = { least: 8, most: 20, height: 21, head: 21 };
const AROUND = 690; // what else stands on the page at the height of a laptop's screen

// The operands in the order of the formula. A string is a sign, an array stands one above the other.
function planOf(step, digits) {
  const { matrices, rule, numbers } = step;
  const has = (letter) => letter in matrices;
  if (rule === "matmul") return ["A", "·", "B", ...(has("b") ? ["+", "b"] : []), "="];
  if (rule === "add") return ["A", "+", "B", "="];
  if (rule === "scale") {
    const root = Math.sqrt(numbers.d);
    const isRoot = Math.abs(numbers.factor * root - 1) < 1e-6;
    return ["A", isRoot ? `÷ √${numbers.d}` : `× ${numeral(numbers.factor, digits)}`, "="];
  }
  if (rule === "norm") return ["A", "−", "mean", "÷ √", "variance", ["×", "γ", "+", "β"], "="];
  if (rule === "rotate") return ["A", "⟳", "cos", "sin", "="];
  if (rule === "mask") return ["A", "visible", "→"];
  if (rule === "softmax") return ["A", "−", "max", "exp, ÷", "sum", ...(has("sink") ? ["sink"] : []), "="];
  if (rule === "heads") return [...Object.keys(matrices), "→"];
  return [...Object.keys(matrices), ...(Object.keys(matrices).length ? ["→"] : [])];
}

function isShare(step, letter, matrix) {
  if (letter === "result") return step.rule === "softmax";
  return matrix.symbol === "pattern" || letter === "visible";
}

function isWhole(step, letter) {
  return letter === "visible" || (letter === "result" && step.name === "ids");
}

const sameAxis = (one, other) =>
  one === other || (one.kind === other.kind && one.size === other.size && one.kept.join() === other.kept.join());

// The cap that a number of widths must have to fit into a room together.
function capFor(widths, room) {
  const ascending = [...widths].sort((a, b) => a - b);
  let left = room;
  for (let i = 0; i < ascending.length; i++) {
    const even = left / (ascending.length - i);
    if (ascending[i] > even) return Math.max(LEAST, Math.floor(even));
    left -= ascending[i];
  }
  return Infinity;
}

export function createBoard(pane, actions) {
  let sheets = [];
  let scene = null;
  let drawn = null;

  function gapText(letter, matrix, of, n) {
    const { step, t } = scene;
    const terms = step.rule === "matmul" && ((letter === "A" && of === "cols") || (letter === "B" && of === "rows"));
    const key = terms ? "gap.terms" : of === "rows" ? "gap.rows" : opensIn(matrix) ? "gap.open" : "gap.cols";
    return fill(t(key), { n });
  }

  // Only columns of the result can be asked for; what has the same columns follows.
  function opensIn(matrix) {
    const { result } = scene.step;
    return result !== null && matrix.cols.kind !== "single" && sameAxis(matrix.cols, result.cols);
  }

  function made(letter) {
    const { step } = scene;
    const matrix = letter === "result" ? step.result : step.matrices[letter];
    if (!matrix) return el("span", { class: "sign", text: letter });
    const isTerms = step.rule === "matmul" && letter === "A";
    const sheet = createSheet({
      letter,
      matrix,
      share: isShare(step, letter, matrix),
      whole: isWhole(step, letter),
      opens: !isTerms && opensIn(matrix),
      gapText: (of, n) => gapText(letter, matrix, of, n),
      bare: !scene.narrow && matrix.cols.kind === "single" && sheets.length > 0 && letter !== "result",
      actions: { ...actions, scrolled },
    });
    sheets.push(sheet);
    return sheet.element;
  }

  function build() {
    const { step, digits } = scene;
    sheets = [];
    const plan = [...planOf(step, digits), ...(step.result ? ["result"] : [])];
    const parts = plan.map((item) =>
      Array.isArray(item) ? el("div", { class: "stacked" }, ...item.map(made)) : made(item),
    );
    pane.replaceChildren(...parts);
  }

  // Which of the other matrices has the same rows, or the same columns, in this step.
  function follows(own, other) {
    const isProduct = scene.step.rule === "matmul";
    const rows = !(isProduct && (own.letter === "B" || other.letter === "B"));
    const cols = !(isProduct && (own.letter === "A" || other.letter === "A"));
    return {
      rows: rows && sameAxis(own.matrix.rows, other.matrix.rows),
      cols: cols && sameAxis(own.matrix.cols, other.matrix.cols),
    };
  }

  function scrolled(letter, from) {
    const own = sheets.find((sheet) => sheet.letter === letter);
    for (const other of sheets) {
      if (other === own) continue;
      const { rows, cols } = follows(own, other);
      if (rows) other.scroll.scrollTop = from.scrollTop;
      if (cols) other.scroll.scrollLeft = from.scrollLeft;
    }
  }

  // What scrolls together is to be seen together: the smallest room counts.
  function sharedRoom(own) {
    const shared = own.room();
    for (const other of sheets) {
      if (other === own) continue;
      const { rows, cols } = follows(own, other);
      const { x, y } = other.room();
      if (cols) shared.x = Math.min(shared.x, x);
      if (rows) shared.y = Math.min(shared.y, y);
    }
    return shared;
  }

  // What is left for matrices beside the signs, and how tall they may be.
  function room() {
    const rows = Math.floor((windowHeight(pane) - AROUND) / ROWS.height);
    const height = Math.min(ROWS.most, Math.max(ROWS.least, rows)) * ROWS.height + ROWS.head;
    let width = scene.size.width;
    for (const part of pane.children) width -= SPACE + (part.matches(".sign") ? part.offsetWidth : 0);
    return { width, height };
  }

  function arrange() {
    const natural = new Map(sheets.map((sheet) => [sheet, sheet.measure(scene.look)]));
    // Of those that stand one above the other, the widest counts.
    const widths = [...pane.children].map((part) => {
      const own = sheets.filter((sheet) => part.contains(sheet.element)).map((sheet) => natural.get(sheet));
      return Math.max(0, ...own);
    });
    const { width, height } = room();
    // What is summed over is the first to scroll: its terms are in the arithmetic as well.
    const inTerms = scene.step.rule === "matmul" ? width - widths.slice(1).reduce((sum, w) => sum + w, 0) : 0;
    const fits = !scene.narrow && inTerms >= LEAST_TERMS;
    const cap = scene.narrow || fits ? scene.size.width : capFor(widths.filter((w) => w > 0), width);
    for (const sheet of sheets) {
      const inset = sheet.element.parentElement === pane ? 0 : STACK_SIGN;
      const own = fits && sheet.letter === "A" ? inTerms : cap;
      sheet.fit(Math.min(own, scene.size.width) - inset, height);
    }
  }

  // Scrolls to what is lit. Under a pointer nothing may move: what scrolls with the result stays.
  function bringToSight(sheet, isPointed) {
    const room = sharedRoom(sheet);
    const result = sheets.find((other) => other.letter === "result");
    const { rows, cols } = isPointed ? follows(result, sheet) : { rows: false, cols: false };
    sheet.reveal({ x: cols ? null : room.x, y: rows ? null : room.y });
  }

  // What the cell that is looked at is made of; a term of its sum, if one is pointed at.
  function light(isPointed) {
    const { step, cell, term, pinned } = scene;
    const parts = cell ? linked(step, ...cell) : {};
    for (const sheet of sheets) {
      const lit = [];
      if (sheet.letter === "result") {
        if (cell) lit.push({ row: cell[0], cols: [cell[1]], strong: pinned });
      } else if (parts[sheet.letter]) lit.push(parts[sheet.letter]);
      if (term !== null && cell && sheet.letter === "A") lit.push({ row: cell[0], cols: [term], strong: true });
      if (term !== null && cell && sheet.letter === "B") lit.push({ row: term, cols: [cell[1]], strong: true });
      sheet.light(lit, sheet.letter === "result" ? cell : null);
      bringToSight(sheet, isPointed);
      sheet.draw();
    }
  }

  return {
    // A new step, a new size or other digits: everything anew.
    draw(next) {
      scene = next;
      const focused = sheets.some((sheet) => sheet.letter === "result" && sheet.hasFocus());
      scene.narrow = scene.size.width < NARROW;
      const key = [scene.step, scene.digits, scene.strings, scene.narrow];
      if (!drawn || key.some((part, i) => part !== drawn[i])) build();
      drawn = key;
      pane.hidden = sheets.length === 0;
      if (!sheets.length) return;
      arrange();
      light(false);
      if (focused) sheets.find((sheet) => sheet.letter === "result")?.focus();
    },
    // isPointed: with the pointer, not the keyboard.
    marks(next, isPointed) {
      scene = next;
      light(isPointed);
    },
  };
}
