// Levels: a map too large to be held, as a picture of all of it and tiles of what was in sight.
// Does not draw and asks nobody. Level 0 has the cells, level 1 the largest of each 2 × 2, and so on.
// A part of a level is { rows, cols, cells, tops }: masked cells are −1, tops the rows' largest shares.

import { stepOf } from "./colour.js";

export const MOST_TILES = 64;

function halved(part) {
  const [rows, cols] = [Math.ceil(part.rows / 2), Math.ceil(part.cols / 2)];
  const cells = new Float32Array(rows * cols).fill(-1);
  const tops = new Float32Array(rows);
  for (let i = 0; i < part.rows; i++) {
    tops[i >> 1] = Math.max(tops[i >> 1], part.tops[i]);
    for (let j = 0; j < part.cols; j++) {
      const at = (i >> 1) * cols + (j >> 1);
      const share = part.cells[i * part.cols + j];
      if (share > cells[at]) cells[at] = share;
    }
  }
  return { rows, cols, cells, tops };
}

// The colour steps of a part, kept with it.
export function stepsOfPart(part, scale) {
  if (part.scale === scale) return part.steps;
  const { rows, cols, cells, tops } = part;
  const steps = new Uint8Array(rows * cols);
  for (let i = 0, at = 0; i < rows; i++) for (let j = 0; j < cols; j++, at++) steps[at] = stepOf(cells[at], scale, tops[i]);
  Object.assign(part, { scale, steps });
  return steps;
}

// shape: { rows, cols, coarsest, tile } of the map. picture: all of it at level `coarsest`.
export function createLevels(shape, picture) {
  const { rows, cols, coarsest, tile } = shape;
  const pictures = [picture];
  const tiles = new Map(); // "level/down/across" → part, the least recently drawn first
  const failed = new Set();

  function tileAt(level, down, across) {
    const key = `${level}/${down}/${across}`;
    const found = tiles.get(key);
    if (!found) return null;
    tiles.delete(key);
    tiles.set(key, found);
    return found;
  }

  // The part of level 0 in which a cell is, and where in it; null where it is not here.
  function exactly(row, col) {
    const part = tileAt(0, Math.floor(row / tile), Math.floor(col / tile));
    return part && { part, at: (row % tile) * part.cols + (col % tile), top: part.tops[row % tile] };
  }

  function within({ top, bottom, left, right }, level) {
    const side = tile * 2 ** level;
    const keys = [];
    for (let i = Math.floor(top / side); i * side < bottom; i++)
      for (let j = Math.floor(left / side); j * side < right; j++) keys.push(`${level}/${i}/${j}`);
    return keys;
  }

  return {
    ...shape,
    tileAt,
    pictureAt(level) {
      while (pictures.length <= level - coarsest) pictures.push(halved(pictures[pictures.length - 1]));
      return pictures[level - coarsest];
    },
    keep(key, part) {
      tiles.set(key, part);
      while (tiles.size > MOST_TILES) tiles.delete(tiles.keys().next().value);
    },
    fail: (key) => failed.add(key),
    // The tiles of a level that some cells lie in and that are not here, nor failed to come.
    missing: (part, level) =>
      level >= coarsest ? [] : within(part, level).filter((key) => !tiles.has(key) && !failed.has(key)),
    isComplete: (part, level) => level >= coarsest || within(part, level).every((key) => tiles.has(key)),
    // { share, top }, or null where the tile is not here. A masked cell's share is −1.
    exactAt(row, col) {
      const found = exactly(row, col);
      return found && { share: found.part.cells[found.at], top: found.top };
    },
    // At least as large as the share of a cell, and the largest around it; −1 where all is masked.
    roughAt: (row, col) => picture.cells[Math.floor(row / 2 ** coarsest) * picture.cols + Math.floor(col / 2 ** coarsest)],
    // The cell with the largest share among some, of those that are here.
    strongest({ top, bottom, left, right }) {
      let best = { row: top, col: left, share: -Infinity };
      for (let row = top; row < Math.min(rows, bottom); row++) {
        for (let col = left; col < Math.min(cols, right); col++) {
          const found = exactly(row, col);
          if (found && found.part.cells[found.at] > best.share) best = { row, col, share: found.part.cells[found.at] };
        }
      }
      return { row: best.row, col: best.col };
    },
  };
}
