// Heads: the numbers and masks of one head, from the payload, from the cache, or from the server.
// Does not draw. Knows the frame's offsets and the head route, nothing about the page.
// A head that is not here yet is answered with rounded shares at once, and exactly later.
// Of a large map only the shares come at once; scores and q·k follow for the row that is pointed at.

import { decodeFrame } from "./frame.js";

const KEPT = 32;
const MOST_BYTES = 256 * 2 ** 20;
const KEPT_ROWS = 128;
const KEPT_MASKS = 4;

// The overview spread over all cells: a picture and a rounded number until the exact ones come.
function rough(stack, shares) {
  const rows = stack.rows.length;
  const cols = stack.cols.length;
  const { rows: r, cols: c } = stack.overview;
  const pattern = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    const from = Math.floor((i * r) / rows) * c;
    for (let j = 0; j < cols; j++) pattern[i * cols + j] = shares[from + Math.floor((j * c) / cols)] / 255;
  }
  return { pattern, scores: null, dot: null, exact: false, byRow: false };
}

// Means and renormalised rows need not sum to 1; what is said under the map has to be true.
export function sumsToOne(numbers, rows, cols) {
  if (!numbers.exact) return false;
  for (let i = 0; i < Math.min(rows, 64); i++) {
    let sum = 0;
    for (let j = 0; j < cols; j++) sum += numbers.pattern[i * cols + j];
    if (!(Math.abs(sum - 1) <= 1e-3)) return false;
  }
  return true;
}

// Scores and q·k of one row, or null where a share has none or they are not here yet.
export function scoresOf(numbers, row, cols) {
  if (numbers.byRow) return numbers.rows.get(row) ?? null;
  if (!numbers.scores) return null;
  const part = (values) => values && values.subarray(row * cols, (row + 1) * cols);
  return { scores: part(numbers.scores), dot: part(numbers.dot) };
}

function drop(map, most) {
  while (map.size > most) map.delete(map.keys().next().value);
}

async function answered(url, signal) {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const { header, f32 } = decodeFrame(new Uint8Array(await answer.arrayBuffer()));
  const n = header.rows * header.cols;
  const read = (offset) => (offset === null || offset === undefined ? null : f32(offset, n));
  return { n, byRow: header.by_row, ...Object.fromEntries(["pattern", "scores", "dot"].map((k) => [k, read(header[k])])) };
}

export function createHeads() {
  let payload = null;
  let fetched = new Map(); // "stack/layer/head" → numbers, oldest first
  let running = null; // { key, controller }
  let asking = null; // the same for one row
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

  // 1 where a query may look, or null where nothing is masked. Sent as runs of visible cells.
  function mask(stack, cell) {
    const number = stack.heads[cell].mask;
    if (number === null) return null;
    const key = `${stack.name}/${number}`;
    let cells = masks.get(key);
    if (!cells) {
      cells = new Uint8Array(size(stack));
      const edges = payload.u32(stack.masks[number].at, stack.masks[number].edges);
      for (let k = 0; k < edges.length; k += 2) cells.fill(1, edges[k], edges[k + 1]);
    }
    masks.delete(key);
    masks.set(key, cells);
    drop(masks, KEPT_MASKS);
    return cells;
  }

  function local(stack, cell) {
    const n = size(stack);
    const read = (offset) => (offset === null || offset === undefined ? null : payload.f32(offset + cell * n * 4, n));
    const { pattern, scores, dot } = stack.exact;
    return { pattern: read(pattern), scores: read(scores), dot: read(dot), exact: true, byRow: false };
  }

  function keep(key, numbers) {
    fetched.set(key, numbers);
    drop(fetched, Math.min(KEPT, Math.max(1, Math.floor(MOST_BYTES / (numbers.n * 4 * (numbers.scores ? 3 : 1))))));
  }

  return {
    url,
    shares,
    mask,
    receive(next) {
      const same = payload && payload.header.trace === next.header.trace && payload.header.query === next.header.query;
      payload = next;
      masks.clear();
      if (!same) fetched = new Map();
      this.cancel();
    },
    get(stack, cell) {
      if (stack.exact) return local(stack, cell);
      const key = keyOf(stack, stack.heads[cell]);
      const found = fetched.get(key);
      if (!found) return rough(stack, shares(stack, cell));
      fetched.delete(key);
      fetched.set(key, found);
      return found;
    },
    // Fetches the exact numbers. Resolves true when they came, null when another head was chosen
    // meanwhile; throws when they did not come. Only the latest request counts.
    async load(stack, cell) {
      const key = keyOf(stack, stack.heads[cell]);
      running?.controller.abort();
      const mine = { key, controller: new AbortController() };
      running = mine;
      try {
        const found = await answered(url(stack, stack.heads[cell]), mine.controller.signal);
        if (found.n !== size(stack)) throw new Error("size");
        if (running !== mine) return null;
        keep(key, { ...found, exact: true, rows: new Map(), failed: null });
        return true;
      } catch (error) {
        if (running !== mine) return null;
        throw error;
      } finally {
        if (running === mine) running = null;
      }
    },
    // Fetches scores and q·k of one row into `numbers`. Resolves true when there is news: they
    // came, or did not. Only the latest request counts.
    async loadRow(stack, cell, row, numbers) {
      asking?.controller.abort();
      const mine = { controller: new AbortController() };
      asking = mine;
      try {
        const found = await answered(url(stack, stack.heads[cell], `/${row}`), mine.controller.signal);
        if (found.n !== stack.cols.length || !found.scores) throw new Error("size");
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
    cancel() {
      running?.controller.abort();
      asking?.controller.abort();
      running = asking = null;
    },
  };
}
