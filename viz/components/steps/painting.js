// Painting: the cells, labels and gaps of one matrix, and what is lit in it, with a canvas pen.
// Does not know rules, steps or the DOM. A view says what there is and where it stands.
// Only what is in sight is painted, so that a matrix of any size costs the same.

import { inSight } from "./axes.js";
import { numeral } from "./numerals.js";
import { hatchPattern } from "../attention/raster.js";
import { fill } from "../attention/text.js";

export const CELL = 21;
export const HEAD = 20;
export const GAPS = { col: 26, row: 17 };

const measuring = document.createElement("canvas").getContext("2d");

let measured = ""; // setting a font takes longer than measuring with it

export function widthOf(text, font) {
  if (measured !== font) measuring.font = measured = font;
  return measuring.measureText(text).width;
}

function cutTo(text, room, font) {
  if (widthOf(text, font) <= room) return text;
  const characters = Array.from(text);
  let n = characters.length;
  while (n > 1 && widthOf(`${characters.slice(0, n).join("")}…`, font) > room) n--;
  return `${characters.slice(0, n).join("")}…`;
}

// The step (0–255) of a colour: of a share from 0 to 1, or of a number from −most to most.
function stepOfValue({ share, most }, value) {
  if (share) return Math.round(Math.min(1, Math.max(0, value)) * 255);
  return most === 0 ? 128 : Math.round((value / most + 1) * 127.5);
}

function paintGaps(pen, { look, rows, cols, label, x, y, w, h }) {
  const { palettes, font, t } = look;
  const { quiet } = palettes.share;
  pen.font = font;
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  const width = Math.min(w, x + cols.total) - label;
  const height = Math.min(h, y + rows.total) - HEAD;
  const rowGaps = rows.gaps.filter(({ at }) => y + at + GAPS.row >= HEAD && y + at <= h);
  const colGaps = cols.gaps.filter(({ at }) => x + at + GAPS.col >= label && x + at <= w);
  // The ground of all of them first: where two cross, it must not cover what is written.
  pen.fillStyle = look.raised;
  for (const gap of rowGaps) pen.fillRect(label, y + gap.at, width, GAPS.row - 1);
  for (const gap of colGaps) pen.fillRect(x + gap.at, HEAD, GAPS.col - 1, height);
  pen.fillStyle = quiet;
  for (const gap of rowGaps) {
    const text = fill(t("gap"), { n: gap.n });
    pen.fillText(widthOf(text, font) + 12 < width ? text : "⋯", label + 6, y + gap.at + GAPS.row / 2);
  }
  pen.textAlign = "center";
  for (const gap of colGaps) {
    const left = x + gap.at;
    const text = fill(t("gap"), { n: gap.n });
    if (widthOf(text, font) + 8 > height) {
      pen.fillText("⋯", left + GAPS.col / 2, HEAD + height / 2);
      continue;
    }
    pen.save();
    pen.translate(left + GAPS.col / 2, HEAD + height / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText(text, 0, 0);
    pen.restore();
  }
}

function paintCells(pen, view) {
  const { look, matrix, share, whole, rows, cols, label, x, y, w, h } = view;
  const { palettes, digits, font, ratio } = look;
  const palette = share ? palettes.share : palettes.signed;
  const [firstRow, lastRow] = inSight(rows, HEAD - y, h - y);
  const [firstCol, lastCol] = inSight(cols, label - x, w - x);
  const n = matrix.cols.kept.length;
  pen.font = font;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  let hatch = null;
  for (let i = firstRow; i < lastRow; i++) {
    const top = y + rows.at[i];
    for (let j = firstCol; j < lastCol; j++) {
      const value = matrix.values[i * n + j];
      const left = x + cols.at[j];
      const step = Number.isFinite(value) ? stepOfValue(view, value) : null;
      if (whole) pen.fillStyle = look.raised;
      else if (step === null) pen.fillStyle = palette.hatch_ground;
      else pen.fillStyle = palette.css[step];
      pen.fillRect(left, top, cols.pitch - 1, CELL - 1);
      if (step === null) {
        pen.fillStyle = hatch ??= hatchPattern(pen, palette.hatch, ratio);
        pen.fillRect(left, top, cols.pitch - 1, CELL - 1);
      }
      pen.fillStyle = step === null || whole ? palette.ink : palette.inkOn[step];
      pen.fillText(numeral(value, digits, whole), left + cols.pitch - 6, top + CELL / 2);
    }
  }
  return [firstRow, lastRow, firstCol, lastCol];
}

function paintLabels(pen, view, [firstRow, lastRow, firstCol, lastCol]) {
  const { look, matrix, rows, cols, label, lit, x, y, w, h } = view;
  const lightsRow = (row) => lit.some((part) => part.row === row);
  const lightsCol = (col) => lit.some((part) => part.cols?.includes(col));
  const { palettes, font, bold } = look;
  const { ink, quiet } = palettes.share;
  pen.textBaseline = "middle";
  const write = (text, isLit, room, at, top) => {
    const own = isLit ? bold : font;
    pen.fillStyle = isLit ? ink : quiet;
    pen.font = own;
    pen.fillText(cutTo(text, room, own), at, top);
  };
  pen.save();
  pen.beginPath();
  pen.rect(label, 0, w - label, HEAD);
  pen.clip();
  pen.textAlign = "center";
  if (matrix.cols.kind !== "single") {
    for (let j = firstCol; j < lastCol; j++) {
      const isLit = lightsCol(matrix.cols.kept[j]);
      write(matrix.cols.names[j], isLit, cols.pitch - 4, x + cols.at[j] + cols.pitch / 2, HEAD / 2);
    }
  }
  pen.restore();
  if (label < 10) return;
  pen.save();
  pen.beginPath();
  pen.rect(0, HEAD, label, h - HEAD);
  pen.clip();
  pen.textAlign = "right";
  for (let i = firstRow; i < lastRow; i++) {
    write(matrix.rows.names[i], lightsRow(matrix.rows.kept[i]), label - 8, label - 6, y + rows.at[i] + CELL / 2);
  }
  pen.restore();
}

// With a line of the ground inside, for there are cells of the frame's colour.
function frameAround(pen, { accent, ground }, x, y, width, height, thick) {
  for (const [colour, wide] of [[ground, thick + 1], [accent, thick]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = wide;
    pen.strokeRect(x + wide / 2 - 1, y + wide / 2 - 1, width + 1 - wide, height + 1 - wide);
  }
}

function paintLit(pen, { look, rows, cols, lit, rowAt, colAt, x, y }) {
  const colours = look.palettes.share;
  for (const part of lit) {
    const i = part.row === null ? null : rowAt(part.row);
    if (i === undefined) continue;
    const [top, height] = i === null ? [0, rows.total] : [rows.at[i], CELL];
    if (part.cols === null) {
      frameAround(pen, colours, x, y + top, cols.total, height, 2);
      continue;
    }
    for (const col of part.cols) {
      const j = colAt(col);
      if (j !== undefined) frameAround(pen, colours, x + cols.at[j], y + top, cols.pitch, height, part.strong ? 3 : 2);
    }
  }
}

export function paintSheet(pen, view) {
  const { label, w, h } = view;
  pen.save();
  pen.beginPath();
  pen.rect(label - 1, HEAD - 1, w, h);
  pen.clip();
  const sight = paintCells(pen, view);
  paintGaps(pen, view);
  paintLit(pen, view);
  pen.restore();
  paintLabels(pen, view, sight);
}
