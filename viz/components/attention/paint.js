// Paint: cells, hatching and labels of one map onto any 2D context, screen or export.
// Does not know the DOM, events or the network.
// Cells go down as one scaled image: one call, whatever the number of tokens.

import { cellCanvas, hatchInto, hatchPattern, ownCanvas, packColour, resample, resampleMask } from "./raster.js";
import { stepOf } from "./colour.js";
import { LABEL_SIZE } from "./geometry.js";
import { fixed } from "./text.js";
import { paintLevels } from "./zoomed.js";

export const NUMBER_CELL = 30;
export const NUMBER_LINE = 18;
const GAP_CELL = 9;

// Runs of masked cells, row by row: few rectangles even for a triangle of many tokens.
function eachMaskedRun(mask, all, { top, bottom, left, right }, visit) {
  for (let i = top; i < bottom; i++) {
    let start = -1;
    for (let j = left; j <= right; j++) {
      const masked = j < right && !mask[i * all + j];
      if (masked && start < 0) start = j;
      if (!masked && start >= 0) {
        visit(i, start, j);
        start = -1;
      }
    }
  }
}

function paintHatch(context, geometry, part, mask, palette, ratio, x0, y0) {
  const { cols, cw, ch } = geometry;
  const pattern = hatchPattern(context, palette.hatch, ratio);
  context.beginPath();
  eachMaskedRun(mask, cols, part, (i, from, to) => context.rect(x0 + from * cw, y0 + i * ch, (to - from) * cw, ch));
  context.fillStyle = palette.hatch_ground;
  context.fill();
  context.fillStyle = pattern;
  context.fill();
}

// Rows of less than a pixel each: their masked runs, tens of thousands of slivers, as one image,
// which is kept, for most heads of a stack have one and the same mask.
let fine = { of: [], image: null };

function paintFineHatch(context, scene, geometry, ratio, x0, y0) {
  const { rows, cols, width, height } = geometry;
  const { hatch, hatch_ground } = scene.palette;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  const of = [scene.mask, w, h, ratio, hatch, hatch_ground];
  if (!of.every((part, i) => part === fine.of[i])) {
    const image = context.createImageData(w, h);
    const seen = resampleMask(scene.mask, rows, cols, h, w);
    hatchInto(image, 0, 0, w, h, seen, Math.round(5 * ratio), packColour(hatch), packColour(hatch_ground));
    fine = { of, image: ownCanvas(image) };
  }
  context.drawImage(fine.image, x0, y0, width, height);
}

function paintGaps(context, geometry, part, ground, x0, y0) {
  const { cw, ch } = geometry;
  const { top, bottom, left, right } = part;
  if (Math.min(cw, ch) < GAP_CELL) return;
  context.fillStyle = ground;
  for (let i = top + 1; i < bottom; i++) context.fillRect(x0 + left * cw, y0 + i * ch - 0.5, (right - left) * cw, 1);
  for (let j = left + 1; j < right; j++) context.fillRect(x0 + j * cw - 0.5, y0 + top * ch, 1, (bottom - top) * ch);
}

// Between the two texts of a pair.
function paintDividers(context, geometry, palette, x0, y0) {
  const { rowDivide, colDivide, cw, ch, width, height } = geometry;
  context.fillStyle = palette.quiet;
  if (rowDivide !== null) context.fillRect(x0, y0 + rowDivide * ch - 0.5, width, 1);
  if (colDivide !== null) context.fillRect(x0 + colDivide * cw - 0.5, y0, 1, height);
}

// The share of a cell and its colour's step, or null where it is masked or not here.
function shareShown({ numbers, steps, mask, state }, cols, i, j) {
  if (numbers.large) {
    const found = numbers.large.exactAt(i, j);
    return found && { share: found.share, step: stepOf(found.share, state.scale, found.top) };
  }
  const at = i * cols + j;
  return mask && !mask[at] ? null : { share: numbers.pattern[at], step: steps[at] };
}

function paintNumbers(context, scene, geometry, part, x0, y0) {
  const { cols, cw, ch } = geometry;
  if (cw < NUMBER_CELL || ch < NUMBER_LINE) return;
  const { palette } = scene;
  context.font = `${cw >= 38 ? 11.5 : 10.5}px ${palette.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let i = part.top; i < part.bottom; i++) {
    for (let j = part.left; j < part.right; j++) {
      const cell = shareShown(scene, cols, i, j);
      // Shares that would print as 0.00 stay silent; the tooltip has them.
      if (cell === null || cell.share < 0.005) continue;
      context.fillStyle = cell.step < 12 ? palette.quiet : palette.inkOn[cell.step];
      context.fillText(fixed(cell.share), x0 + (j + 0.5) * cw, y0 + (i + 0.5) * ch + 0.5);
    }
  }
}

// True when a pixel has to stand for more than one cell.
export function isPooled(geometry, ratio) {
  return geometry.cw * ratio < 0.999 || geometry.ch * ratio < 0.999;
}

// The cells of one part of a map, as steps of their own.
function cropped(steps, cols, { top, bottom, left, right }) {
  const width = right - left;
  const result = new Uint8Array((bottom - top) * width);
  for (let i = top; i < bottom; i++) result.set(steps.subarray(i * cols + left, i * cols + right), (i - top) * width);
  return result;
}

function paintWhole(context, scene, geometry, part, ratio, x0, y0) {
  const { rows, cols, cw, ch } = geometry;
  const { steps, palette } = scene;
  const [partRows, partCols] = [part.bottom - part.top, part.right - part.left];
  const [width, height] = [partCols * cw, partRows * ch];
  const outRows = Math.min(partRows, Math.max(1, Math.round(height * ratio)));
  const outCols = Math.min(partCols, Math.max(1, Math.round(width * ratio)));
  const cells = partRows === rows && partCols === cols ? steps : cropped(steps, cols, part);
  const image = cellCanvas(resample(cells, partRows, partCols, outRows, outCols), outRows, outCols, palette.packed);
  context.imageSmoothingEnabled = false;
  context.drawImage(image, x0 + part.left * cw, y0 + part.top * ch, width, height);
  if (scene.mask && isPooled(geometry, ratio)) paintFineHatch(context, scene, geometry, ratio, x0, y0);
  else if (scene.mask) paintHatch(context, geometry, part, scene.mask, palette, ratio, x0, y0);
}

// The cells, their top left corner at (x0, y0). seen: the rows and columns that are in sight of a
// map that scrolls; painting the others, millions perhaps, would be work for nothing.
export function paintCells(context, scene, geometry, ratio, x0, y0, seen = null) {
  const { rows, cols } = geometry;
  const { palette } = scene;
  const part = seen ?? { top: 0, bottom: rows, left: 0, right: cols };
  if (part.bottom <= part.top || part.right <= part.left) return;
  if (scene.numbers.large) paintLevels(context, scene, geometry, ratio, x0, y0, part);
  else paintWhole(context, scene, geometry, part, ratio, x0, y0);
  paintGaps(context, geometry, part, palette.ground, x0, y0);
  paintNumbers(context, scene, geometry, part, x0, y0);
  paintDividers(context, geometry, palette, x0, y0);
}

function labelColour(token, palette) {
  return token.kind === "" ? palette.ink : palette.quiet;
}

function tilted(context, geometry, x, y, draw) {
  context.save();
  context.translate(x + 3, y);
  context.rotate(-geometry.tilt);
  draw();
  context.restore();
}

// Labels of both axes; x0, y0: corner of the cells; shown(x, y, reach): whether one has room there.
export function paintLabels(context, scene, geometry, x0, y0, shown = () => true) {
  const { stack, palette } = scene;
  const { cw, ch, across, down, flat, rowStride, colStride, left, top } = geometry;
  context.font = `${LABEL_SIZE}px ${palette.font}`;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (let i = 0; i < down.texts.length; i += rowStride) {
    const y = y0 + (i + 0.5) * ch;
    if (!shown(null, y, 0)) continue;
    context.fillStyle = labelColour(stack.rows[i], palette);
    context.fillText(down.texts[i], left - 7, y + 0.5);
  }
  for (let j = 0; j < across.texts.length; j += colStride) {
    const x = x0 + (j + 0.5) * cw;
    if (!shown(x, null, flat ? across.widths[j] / 2 : across.widths[j] * Math.cos(geometry.tilt))) continue;
    context.fillStyle = labelColour(stack.cols[j], palette);
    if (flat) {
      context.textAlign = "center";
      context.fillText(across.texts[j], x, top - 10);
    } else {
      context.textAlign = "left";
      tilted(context, geometry, x, top - 7, () => context.fillText(across.texts[j], 0, 0));
    }
  }
}

// One label again, emphasised on a ground of its own: the token under the pointer or the pin.
export function paintMarkedLabel(context, scene, geometry, axis, index, colour, x0, y0) {
  const { palette } = scene;
  const { cw, ch, across, down, flat, left, top } = geometry;
  const { texts, widths } = axis === "row" ? down : across;
  context.font = `600 ${LABEL_SIZE}px ${palette.font}`;
  context.textBaseline = "middle";
  const width = Math.max(widths[index], context.measureText(texts[index]).width);
  const write = (x, y, align) => {
    context.fillStyle = palette.ground;
    context.fillRect(
      align === "right" ? x - width - 3 : align === "center" ? x - width / 2 - 3 : x - 3,
      y - 8,
      width + 6,
      16,
    );
    context.fillStyle = colour;
    context.textAlign = align;
    context.fillText(texts[index], x, y + 0.5);
  };
  // Only in the labels' own margin: the ground must not cut into the cells.
  context.save();
  context.beginPath();
  if (axis === "row") context.rect(0, 0, left - 2, 1e5);
  else context.rect(0, 0, 1e5, top - 2);
  context.clip();
  if (axis === "row") write(left - 7, y0 + (index + 0.5) * ch, "right");
  else if (flat) write(x0 + (index + 0.5) * cw, top - 10.5, "center");
  else tilted(context, geometry, x0 + (index + 0.5) * cw, top - 7, () => write(0, -0.5, "left"));
  context.restore();
}
