// Attend: the computation, in doubles, every step kept. The same as model_runtime/textbook.py.
// Does not know how a number is shown.

// In the order of the computation.
export const RESULTS = ["dot", "scaled", "masked", "row_max", "exp", "row_sum", "shares", "z"];

const total = (terms) => terms.reduce((sum, term) => sum + term, 0);
const product = (a, b) => total(a.map((x, at) => x * b[at]));

// q, k, v: [position][dimension]. Row max and row sum are columns: [query][0].
export function attend(q, k, v, causal) {
  const root = Math.sqrt(q[0].length);
  const dot = q.map((query) => k.map((key) => product(query, key)));
  const scaled = dot.map((row) => row.map((x) => x / root));
  const masked = scaled.map((row, i) => row.map((x, j) => (causal && j > i ? -Infinity : x)));
  const rowMax = masked.map((row) => [Math.max(...row)]);
  // The largest score is taken off first: exp of it is 1, and of no other more.
  const exp = masked.map((row, i) => row.map((x) => Math.exp(x - rowMax[i][0])));
  const rowSum = exp.map((row) => [total(row)]);
  const shares = exp.map((row, i) => row.map((x) => x / rowSum[i][0]));
  const z = shares.map((row) => v[0].map((_, col) => product(row, v.map((value) => value[col]))));
  return { q, k, v, dot, scaled, masked, row_max: rowMax, exp, row_sum: rowSum, shares, z };
}

const MADE_OF = {
  dot: (i, j) => [["q", i, null], ["k", j, null]],
  scaled: (i, j) => [["dot", i, j]],
  masked: (i, j) => [["scaled", i, j]],
  row_max: (i) => [["masked", i, null]],
  exp: (i, j) => [["masked", i, j], ["row_max", i, 0]],
  row_sum: (i) => [["exp", i, null]],
  shares: (i, j) => [["exp", i, j], ["row_sum", i, 0]],
  z: (i, j) => [["shares", i, null], ["v", null, j]],
};

// [matrix, row, column] of what made a cell; null stands for a whole column or row.
export const madeOf = (name, row, col) => MADE_OF[name](row, col);
