// Numbers: read as people type them, written as people read them, and drawn by lot from a seed.
// Does not know what the numbers mean.

const PLAIN = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i;
// What a number looks like before it is typed to its end.
const BEGUN = /^[+-]?(?:\d*\.?\d*(?:e[+-]?)?|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?\/[+-]?)$/i;
const LONGEST = 24;

// Full-width digits and signs, the minus sign of mathematics, and the decimal comma.
function plain(typed) {
  return typed.normalize("NFKC").trim().replace(/[−–﹣]/g, "-").replace(/。/g, ".").replace(",", ".");
}

// {value, text} of a number or a fraction; {problem} of anything else, {problem: "begun"} of what
// may still become a number.
export function readNumber(typed, largest) {
  const text = plain(typed);
  const parts = text.split("/");
  if (text.length > LONGEST || parts.length > 2 || !parts.every((part) => PLAIN.test(part)))
    return { problem: text.length <= LONGEST && BEGUN.test(text) ? "begun" : "number" };
  const [above, below] = parts.map(Number);
  if (below === 0) return { problem: "zero" };
  const value = parts.length === 2 ? above / below : above;
  if (!(Math.abs(value) <= largest)) return { problem: "large" };
  return { value: value === 0 ? 0 : value, text: text.replace(/\+/g, "").toLowerCase() };
}

// A step of 0.1 up or down, without the dust that 0.1 + 0.2 leaves.
export function nudged(value, step) {
  const moved = value + step;
  return Math.abs(moved) < 1e5 ? Math.round(moved * 1e10) / 1e10 : moved;
}

const trimmed = (text) => text.replace(/\.?0+(?=e|$)/, "");

// digits: 2, 4 or "full". What rounds to nothing, or is very large, is written with an exponent.
function writtenWith(value, digits, tidy) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  let text;
  if (digits === "full") text = String(value);
  else if (Math.abs(value) >= 1e6 || Math.abs(value) < 0.5 / 10 ** digits) text = trimmed(value.toExponential(2));
  else text = tidy && value.toFixed(digits).includes(".") ? trimmed(value.toFixed(digits)) : value.toFixed(digits);
  return text.replace("e+", "e").replace(/^-/, "−");
}

// In a column: as many digits in each.
export const aligned = (value, digits) => writtenWith(value, digits, false);
// In a line: no zeros at the end.
export const brief = (value, digits) => writtenWith(value, digits, true);

// Mulberry32: the same seed gives the same tenths from −1 to 1, in any browser.
export function tenthsOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * 21) - 10) / 10;
  };
}
