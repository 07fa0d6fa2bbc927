// Step frame: one step as it came, with its matrices laid over the bytes.
// Does not compute and does not draw.
// Rows and columns go by their true indices; `where` finds those that are here.

import { decodeFrame } from "../attention/frame.js";
import { visible } from "../attention/text.js";

function readAxis(axis) {
  const named = axis.labels.length > 0;
  return {
    ...axis,
    where: new Map(axis.kept.map((index, i) => [index, i])),
    names: axis.kept.map((index, i) => (named ? visible(axis.labels[i]) : axis.kind === "single" ? "" : String(index))),
  };
}

function readMatrix(told, f32) {
  const [rows, cols] = [readAxis(told.rows), readAxis(told.cols)];
  const width = cols.kept.length;
  const values = f32(told.at, rows.kept.length * width);
  // A matrix of one row or column serves them all.
  const place = (axis, index) => (axis.kind === "single" && axis.size === 1 ? 0 : axis.where.get(index));
  return {
    symbol: told.symbol,
    source: told.source,
    rows,
    cols,
    values,
    // undefined where it is left out
    at(row, col) {
      const [i, j] = [place(rows, row), place(cols, col)];
      return i === undefined || j === undefined ? undefined : values[i * width + j];
    },
  };
}

export function decodeStep(bytes) {
  const { header, f32 } = decodeFrame(bytes);
  const matrices = {};
  for (const [letter, told] of Object.entries(header.matrices)) matrices[letter] = readMatrix(told, f32);
  const result = header.result && readMatrix(header.result, f32);
  const n = result ? result.rows.kept.length * result.cols.kept.length : 0;
  const rest = header.rest_at === null ? null : f32(header.rest_at, n);
  for (const token of header.tokens) token.shown = visible(token.text);
  return { ...header, matrices, result, rest };
}

// Two results have the same cells, so what is pinned in one can be shown in the other.
export function cellsOf(step) {
  if (!step.result) return "";
  const { rows, cols } = step.result;
  return `${step.section} ${rows.kind} ${rows.size} ${cols.kind} ${cols.size}`;
}

export function hasCell(step, [row, col]) {
  return step.result !== null && step.result.rows.where.has(row) && step.result.cols.where.has(col);
}

export function nameOf(axis, index) {
  return axis.names[axis.where.get(index)] ?? String(index);
}
