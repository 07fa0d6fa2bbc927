// Colour: which palette, which colour for a share, which ink on it.
// Does not know where shares come from or where they are drawn.
// Shares become one of 256 steps first, so that a picture is a table look-up.

import { isProjected } from "./screen.js";

const LOG_FLOOR = 0.001;

function channels(colour) {
  const text = colour.trim();
  if (text.startsWith("#")) {
    const hex = text.length < 6 ? [...text.slice(1, 4)].map((c) => c + c).join("") : text.slice(1, 7);
    return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
  }
  const numbers = text.match(/[\d.]+/g);
  return numbers && numbers.length >= 3 ? numbers.slice(0, 3).map(Number) : [255, 255, 255];
}

function luminance([r, g, b]) {
  const linear = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

// Black or white, whichever has the larger contrast (WCAG 2); at this luminance they are equal. Any
// other pair of inks falls below 4.5 somewhere between them.
const inkOn = (colour) => (luminance(colour) > 0.179 ? "#000000" : "#ffffff");

function ramp(stops) {
  const points = stops.map(channels);
  return Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (points.length - 1);
    const low = Math.min(Math.floor(at), points.length - 2);
    return points[low].map((v, c) => Math.round(v + (points[low + 1][c] - v) * (at - low)));
  });
}

export function readPalette(theme, root) {
  const style = getComputedStyle(root);
  const ground = style.getPropertyValue("--st-background-color") || "#ffffff";
  const name = luminance(channels(ground)) < 0.25 ? "dark" : "light";
  const { ink, quiet } = theme[name];
  // From the back of a classroom, what is quiet cannot be read.
  const colours = isProjected() ? { ...theme[name], quiet: ink, faint: quiet } : theme[name];
  const steps = ramp(colours.sequential);
  const packed = new Uint32Array(steps.map(([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r));
  const css = steps.map(([r, g, b]) => `rgb(${r},${g},${b})`);
  return {
    ...colours,
    name,
    ground,
    packed,
    css,
    strong: css[name === "light" ? 190 : 185],
    inkOn: steps.map(inkOn),
    font: style.getPropertyValue("--st-font").trim() || "sans-serif",
  };
}

function logStep(share) {
  return share <= LOG_FLOOR ? 0 : Math.round((1 + Math.log10(share) / -Math.log10(LOG_FLOOR)) * 255);
}

// The step (0–255) of one share. top: the largest share of its row.
export function stepOf(share, scale, top) {
  if (!(share > 0)) return 0;
  const step = scale === "log" ? logStep(share) : Math.round((scale === "row" ? share / top : share) * 255);
  return Math.min(255, Math.max(0, step));
}

// The steps of a whole map, in `into` if that is of its size. Works on f32 shares and, with
// unit = 255, on quantised u8 ones.
export function stepsOf(values, rows, cols, scale, unit = 1, into = null) {
  const steps = into?.length === rows * cols ? into : new Uint8Array(rows * cols);
  if (scale === "linear" && unit === 255) {
    steps.set(values);
    return steps;
  }
  if (scale === "linear") {
    // As `stepOf`, a quarter of a million times in a frame: of NaN and of what is below 0, step 0.
    for (let j = 0; j < steps.length; j++) {
      const value = (values[j] / unit) * 255;
      steps[j] = value > 0 ? Math.min(255, value + 0.5) : 0;
    }
    return steps;
  }
  const table =
    scale === "log" && unit === 255 ? Uint8Array.from({ length: 256 }, (_, i) => stepOf(i / 255, "log")) : null;
  for (let i = 0; i < rows; i++) {
    const start = i * cols;
    let top = 0;
    if (scale === "row") for (let j = 0; j < cols; j++) if (values[start + j] > top) top = values[start + j];
    for (let j = start; j < start + cols; j++) {
      steps[j] = table ? table[values[j]] : stepOf(values[j] / unit, scale, top / unit);
    }
  }
  return steps;
}
