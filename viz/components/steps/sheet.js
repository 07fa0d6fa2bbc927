// Sheet: one matrix in a box that scrolls: its size, and what is under the pointer.
// Does not know rules or steps. Tells through `actions` what is pointed at.

import { foundAt, movedBy, placeAxis } from "./axes.js";
import { el, sizeCanvas } from "../attention/dom.js";
import { numeral, plainSymbol, symbolParts, widest } from "./numerals.js";
import { CELL, GAPS, HEAD, paintSheet, widthOf } from "./painting.js";
import { pointIn } from "../attention/screen.js";
import { fill } from "../attention/text.js";

const MOST_LABEL = 96;
const MOST_COLUMN = 88; // of a column whose label is a token
const BAR = 12; // what a scroll bar takes

// letter: the place in the rule ("A", "result", …); share: numbers from 0 to 1.
// opens: a click on a gap between columns brings some of them; gapText: what a gap's tip says.
export function createSheet({ letter, matrix, share, whole, opens, gapText, bare, actions }) {
  const canvas = el("canvas");
  const space = el("div", { class: "space" }, canvas);
  const scroll = el("div", { class: "scroll" }, space);
  const symbol = el("span", { class: "symbol" }, ...symbolParts(matrix.symbol));
  const size = el("span", { class: "size", text: `[${matrix.rows.size} × ${matrix.cols.size}]` });
  const source = el("span", { class: "source", text: matrix.source, title: matrix.source });
  const ramp = el("span", { class: "ramp", hidden: whole });
  const range = el("span", { class: "range" });
  const note = el("span", { class: "note-of" });
  const told = el("span", { class: "told" });
  const element = el(
    "figure",
    { class: "matrix", "data-matrix": letter },
    el("figcaption", {}, symbol, size, source),
    scroll,
    el("p", { class: "under" }, ramp, range, note, told),
  );
  const isFolded = [matrix.rows, matrix.cols].some((axis) => axis.kept.length < axis.size);
  const isResult = letter === "result";
  if (isResult) {
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
  } else canvas.setAttribute("role", "img");

  let look = null; // { t, digits, palettes, ratio, font }
  let rows = null;
  let cols = null;
  let label = 0;
  let least = 0; // what the words above and below take
  let most = 0;
  let lit = [];
  let focus = null;

  const limit = () => (share ? 1 : most);

  // Its width, if nothing had to scroll.
  function measure(next) {
    look = next;
    const { font, digits, palettes } = look;
    most = 0;
    for (const value of matrix.values) if (Number.isFinite(value) && Math.abs(value) > most) most = Math.abs(value);
    let width = widthOf(widest(most, digits, whole), font) + 12;
    if (matrix.cols.labels.length) {
      const named = Math.max(...matrix.cols.names.map((name) => widthOf(name, font))) + 10;
      width = Math.max(width, Math.min(MOST_COLUMN, named));
    }
    cols = placeAxis(matrix.cols, Math.max(30, Math.ceil(width)), GAPS.col);
    rows = placeAxis(matrix.rows, CELL, GAPS.row);
    const names = bare || matrix.rows.kind === "single" ? [] : matrix.rows.names;
    const longest = Math.max(14, ...names.map((name) => widthOf(name, font)));
    label = names.length ? Math.ceil(Math.min(MOST_LABEL, longest)) + 10 : 1;
    const low = share ? 0 : -limit();
    const text = fill(look.t("range"), { low: numeral(low, digits), high: numeral(limit(), digits, share) });
    range.textContent = whole ? "" : text;
    note.textContent = isFolded && !whole ? look.t("range.shown") : "";
    const { css } = share ? palettes.share : palettes.signed;
    const caption = `${plainSymbol(matrix.symbol)} [${matrix.rows.size} × ${matrix.cols.size}]`;
    const captioned = widthOf(caption, look.bold) * 1.2;
    // Beside others, one column is not to be wider than its numbers: its range takes two lines.
    const ranged = bare ? widthOf(text, font) / 1.6 : widthOf(text, font) + 56;
    least = Math.ceil(Math.max(captioned, whole ? 0 : ranged));
    element.classList.toggle("bare", bare);
    ramp.style.background = `linear-gradient(90deg, ${[0, 64, 128, 191, 255].map((i) => css[i]).join(",")})`;
    const values = { symbol: plainSymbol(matrix.symbol), rows: matrix.rows.size, cols: matrix.cols.size };
    canvas.setAttribute("aria-label", fill(look.t(isResult ? "result.aria" : "matrix.aria"), values));
    return Math.max(least, label + cols.total + 1);
  }

  // The room that the matrix gets; what does not fit scrolls.
  function fit(width, height) {
    const total = { width: label + cols.total + 1, height: HEAD + rows.total + 1 };
    space.style.width = `${total.width}px`;
    space.style.height = `${total.height}px`;
    const wide = total.width > width;
    const tall = total.height > height;
    scroll.style.width = `${Math.min(width, total.width + (tall ? BAR : 0))}px`;
    scroll.style.height = `${Math.min(height, total.height) + (wide ? BAR : 0)}px`;
    note.hidden = parseFloat(scroll.style.width) < least + widthOf(note.textContent, look.font);
    element.style.width = `${Math.max(Math.min(least, width), parseFloat(scroll.style.width))}px`;
  }

  // A matrix of one row, or of one column, serves all.
  const rowAt = (row) => (matrix.rows.kind === "single" && matrix.rows.size === 1 ? 0 : matrix.rows.where.get(row));
  const colAt = (col) => (matrix.cols.kind === "single" && matrix.cols.size === 1 ? 0 : matrix.cols.where.get(col));

  function draw() {
    const [w, h] = [scroll.clientWidth, scroll.clientHeight];
    if (!w || !h || !look) return;
    const pen = sizeCanvas(canvas, w, h, look.ratio);
    const [x, y] = [label - scroll.scrollLeft, HEAD - scroll.scrollTop];
    paintSheet(pen, { look, matrix, share, whole, rows, cols, label, most, lit, rowAt, colAt, x, y, w, h });
  }

  // Ends at the beginning of a cell: of a number that is cut, the sign is what would be missing.
  function bring({ at }, i, length, from, room) {
    if (at[i] < from) return at[i];
    const least = at[i] + length - room;
    return least > from ? (at.find((start) => start >= least) ?? least) : from;
  }

  const room = () => ({ x: scroll.clientWidth - label, y: scroll.clientHeight - HEAD });

  // Scrolls no further than is needed to see what is lit, in the room that is given; null stays.
  function reveal({ x, y }) {
    const part = lit[lit.length - 1];
    if (!part) return;
    const i = part.row === null ? undefined : rowAt(part.row);
    const j = part.cols === null ? undefined : colAt(part.cols[0]);
    if (i !== undefined && y !== null) scroll.scrollTop = bring(rows, i, CELL, scroll.scrollTop, y);
    if (j !== undefined && x !== null) scroll.scrollLeft = bring(cols, j, cols.pitch, scroll.scrollLeft, x);
  }

  // What is under the pointer: { row, col }, { gap, of } or null.
  function under(event) {
    const [px, py] = pointIn(canvas, event.clientX, event.clientY);
    if (px < label || py < HEAD || px > canvas.clientWidth || py > canvas.clientHeight) return null;
    const col = foundAt(matrix.cols, cols, px - label + scroll.scrollLeft);
    const row = foundAt(matrix.rows, rows, py - HEAD + scroll.scrollTop);
    if (!col || !row) return null;
    if (col.gap) return { gap: col.gap, of: "cols" };
    if (row.gap) return { gap: row.gap, of: "rows" };
    return { row: row.index, col: col.index };
  }

  function tell(row, col) {
    const name = (axis, index) => axis.names[axis.where.get(index)];
    const parts = [name(matrix.rows, row), name(matrix.cols, col)].filter((text) => text !== "");
    const where = parts.length ? ` [${parts.join(", ")}]` : "";
    const value = numeral(matrix.at(row, col), "full", whole);
    told.replaceChildren(el("bdi", { text: `${plainSymbol(matrix.symbol)}${where}` }), ` = ${value}`);
  }

  const onMove = (event) => {
    const found = under(event);
    const gap = found?.gap;
    const opening = gap && opens && found.of === "cols";
    canvas.style.cursor = opening ? "pointer" : isResult && found && !gap ? "crosshair" : "default";
    canvas.title = gap ? gapText(found.of, gap.n) : "";
    if (isResult) {
      actions.point(found && !gap ? [found.row, found.col] : null);
      return;
    }
    if (found && !gap) tell(found.row, found.col);
    else told.replaceChildren();
  };
  canvas.addEventListener("pointermove", onMove);
  canvas.addEventListener("pointerleave", () => {
    told.replaceChildren();
    if (isResult) actions.point(null);
  });
  canvas.addEventListener("click", (event) => {
    const found = under(event);
    if (!found) return;
    if (found.gap) {
      if (opens && found.of === "cols") actions.open(Math.floor((found.gap.from + found.gap.to) / 2));
    } else if (isResult) actions.pin([found.row, found.col], false);
  });
  const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (isResult) {
    canvas.addEventListener("keydown", (event) => {
      const move = MOVES[event.key];
      if (event.ctrlKey || event.metaKey || event.altKey || !focus) return;
      const [row, col] = focus;
      if (move) actions.move([movedBy(matrix.rows, row, move[0]), movedBy(matrix.cols, col, move[1])]);
      else if (event.key === "Enter") actions.pin(focus, true);
      else return;
      event.preventDefault();
    });
  }
  scroll.addEventListener("scroll", () => {
    draw();
    actions.scrolled(letter, scroll);
  });

  return {
    element,
    letter,
    matrix,
    scroll,
    measure,
    fit,
    draw,
    room,
    reveal,
    // parts: what is lit, by true indices; cell: the one that arrow keys move from.
    light(parts, cell = null) {
      lit = parts;
      focus = cell;
    },
    focus: () => canvas.focus({ preventScroll: true }),
    hasFocus: () => canvas.matches(":focus"),
  };
}
