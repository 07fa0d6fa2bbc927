// Numerals: how numbers are written in matrices and in arithmetic, and symbols with an index.
// Does not know what a number means.
// Exactly nothing is written 0, so that it is told from something small.

import { el } from "../attention/dom.js";
import { fixed, full } from "../attention/text.js";

const MINUS = "−";

// digits: "2", "4" or "full"; whole: numbers that only count, such as ids.
export function numeral(value, digits, whole = false) {
  if (value === 0) return "0";
  if (whole && Number.isInteger(value)) return String(value).replace("-", MINUS);
  return digits === "full" ? full(value) : fixed(value, Number(digits));
}

// In arithmetic what is too small for the decimals is written as a power: a product that reads
// 0.0000 explains nothing. Two decimals would not add up.
export function worked(value, digits) {
  const decimals = digits === "full" ? 7 : 4;
  if (value !== 0 && Math.abs(value) < 10 ** -decimals) return value.toExponential(3).replace(/^-/, MINUS);
  return numeral(value, digits === "full" ? "full" : "4");
}

// What has the place of the widest number of a matrix.
export function widest(most, digits, whole) {
  const ahead = "0".repeat(Math.max(1, Math.floor(Math.log10(Math.max(most, 1))) + 1));
  if (whole) return ahead;
  if (digits === "full") return `${MINUS}0.00${"0".repeat(7)}`;
  return `${MINUS}${ahead}.${"0".repeat(Number(digits))}`;
}

// W_Q as W with an index, wherever it stands in words or symbols of ours.
export function symbolParts(text) {
  return text.split(/_(\p{L}+|\d+)/u).map((part, i) => (i % 2 ? el("sub", { text: part }) : part));
}

export function plainSymbol(text) {
  return text.replace(/_(?=\p{L}|\d)/gu, "");
}
