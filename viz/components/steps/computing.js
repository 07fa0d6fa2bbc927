// Computing: a cell of the result out of the operands, by the rule of the step, one part at a time.
// Does not draw. What it computes is compared with what was recorded; it never replaces it.
// A chain is a list of { op } and { value, label, name }: what is written side by side.

import { headOf } from "./links.js";
import { nameOf } from "./stepframe.js";

const MOST_TERMS = 12; // a longer sum is told by its largest terms
const LARGEST_TERMS = 10;

// Φ(x), the standard normal distribution, to the precision of a double. The series of erf by
// double factorials has no cancelling terms: Abramowitz and Stegun, 7.1.6.
export function normalBelow(x) {
  const z = Math.abs(x) / Math.SQRT2;
  if (z > 6) return x > 0 ? 1 : 0;
  let term = z;
  let sum = z;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * z * z) / (2 * n + 1);
    sum += term;
  }
  const erf = (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum;
  return x > 0 ? (1 + erf) / 2 : (1 - erf) / 2;
}

const op = (text) => ({ op: text });
const part = (value, label = "", name = "") => ({ value, label, name });

// Σ_k A[i,k]·B[k,j] with a running sum. The terms that are not written out are summed: those that
// are here, and the `rest` that was left out.
function product(step, row, col) {
  const { A, B, b } = step.matrices;
  const all = A.cols.kept.map((k) => {
    const [x, y] = [A.at(row, k), B.at(k, col)];
    return { k, name: nameOf(A.cols, k), a: x, b: y, product: x * y };
  });
  let shown = all;
  if (all.length > MOST_TERMS || A.cols.size > all.length) {
    const bySize = [...all].sort((one, other) => Math.abs(other.product) - Math.abs(one.product));
    const kept = new Set(bySize.slice(0, all.length > MOST_TERMS ? LARGEST_TERMS : all.length));
    shown = all.filter((term) => kept.has(term));
  }
  let sum = 0;
  for (const term of shown) term.sum = sum += term.product;
  let others = null;
  if (A.cols.size > shown.length) {
    const cell = step.result.rows.where.get(row) * step.result.cols.kept.length + step.result.cols.where.get(col);
    const said = new Set(shown);
    const unsaid = all.reduce((total, term) => total + (said.has(term) ? 0 : term.product), 0);
    others = { n: A.cols.size - shown.length, product: unsaid + (step.rest ? step.rest[cell] : 0) };
    others.sum = sum += others.product;
  }
  const bias = b ? b.at(0, col) : null;
  const computed = sum + (bias ?? 0);
  const chain = shown.slice(0, 3).flatMap((term, n) => [...(n ? [op("+")] : []), part(term.a), op("×"), part(term.b)]);
  if (shown.length > 3 || others) chain.push(op("+"), op("…"));
  if (b) chain.push(op("+"), part(bias, b.symbol, "bias"));
  return { chain, terms: { shown, others, bias, all: A.cols.size, kind: A.cols.kind }, computed };
}

function norm(step, row, col, t) {
  const { A, mean, variance, γ, β } = step.matrices;
  const [x, m, v] = [A.at(row, col), mean.at(row, 0), variance.at(row, 0)];
  const spread = Math.sqrt(v + step.numbers.epsilon);
  const normalised = (x - m) / spread;
  const [g, b] = [γ.at(0, col), β.at(0, col)];
  const chain = [
    op("("), part(x, A.symbol, "x"), op("−"), part(m, t("part.mean"), "mean"), op(")"), op("÷"),
    part(spread, t("part.spread"), "spread"), op("="), part(normalised, t("part.normalised"), "normalised"),
    op("×"), part(g, "γ", "gamma"), op("+"), part(b, "β", "beta"),
  ]; // prettier-ignore
  const before = [part(v, t("part.variance"), "variance"), part(step.numbers.epsilon, t("part.epsilon"), "epsilon")];
  return { chain, computed: normalised * g + b, before };
}

function softmax(step, row, col, t) {
  const { A, max, sum, sink } = step.matrices;
  const [score, top, total] = [A.at(row, col), max.at(row, 0), sum.at(row, 0)];
  const notes = [];
  if (sink) notes.push({ key: "cell.sink", value: Math.exp(sink.at(row, 0) - top) / total });
  const { log_z: logZ } = step.numbers; // of the row that the step is about
  if (row === step.cell[0] && logZ !== undefined) notes.push({ key: "cell.log_z", value: logZ });
  if (!Number.isFinite(score)) {
    return { chain: [part(score, t("part.score"), "score")], computed: 0, notes: [{ key: "cell.gone" }, ...notes] };
  }
  const exp = Math.exp(score - top);
  const chain = [
    part(score, t("part.score"), "score"), op("−"), part(top, t("part.row_max"), "max"), op("="),
    part(score - top, t("part.difference"), "difference"), op("→"), part(exp, t("part.exp"), "exp"), op("÷"),
    part(total, t("part.row_sum"), "sum"),
  ]; // prettier-ignore
  return { chain, computed: exp / total, notes };
}

function rotated(step, row, col, t) {
  const { A, cos, sin } = step.matrices;
  const pair = Math.floor(col / 2);
  const [a, b] = [A.at(row, 2 * pair), A.at(row, 2 * pair + 1)];
  const [c, s] = [cos.at(row, pair), sin.at(row, pair)];
  const turn = [part(c, t("part.cos"), "cos"), part(s, t("part.sin"), "sin")];
  const [first, second] = col % 2 ? turn.reverse() : turn;
  const index = (n) => `${A.symbol} ${n}`;
  const sign = col % 2 ? "+" : "−";
  const [one, other] = [part(a, index(2 * pair), "a"), part(b, index(2 * pair + 1), "b")];
  const chain = [one, op("×"), first, op(sign), other, op("×"), second];
  return { chain, computed: col % 2 ? a * s + b * c : a * c - b * s };
}

function scaled(step, row, col, t) {
  const { factor, d } = step.numbers;
  const x = step.matrices.A.at(row, col);
  const root = Math.sqrt(d);
  // Written as the paper does, where it is that: ÷ √d.
  const isRoot = Math.abs(factor * root - 1) < 1e-6;
  const by = isRoot ? [op("÷"), part(root, `√${d}`, "root")] : [op("×"), part(factor, t("part.factor"), "factor")];
  return { chain: [part(x, step.matrices.A.symbol, "x"), ...by], computed: x * factor };
}

const RULES = {
  matmul: product,
  norm,
  softmax,
  rotate: rotated,
  scale: scaled,
  add(step, row, col) {
    const { A, B } = step.matrices;
    const [a, b] = [A.at(row, col), B.at(row, col)];
    return { chain: [part(a, A.symbol, "a"), op("+"), part(b, B.symbol, "b")], computed: a + b };
  },
  columns(step, row, col) {
    const { A } = step.matrices;
    const from = step.numbers.first + col;
    const value = A.at(row, from);
    const notes = [{ key: "cell.copied", n: from, symbol: A.symbol }];
    return { chain: [part(value, A.symbol, "x")], computed: value, notes };
  },
  heads(step, row, col) {
    const from = headOf(step, col);
    const value = step.matrices[from.letter]?.at(row, from.col);
    const notes = [{ key: "cell.copied_head", n: from.col, head: `H${from.head}` }];
    return { chain: [part(value, `z_${from.head}`, "x")], computed: value, notes };
  },
  softcap(step, row, col) {
    const x = step.matrices.A.at(row, col);
    const cap = step.numbers.softcap;
    const inner = [part(x, step.matrices.A.symbol, "x"), op("÷"), part(cap, "c")];
    const chain = [part(cap, "c", "cap"), op("× tanh("), ...inner, op(")")];
    return { chain, computed: cap * Math.tanh(x / cap) };
  },
  mask(step, row, col, t) {
    const score = step.matrices.A.at(row, col);
    const seen = step.matrices.visible.at(row, col) > 0;
    const notes = [{ key: seen ? "cell.visible" : "cell.masked" }];
    return { chain: [part(score, t("part.score"), "score")], computed: seen ? score : -Infinity, notes, arrow: !seen };
  },
  relu(step, row, col) {
    const x = step.matrices.A.at(row, col);
    return { chain: [op("max( 0 ,"), part(x, step.matrices.A.symbol, "x"), op(")")], computed: Math.max(0, x) };
  },
  gelu(step, row, col, t) {
    const x = step.matrices.A.at(row, col);
    const phi = normalBelow(x);
    return { chain: [part(x, step.matrices.A.symbol, "x"), op("×"), part(phi, t("part.phi"), "phi")], computed: x * phi };
  },
  given(step) {
    const isId = step.name === "ids";
    return { chain: [], computed: null, notes: [{ key: isId ? "cell.looked_up" : "cell.recorded" }] };
  },
};

// { chain, computed, terms?, before?, notes? } of a cell; null where nothing is computed.
export function compute(step, row, col, t) {
  const rule = RULES[step.rule];
  return rule ? { notes: [], before: [], terms: null, ...rule(step, row, col, t) } : null;
}
