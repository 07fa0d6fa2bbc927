// Zoomed: the pixels of a map that is held in levels, from the finest that a pixel can show.
// Does not know tokens, events or the network; where a tile is not here, the picture shows through.

import { stepsOfPart } from "./levels.js";
import { imageCanvas, packColour } from "./raster.js";

const HATCH = 5; // between two strokes, in pixels

// The level of which a cell takes a device pixel at least.
export function levelFor({ cw, ch }, ratio) {
  return Math.max(0, Math.ceil(-Math.log2(Math.min(cw, ch) * ratio) - 1e-6));
}

// How many cells a side the coarsest point stands for that is drawn of some cells.
export function grainOf(large, part, geometry, ratio) {
  const level = levelFor(geometry, ratio);
  return 2 ** (large.isComplete(part, level) ? level : Math.max(level, large.coarsest));
}

// Of each of `count` pixels the place in a level: its tile, and where in that.
function placesIn(count, first, last, level, tile) {
  const cell = Int32Array.from({ length: count }, (_, i) => first + Math.floor(((i + 0.5) * (last - first)) / count));
  const at = cell.map((c) => c >> level);
  return { cell, tile: at.map((p) => Math.floor(p / tile)), rest: at.map((p) => p % tile) };
}

// The cells of `part` (rows and columns) over a rectangle whose left top cell is at (x, y).
export function paintLevels(context, scene, geometry, ratio, x0, y0, part) {
  const { palette, numbers, state } = scene;
  const { large } = numbers;
  const { cw, ch } = geometry;
  const [x, y] = [x0 + part.left * cw, y0 + part.top * ch];
  const [width, height] = [(part.right - part.left) * cw, (part.bottom - part.top) * ch];
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  const level = levelFor(geometry, ratio);
  const under = Math.max(level, large.coarsest);
  const picture = large.pictureAt(under);
  const pictureSteps = stepsOfPart(picture, state.scale);
  const down = placesIn(h, part.top, part.bottom, level, large.tile);
  const across = placesIn(w, part.left, part.right, level, large.tile);
  const image = context.createImageData(w, h);
  const pixels = new Uint32Array(image.data.buffer);
  const period = Math.round(HATCH * ratio);
  const [stroke, ground] = [packColour(palette.hatch), packColour(palette.hatch_ground)];
  const shift = Math.round((part.left * cw + part.top * ch) * ratio); // strokes move with the cells
  let [tiles, row] = [new Map(), -1];
  for (let i = 0, to = 0; i < h; i++) {
    if (down.tile[i] !== row) {
      row = down.tile[i];
      const find = (j) => (level >= large.coarsest ? null : large.tileAt(level, row, j));
      tiles = new Map([...new Set(across.tile)].map((j) => [j, find(j)]));
    }
    const from = (down.cell[i] >> under) * picture.cols;
    let [column, tile, steps] = [-1, null, null];
    for (let j = 0; j < w; j++, to++) {
      if (across.tile[j] !== column) {
        column = across.tile[j];
        tile = tiles.get(column);
        steps = tile && stepsOfPart(tile, state.scale);
      }
      const at = tile ? down.rest[i] * tile.cols + across.rest[j] : from + (across.cell[j] >> under);
      const masked = (tile ?? picture).cells[at] < 0;
      if (masked) pixels[to] = (i + j + shift) % period === 0 ? stroke : ground;
      else pixels[to] = palette.packed[(steps ?? pictureSteps)[at]];
    }
  }
  context.imageSmoothingEnabled = false;
  context.drawImage(imageCanvas(image), x, y, width, height);
}
