// Raster: turns colour steps into pixels, keeping peaks when there are more cells than pixels.
// Does not know axes, tokens or heads.
// Pixels are written straight into ImageData: thousands of small rectangles would be too slow.

// For each of `out` pixels, the range of cells it covers: [starts, ends).
function ranges(cells, out) {
  const starts = new Int32Array(out);
  const ends = new Int32Array(out);
  for (let i = 0; i < out; i++) {
    starts[i] = Math.floor((i * cells) / out);
    ends[i] = Math.max(starts[i] + 1, Math.floor(((i + 1) * cells) / out));
  }
  return [starts, ends];
}

// Largest step of each pixel's cells; a cell larger than a pixel is repeated.
export function resample(steps, rows, cols, outRows, outCols) {
  if (rows === outRows && cols === outCols) return steps;
  const result = new Uint8Array(outRows * outCols);
  const [top, bottom] = ranges(rows, outRows);
  const [left, right] = ranges(cols, outCols);
  const tall = new Uint8Array(cols); // largest step of each column's cells in one row of pixels
  for (let y = 0; y < outRows; y++) {
    if (y > 0 && top[y] === top[y - 1] && bottom[y] === bottom[y - 1]) {
      result.copyWithin(y * outCols, (y - 1) * outCols, y * outCols);
      continue;
    }
    tall.set(steps.subarray(top[y] * cols, (top[y] + 1) * cols));
    for (let i = top[y] + 1; i < bottom[y]; i++) {
      for (let j = 0, at = i * cols; j < cols; j++, at++) if (steps[at] > tall[j]) tall[j] = steps[at];
    }
    for (let x = 0, at = y * outCols; x < outCols; x++, at++) {
      let most = tall[left[x]];
      for (let j = left[x] + 1; j < right[x]; j++) if (tall[j] > most) most = tall[j];
      result[at] = most;
    }
  }
  return result;
}

// The visible cells (1) of a mask, in as many pixels as asked; a pixel with any visible cell shows.
export function resampleMask(mask, rows, cols, outRows, outCols) {
  return mask === null ? null : resample(mask, rows, cols, outRows, outCols);
}

export function pixelsInto(image, x0, y0, width, height, steps, packed) {
  const into = new Uint32Array(image.data.buffer);
  for (let y = 0, from = 0; y < height; y++) {
    let at = (y0 + y) * image.width + x0;
    for (let x = 0; x < width; x++) into[at++] = packed[steps[from++]];
  }
}

// Diagonal strokes on masked pixels; period in device pixels, so neighbours join up.
export function hatchInto(image, x0, y0, width, height, visibleCells, period, stroke, ground) {
  const into = new Uint32Array(image.data.buffer);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (visibleCells[y * width + x]) continue;
      into[(y0 + y) * image.width + x0 + x] = (x + y) % period === 0 ? stroke : ground;
    }
  }
}

export function packColour(hex) {
  const value = parseInt(hex.slice(1), 16);
  return ((255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
}

// Making a canvas and its context takes longer than filling it: one is kept and reused, and so are
// its pixels, for memory that is new to a page costs more than what is written into it.
let scratch = null;
let pixels = null;

function scratchContext(rows, cols) {
  if (!scratch || scratch.canvas.width !== cols || scratch.canvas.height !== rows) {
    const canvas = document.createElement("canvas");
    canvas.width = cols;
    canvas.height = rows;
    scratch = canvas.getContext("2d", { willReadFrequently: true });
  }
  return scratch;
}

// A canvas of one pixel a cell, to be scaled up without smoothing; good until the next call.
export function cellCanvas(steps, rows, cols, packed) {
  if (pixels?.width !== cols || pixels.height !== rows) pixels = new ImageData(cols, rows);
  pixelsInto(pixels, 0, 0, cols, rows, steps, packed);
  return imageCanvas(pixels);
}

// The same of pixels; good until the next call. drawImage blends, which putImageData does not.
export function imageCanvas(image) {
  const context = scratchContext(image.height, image.width);
  context.putImageData(image, 0, 0);
  return context.canvas;
}

// The same for good.
export function ownCanvas(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

const tiles = new Map(); // "colour ratio" → canvas; a handful at most

function hatchTile(colour, ratio) {
  const key = `${colour} ${ratio}`;
  if (tiles.has(key)) return tiles.get(key);
  const side = Math.max(4, Math.round(6 * ratio));
  const tile = document.createElement("canvas");
  tile.width = tile.height = side;
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = ratio;
  pen.beginPath();
  for (const shift of [-side, 0, side]) {
    pen.moveTo(shift - 1, side + 1);
    pen.lineTo(shift + side + 1, -1);
  }
  pen.stroke();
  tiles.set(key, tile);
  return tile;
}

export function hatchPattern(context, colour, ratio) {
  const pattern = context.createPattern(hatchTile(colour, ratio), "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern;
}
