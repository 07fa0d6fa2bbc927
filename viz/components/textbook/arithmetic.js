// Arithmetic: how one result came about, and what is so about all of them, in words and numbers.
// Returns text; does not know where it is shown.

import { fill } from "../attention/text.js";
import { brief } from "./numbers.js";

const SHAPES = { dot: "pair", scaled: "pair", masked: "pair", exp: "pair", shares: "pair", z: "z" };
const FORMULAS = { dot: "q·kᵀ", scaled: "q·kᵀ ÷ √{d}", exp: "exp" };
const WORDS = { masked: "mask", row_max: "row_max", row_sum: "row_sum", shares: "shares" };

// How a cell's row and column are counted: input, pair, row or z.
export function shapeOf(name) {
  if ("qkv".includes(name)) return "input";
  return SHAPES[name] ?? "row";
}

// What a matrix is called above its numbers. Letters and formulas are the same in every language.
export function titleOf(name, d, t) {
  return name in WORDS ? t(WORDS[name]) : fill(FORMULAS[name] ?? name, { d });
}

export function placeOf(name, row, col, d, t) {
  return fill(t(`cell.${shapeOf(name)}`), { matrix: titleOf(name, d, t), row, col });
}

// "0.1 × 0.4 + 0.2 × 0.5 = 0.14"; a mask is explained by a sentence.
export function written(name, i, j, { worked, causal, digits, t }) {
  const say = (value) => brief(value, digits);
  // After a sign, a negative number stands in brackets.
  const inner = (value) => (value < 0 ? `(${say(value)})` : say(value));
  const sum = (terms) => terms.join(" + ");
  const products = (a, b) => sum(a.map((x, at) => `${at ? inner(x) : say(x)} × ${inner(b[at])}`));
  const result = say(worked[name][i][j]);
  const at = (matrix, col = j) => worked[matrix][i][col];
  switch (name) {
    case "dot":
      return `${products(worked.q[i], worked.k[j])} = ${result}`;
    case "scaled":
      return `${say(at("dot"))} ÷ √${worked.q[0].length} = ${result}`;
    case "masked": {
      const why = !causal ? "why.no_mask" : j > i ? "why.masked" : "why.visible";
      return fill(t(why), { row: i, col: j, score: say(at("scaled")) });
    }
    case "row_max":
      return `max(${worked.masked[i].map(say).join(", ")}) = ${result}`;
    case "exp":
      return `exp(${say(at("masked"))} − ${inner(at("row_max", 0))}) = ${result}`;
    case "row_sum":
      return `${sum(worked.exp[i].map(inner))} = ${result}`;
    case "shares":
      return `${say(at("exp"))} ÷ ${say(at("row_sum", 0))} = ${result}`;
    default:
      return `${products(worked.shares[i], worked.v.map((row) => row[j]))} = ${result}`;
  }
}

const equalRows = (rows) => rows.every((row) => row.every((value, col) => value === rows[0][col]));

// Sentences about the numbers as they are; none where nothing is equal.
export function facts({ worked, causal, digits, t }) {
  const n = worked.q.length;
  if (n === 1) return [t("fact.one")];
  const [queries, keys, values] = [worked.q, worked.k, worked.v].map(equalRows);
  const found = [];
  if (keys && causal) found.push(t("fact.keys_masked"));
  else if (keys) {
    const [score, share] = [worked.scaled[0][0], worked.shares[0][0]].map((value) => brief(value, digits));
    found.push(fill(t(queries ? "fact.equal" : "fact.keys"), { n, score, share }));
  } else if (queries && !causal) found.push(t("fact.queries"));
  if (values) found.push(t("fact.values"));
  return found;
}
