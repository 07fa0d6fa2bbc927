// Heads: the numbers and masks of one head, from the payload, from the cache, or from the server.
// Does not draw. Knows the frame's offsets and the head route, nothing about the page.
// A head that is not here yet is answered with rounded shares at once, and exactly later.
// Of a large map only the shares come at once; scores and q·k follow for the row that is pointed at.
// Of one that is too large to be held a picture comes, then tiles of what is in sight, and such rows.

import { decodeFrame } from "./frame.js";
import { createLevels, MOST_TILES } from "./levels.js";
import { cellsOfRuns, rowOfRuns, smallOfRuns, spreadOverRuns } from "./runs.js";
import { createTiles } from "./tiles.js";

const KEPT = 32;
const MOST_BYTES = 256 * 2 ** 20;
const KEPT_ROWS = 128;
const KEPT_MASKS = 4;

// The overview spread over all cells: a picture and a rounded number until the exact ones come.
// They are written into `into`, if it has room: memory that is new to a page costs more than they.
function rough(stack, shares, into) {
  const [rows, cols] = [stack.rows.length, stack.cols.length];
  const { rows: r, cols: c } = stack.overview;
  const pattern = new Float32Array(into?.byteLength === rows * cols * 4 ? into : rows * cols);
  const from = Int32Array.from({ length: cols }, (_, j) => Math.floor((j * c) / cols));
  for (let i = 0, before = -1; i < rows; i++) {
    const row = Math.floor((i * r) / rows);
    const at = i * cols;
    if (row === before) pattern.copyWithin(at, at - cols, at);
    else for (let j = 0; j < cols; j++) pattern[at + j] = shares[row * c + from[j]] / 255;
    before = row;
  }
  return { pattern, scores: null, dot: null, exact: false, byRow: false };
}

// The same of a map that is too large to be held.
function roughLevels(stack, shares) {
  const { coarsest, tile } = stack.levels;
  const [rows, cols] = [stack.rows.length, stack.cols.length];
  const [height, width] = [Math.ceil(rows / 2 ** coarsest), Math.ceil(cols / 2 ** coarsest)];
  const { rows: r, cols: c } = stack.overview;
  const cells = new Float32Array(height * width);
  const tops = new Float32Array(height);
  for (let i = 0, at = 0; i < height; i++) {
    const from = Math.floor((i * r) / height) * c;
    for (let j = 0; j < width; j++, at++) {
      cells[at] = shares[from + Math.floor((j * c) / width)] / 255;
      if (cells[at] > tops[i]) tops[i] = cells[at];
    }
  }
  const large = createLevels({ rows, cols, coarsest, tile }, { rows: height, cols: width, cells, tops });
  return { ...leveled(large), exact: false };
}

function leveled(large) {
  return { large, pattern: null, scores: null, dot: null, byRow: true, rows: new Map(), failed: null };
}

// Means and renormalised rows need not sum to 1; what is said under the map has to be true.
export function sumsToOne(numbers, rows, cols) {
  if (!numbers.exact) return false;
  if (numbers.large) return numbers.sums;
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < cols; j++) sum += numbers.pattern[i * cols + j];
    if (!(Math.abs(sum - 1) <= 1e-3)) return false;
  }
  return true;
}

// The shares of one row, or null where they are not here yet.
export function sharesOf(numbers, row, cols) {
  if (numbers.large) return numbers.rows.get(row)?.pattern ?? null;
  return numbers.pattern.subarray(row * cols, (row + 1) * cols);
}

// Scores and q·k of one row, or null where a share has none or they are not here yet.
export function scoresOf(numbers, row, cols) {
  if (numbers.byRow) {
    const found = numbers.rows.get(row);
    return found?.scores ? found : null;
  }
  if (!numbers.scores) return null;
  const part = (values) => values && values.subarray(row * cols, (row + 1) * cols);
  return { scores: part(numbers.scores), dot: part(numbers.dot) };
}

function drop(map, most) {
  while (map.size > most) map.delete(map.keys().next().value);
}

async function framed(url, signal) {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return decodeFrame(new Uint8Array(await answer.arrayBuffer()));
}

// A part of a map at a level.
async function answeredPart(url, signal) {
  const { header, f16, f32 } = await framed(url, signal);
  const { rows, cols, level } = header;
  const read = level ? f16 : f32;
  const part = { rows, cols, cells: read(header.cells, rows * cols), tops: read(header.tops, rows) };
  return { part, level, sums: header.sums_to_one };
}

// Of a large map only the visible cells may come: `cells` says how many do, `edges` which these are.
async function answered(url, signal, edges = null) {
  const { header, f32 } = await framed(url, signal);
  const n = header.rows * header.cols;
  const read = (offset) => (offset === null || offset === undefined ? null : f32(offset, header.cells));
  const found = Object.fromEntries(["pattern", "scores", "dot"].map((k) => [k, read(header[k])]));
  if (header.cells !== n) found.pattern = edges && spreadOverRuns(found.pattern, edges, n);
  if (!found.pattern) throw new Error("size");
  return { n, byRow: header.by_row, ...found };
}

export function createHeads() {
  let payload = null;
  let roughly = null; // memory of the head that is rough now
  let fetched = new Map(); // "stack/layer/head" → numbers, oldest first
  let running = null; // { key, controller, came }
  let planned = null; // { stack, cell } that may be chosen next
  let asking = null; // the same for one row
  let tiles = null; // of the head that tiles were last wanted of
  const masks = new Map(); // "stack/number" → cells, oldest first

  const size = (stack) => stack.rows.length * stack.cols.length;
  const keyOf = (stack, head) => `${stack.name}/${head.layer ?? "mean"}/${head.head ?? "mean"}`;

  function url(stack, head, ending = "") {
    const { api, query } = payload.header;
    return new URL(`${api}/${keyOf(stack, head)}${ending}${query ? "?" + query : ""}`, document.baseURI).href;
  }

  function shares(stack, cell) {
    const { at, rows, cols } = stack.overview;
    return payload.u8(at + cell * rows * cols, rows * cols);
  }

  const edgesOf = (stack, number) => payload.u32(stack.masks[number].at, stack.masks[number].edges);

  // 1 where a query may look, or null where nothing is masked, or the map is too large to be held.
  function mask(stack, cell) {
    const number = stack.heads[cell].mask;
    if (number === null || stack.levels) return null;
    const key = `${stack.name}/${number}`;
    let cells = masks.get(key);
    if (!cells) {
      cells = cellsOfRuns(edgesOf(stack, number), size(stack));
    }
    masks.delete(key);
    masks.set(key, cells);
    drop(masks, KEPT_MASKS);
    return cells;
  }

  // The same of one row.
  function seenBy(stack, cell, row) {
    const cols = stack.cols.length;
    if (!stack.levels) return mask(stack, cell)?.subarray(row * cols, (row + 1) * cols) ?? null;
    const number = stack.heads[cell].mask;
    return number === null ? null : rowOfRuns(edgesOf(stack, number), row, cols);
  }

  function local(stack, cell) {
    const n = size(stack);
    const read = (offset) => (offset === null || offset === undefined ? null : payload.f32(offset + cell * n * 4, n));
    const { pattern, scores, dot } = stack.exact;
    return { pattern: read(pattern), scores: read(scores), dot: read(dot), exact: true, byRow: false };
  }

  // What a head may come to hold: with its steps and halves a picture takes twice its floats.
  function bytesOf({ n, scores, large }) {
    if (!large) return n * 4 * (scores ? 3 : 1);
    return n * 8 + MOST_TILES * large.tile ** 2 * 5 + KEPT_ROWS * large.cols * 12;
  }

  function keep(key, numbers) {
    fetched.set(key, numbers);
    drop(fetched, Math.min(KEPT, Math.max(1, Math.floor(MOST_BYTES / bytesOf(numbers)))));
  }

  async function wholeHead(stack, head, signal) {
    if (stack.levels) return pictured(stack, await answeredPart(url(stack, head), signal));
    const found = await answered(url(stack, head), signal, head.mask === null ? null : edgesOf(stack, head.mask));
    if (found.n !== size(stack)) throw new Error("size");
    return { ...found, exact: true, rows: new Map(), failed: null };
  }

  function pictured(stack, { part, level, sums }) {
    const { coarsest, tile } = stack.levels;
    const [rows, cols] = [stack.rows.length, stack.cols.length];
    const fits = level === coarsest && part.rows === Math.ceil(rows / 2 ** level) && part.cols === Math.ceil(cols / 2 ** level);
    if (!fits) throw new Error("size");
    return { ...leveled(createLevels({ rows, cols, coarsest, tile }, part)), n: part.cells.length, exact: true, sums };
  }

  async function fetchHead(stack, cell, mine) {
    try {
      const found = await wholeHead(stack, stack.heads[cell], mine.controller.signal);
      if (running !== mine) return null;
      keep(mine.key, found);
      return true;
    } catch (error) {
      if (running !== mine) return null;
      throw error;
    } finally {
      if (running === mine) running = null;
    }
  }

  return {
    url,
    shares,
    mask,
    seenBy,
    // The mask of a head as small as a thumbnail of side × side pixels, of a map too large to be held.
    smallMask: (stack, cell, side) =>
      smallOfRuns(edgesOf(stack, stack.heads[cell].mask), stack.rows.length, stack.cols.length, side),
    receive(next) {
      const same = payload && payload.header.trace === next.header.trace && payload.header.query === next.header.query;
      payload = next;
      masks.clear();
      planned = null;
      if (!same) fetched = new Map();
      this.cancel();
    },
    get(stack, cell) {
      if (stack.exact) return local(stack, cell);
      const key = keyOf(stack, stack.heads[cell]);
      const found = fetched.get(key);
      if (!found && stack.levels) return roughLevels(stack, shares(stack, cell));
      if (!found) {
        const numbers = rough(stack, shares(stack, cell), roughly);
        roughly = numbers.pattern.buffer;
        return numbers;
      }
      fetched.delete(key);
      fetched.set(key, found);
      return found;
    },
    // Fetches the exact numbers. Resolves true when they came, null when another head was chosen
    // meanwhile; throws when they did not come. Only the latest request counts.
    load(stack, cell) {
      const key = keyOf(stack, stack.heads[cell]);
      if (running?.key !== key) {
        running?.controller.abort();
        running = { key, controller: new AbortController() };
        running.came = fetchHead(stack, cell, running);
      }
      return running.came;
    },
    // Fetches those of a head that is about to be chosen, unless others are awaited.
    expect(stack, cell) {
      const isHere = stack.exact || fetched.has(keyOf(stack, stack.heads[cell]));
      if (!running && !isHere) this.load(stack, cell).catch(() => {}); // whoever chooses it is told
    },
    // The head that is chosen next if somebody walks on, or null: fetched when `goOn` says that what
    // they wait for is here.
    plan(stack, cell) {
      planned = cell === null ? null : { stack, cell };
    },
    goOn() {
      if (planned) this.expect(planned.stack, planned.cell);
      planned = null;
    },
    // Fetches scores and q·k, of a map too large to be held shares too, of one row into `numbers`. Resolves true when there is news: they
    // came, or did not. Only the latest request counts.
    async loadRow(stack, cell, row, numbers) {
      asking?.controller.abort();
      const mine = { controller: new AbortController() };
      asking = mine;
      try {
        const found = await answered(url(stack, stack.heads[cell], `/${row}`), mine.controller.signal);
        if (found.n !== stack.cols.length || !(found.scores || numbers.large)) throw new Error("size");
        numbers.rows.set(row, found);
        drop(numbers.rows, KEPT_ROWS);
        return true;
      } catch {
        if (asking !== mine) return false;
        numbers.failed = row;
        return true;
      } finally {
        if (asking === mine) asking = null;
      }
    },
    // Fetches these tiles of a head into `numbers`, and no longer any others; `came` is called for
    // each that came, or did not.
    wantTiles(stack, cell, numbers, keys, came) {
      if (tiles?.numbers !== numbers) {
        tiles?.queue.want([]);
        const { large } = numbers;
        const head = stack.heads[cell];
        const queue = createTiles(
          async (key, signal) => (await answeredPart(url(stack, head, `/${key}`), signal)).part,
          (key, part) => {
            if (part) large.keep(key, part);
            else large.fail(key);
            came();
          },
        );
        tiles = { numbers, queue };
      }
      tiles.queue.want(keys);
    },
    cancel() {
      tiles?.queue.want([]);
      running?.controller.abort();
      asking?.controller.abort();
      running = asking = null;
    },
  };
}
