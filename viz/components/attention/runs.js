// Runs: a mask as it is sent, where visible cells begin and end by turns, read row by row.
// Does not know heads or pictures; 1 is a cell where a query may look.

// All cells, of a map that is small enough.
export function cellsOfRuns(edges, count) {
  const cells = new Uint8Array(count);
  for (let k = 0; k < edges.length; k += 2) cells.fill(1, edges[k], edges[k + 1]);
  return cells;
}

// Values of visible cells alone, row by row, over `count` cells; the others are 0. Null if they are
// not as many as the visible cells.
export function spreadOverRuns(values, edges, count) {
  const cells = new Float32Array(count);
  let at = 0;
  for (let k = 0; k < edges.length; k += 2) {
    const next = at + edges[k + 1] - edges[k];
    cells.set(values.subarray(at, next), edges[k]);
    at = next;
  }
  return at === values.length ? cells : null;
}

// The runs of one row as visit(from, to), columns. Found by halving: there are tens of thousands.
function eachRunOfRow(edges, row, cols, visit) {
  const [start, end] = [row * cols, (row + 1) * cols];
  let low = 0;
  let high = edges.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[2 * middle + 1] > start) high = middle;
    else low = middle + 1;
  }
  for (let k = 2 * low; k < edges.length && edges[k] < end; k += 2)
    visit(Math.max(edges[k], start) - start, Math.min(edges[k + 1], end) - start);
}

export function rowOfRuns(edges, row, cols) {
  const cells = new Uint8Array(cols);
  eachRunOfRow(edges, row, cols, (from, to) => cells.fill(1, from, to));
  return cells;
}

// The mask in side × side pixels; a pixel with any visible cell shows.
export function smallOfRuns(edges, rows, cols, side) {
  const pixels = new Uint8Array(side * side);
  for (let i = 0; i < rows; i++) {
    const from = Math.floor((i * side) / rows) * side;
    eachRunOfRow(edges, i, cols, (a, b) =>
      pixels.fill(1, from + Math.floor((a * side) / cols), from + Math.floor(((b - 1) * side) / cols) + 1),
    );
  }
  return pixels;
}
