// Text: makes invisible characters visible, fills {places}, and writes numbers.
// Does not know what a head or a language is; of tokens, only which texts they have.
// Everything it returns goes into textContent, fillText or escaped XML, never into markup.

const CONTROL = /[\u0000-\u001f\u007f]/g;
// Zero-width, bidirectional, soft-hyphen, tag and odd-space characters, and lone surrogates: they
// would hide, reorder or swallow the text around them.
const HIDDEN = new RegExp(
  "[\\u0080-\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180e" +
    "\\u2000-\\u200c\\u200e\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000\\u3164\\ufeff\\uffa0" +
    "\\ufff0-\\ufffb\\ud800-\\udfff\\u{e0000}-\\u{e0fff}]",
  "gu",
);
// A zero-width joiner is part of an emoji between two pictographs, and a trick elsewhere.
const JOINER = /(?<!\p{Extended_Pictographic}\ufe0f?|\p{Emoji_Modifier})\u200d/gu;

function codePoint(character) {
  return `⟨U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

export function visible(text) {
  if (text === "") return "∅";
  const shown = text
    .replace(/^ +| +$| {2,}/g, (run) => "␠".repeat(run.length))
    .replace(/\r\n|\n/g, "⏎")
    .replace(/\t/g, "⇥")
    .replace(CONTROL, (c) => String.fromCharCode(c === "\u007f" ? 0x2421 : 0x2400 + c.charCodeAt(0)))
    .replace(JOINER, codePoint)
    .replace(HIDDEN, codePoint);
  // A combining mark with nothing to sit on would climb onto its neighbour.
  return /^\p{M}/u.test(shown) ? "◌" + shown : shown;
}

export function fill(template, values) {
  return String(template).replace(/\{(\w+)\}/g, (place, name) => (name in values ? values[name] : place));
}

function signed(text) {
  return text.replace(/^-/, "−"); // not in exponents: programs read those
}

export function fixed(value, digits = 2) {
  if (value === null || value === undefined || Number.isNaN(value)) return "—";
  return Number.isFinite(value) ? signed(value.toFixed(digits)) : value > 0 ? "∞" : "−∞";
}

// An f32 holds a little over seven digits; more would be made up.
export function full(value, digits = 7) {
  if (value === null || value === undefined) return "—";
  if (value === 0) return "0";
  return Number.isFinite(value) ? signed(value.toPrecision(digits)) : fixed(value);
}

export function percent(value) {
  return value === null || value === undefined ? "—" : `${Math.round(value * 100)}%`;
}

export function escapeXml(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return String(text).replace(/[&<>"']/g, (c) => names[c]);
}

// The tokens of a payload's stacks, as they are shown.
export function writeTokens(header) {
  for (const stack of header.stacks) {
    for (const token of [...stack.rows, ...stack.cols]) {
      token.shown = visible(token.text);
      token.noteShown = visible(token.note ?? "");
      token.kind ??= "";
    }
  }
}
