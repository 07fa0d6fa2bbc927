// Example: the numbers that are the reader's to choose, and how an address writes them.
// Does not compute attention and does not know the DOM.
//
//     4x2         equal rows: 4 positions, 2 dimensions; "m" after it is the causal mask
//     4x2s        one key stands out
//     5x3mr7      random, with seed 7
//     2x2q1_0*0_1k1_0v0.5_1/3   numbers one after another, "*" between rows; rows that repeat the
//                               last one that is written are left out

import { readNumber, tenthsOf } from "./numbers.js";

export const INPUTS = ["q", "k", "v"];
export const MOST_SEED = 9999;
const WRITTEN = /^(\d)x(\d)(m?)(?:(s)|r([1-9]\d{0,3})|q([^qkv]+)k([^qkv]+)v([^qkv]+))?$/;
const OUTSTANDING = 3;

// The key that stands out; of a shorter example the last.
export const outstanding = (n) => Math.min(OUTSTANDING, n - 1);

// What a kind of example is filled with: [row][column] of texts.
function filled(kind, seed, n, d, name) {
  if (kind === "random") {
    const draw = tenthsOf(seed);
    const all = INPUTS.map(() => Array.from({ length: n }, () => Array.from({ length: d }, () => String(draw()))));
    return all[INPUTS.indexOf(name)];
  }
  const first = INPUTS.indexOf(name) * d + 1;
  const stands = (row) => kind === "stands" && name === "k" && row === outstanding(n);
  return Array.from({ length: n }, (_, row) =>
    Array.from({ length: d }, (_, col) => String(((first + col) * (stands(row) ? 2 : 1)) / 10)),
  );
}

// Rows that are not there yet repeat the last one, and columns begin with 0, which adds nothing.
function grown(rows, n, d) {
  const whole = rows.map((row) => [...row, ...Array(Math.max(0, d - row.length)).fill("0")]);
  while (whole.length < n) whole.push([...whole[whole.length - 1]]);
  return whole;
}

function writtenRows(rows) {
  const lines = rows.map((row) => row.join("_"));
  while (lines.length > 1 && lines[lines.length - 1] === lines[lines.length - 2]) lines.pop();
  return lines.join("*");
}

function readRows(text, n, d, largest) {
  const rows = text.split("*").map((line) => line.split("_").map((cell) => readNumber(cell, largest)));
  const fits = rows.length <= n && rows.every((row) => row.length === d && row.every((cell) => !cell.problem));
  return fits ? grown(rows.map((row) => row.map((cell) => cell.text)), n, d) : null;
}

// opens: {positions, dimensions}; limits: {positions, dimensions, largest, asked}.
export function createExample({ opens, limits }) {
  let now = null;
  const value = (text) => readNumber(text, limits.largest).value;
  const same = (a, b) => a.every((row, i) => row.every((text, j) => value(text) === value(b[i][j])));

  function generate(kind, seed = now?.seed ?? 0) {
    const cells = INPUTS.map((name) => [name, filled(kind, seed, now.n, now.d, name)]);
    Object.assign(now, { kind, seed, cells: Object.fromEntries(cells) });
  }

  function reset() {
    now = { n: opens.positions, d: opens.dimensions, causal: false, seed: 0 };
    generate("default");
  }

  // What is shown of a matrix: what a smaller size hides is kept, for it may come back.
  const texts = (name) => now.cells[name].slice(0, now.n).map((row) => row.slice(0, now.d));

  // Whether what is shown are equal rows, or are again.
  const isDefault = () => INPUTS.every((name) => same(texts(name), filled("default", 0, now.n, now.d, name)));

  // False, and the example from the start, where the text says nothing that can be used.
  function read(text) {
    reset();
    if (!text) return true;
    const found = text.length <= limits.asked ? WRITTEN.exec(text) : null;
    const [n, d] = found ? [Number(found[1]), Number(found[2])] : [0, 0];
    if (n < 1 || n > limits.positions || d < 1 || d > limits.dimensions) return false;
    const own = found[6] && found.slice(6).map((rows) => readRows(rows, n, d, limits.largest));
    if (own?.includes(null)) return false;
    Object.assign(now, { n, d, causal: found[3] === "m" });
    if (own) Object.assign(now, { kind: "own", cells: Object.fromEntries(INPUTS.map((name, i) => [name, own[i]])) });
    else if (found[5]) generate("random", Number(found[5]));
    else generate(found[4] ? "stands" : "default");
    return true;
  }

  // "" for the example from the start.
  function write() {
    const { n, d, causal, kind, seed } = now;
    const size = `${n}x${d}${causal ? "m" : ""}`;
    if (kind === "random") return `${size}r${seed}`;
    if (kind === "stands") return `${size}s`;
    if (!isDefault()) return size + INPUTS.map((name) => name + writtenRows(texts(name))).join("");
    const opening = n === opens.positions && d === opens.dimensions && !causal;
    return opening ? "" : size;
  }

  function resize(n, d) {
    Object.assign(now, { n, d });
    if (now.kind !== "own") return generate(now.kind);
    for (const name of INPUTS) now.cells[name] = grown(now.cells[name], n, d);
  }

  function edit(name, row, col, text) {
    now.cells[name][row][col] = text;
    now.kind = "own";
    if (isDefault()) generate("default");
  }

  return {
    read,
    write,
    reset,
    resize,
    edit,
    generate,
    texts,
    values: (name) => texts(name).map((row) => row.map(value)),
    setCausal: (causal) => (now.causal = causal),
    get state() {
      return now;
    },
  };
}
