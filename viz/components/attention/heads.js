// Heads: the numbers of one head, from the payload, from the cache, or from the server.
// Does not draw. Knows the frame's offsets and the head route, nothing about the page.
// A head that is not here yet is answered with rounded shares at once, and exactly later.

import { decodeFrame } from "./frame.js";

const KEPT = 32;

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
  return { pattern, scores: null, dot: null, exact: false };
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

export function createHeads() {
  let payload = null;
  let fetched = new Map(); // "stack/layer/head" → numbers, oldest first
  let running = null; // { key, controller }

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

  function local(stack, cell) {
    const n = size(stack);
    const read = (offset) => (offset === null || offset === undefined ? null : payload.f32(offset + cell * n * 4, n));
    const { pattern, scores, dot } = stack.exact;
    return { pattern: read(pattern), scores: read(scores), dot: read(dot), exact: true };
  }

  return {
    url,
    shares,
    receive(next) {
      const same = payload && payload.header.trace === next.header.trace && payload.header.query === next.header.query;
      payload = next;
      if (!same) fetched = new Map();
      running?.controller.abort();
      running = null;
    },
    mask: (stack) => (stack.mask ? payload.u8(stack.mask.at, size(stack)) : null),
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
        const answer = await fetch(url(stack, stack.heads[cell]), { signal: mine.controller.signal });
        if (!answer.ok) throw new Error(`${answer.status}`);
        const { header, f32 } = decodeFrame(new Uint8Array(await answer.arrayBuffer()));
        const n = size(stack);
        if (header.rows * header.cols !== n) throw new Error("size");
        const read = (offset) => (offset === null || offset === undefined ? null : f32(offset, n));
        if (running !== mine) return null;
        fetched.set(key, {
          pattern: read(header.pattern),
          scores: read(header.scores),
          dot: read(header.dot),
          exact: true,
        });
        while (fetched.size > KEPT) fetched.delete(fetched.keys().next().value);
        return true;
      } catch (error) {
        if (running !== mine) return null;
        throw error;
      } finally {
        if (running === mine) running = null;
      }
    },
    cancel() {
      running?.controller.abort();
      running = null;
    },
  };
}
