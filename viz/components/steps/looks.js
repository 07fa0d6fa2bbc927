// Looks: the parts of the component from top to bottom, and the colours they are painted in.
// Does not know steps.

import { readPalette } from "../attention/colour.js";
import { el } from "../attention/dom.js";
import { sharpness } from "../attention/screen.js";

const SIZE = 12;
// Sections are told apart by how light the blue is; the names stand below as well.
const TINTS = { light: { encoder: 96, cross: 144, decoder: 200 }, dark: { encoder: 128, cross: 176, decoder: 224 } };

export function skeleton(root) {
  const part = (name, tag = "div", attributes = {}) => el(tag, { class: name, ...attributes });
  const parts = {
    bar: part("bar"),
    lines: part("lines"),
    stepper: part("stepper"),
    progress: part("progress", "div", { role: "progressbar", hidden: true }),
    failure: part("failure", "div", { role: "alert", hidden: true }),
    words: part("words"),
    tokens: part("token-list", "ol", { hidden: true }),
    board: part("board"),
    arithmetic: part("arithmetic", "section", { "data-arithmetic": "" }),
  };
  root.replaceChildren(...Object.values(parts));
  return parts;
}

// Colours for signed numbers are read as those for shares are: one ramp in place of the other.
export function readPalettes(theme, root) {
  const grounds = Object.entries(theme).map(([name, own]) => [name, { ...own, sequential: own.diverging }]);
  const signed = Object.fromEntries(grounds);
  return { share: readPalette(theme, root), signed: readPalette(signed, root) };
}

export function applyColours(root, { share }) {
  const { accent, quiet, faint, name, css } = share;
  root.dataset.ground = name;
  const tints = Object.entries(TINTS[name]).map(([section, step]) => [section, css[step]]);
  const properties = { accent, quiet, faint, ...Object.fromEntries(tints) };
  for (const [property, value] of Object.entries(properties)) root.style.setProperty(`--${property}`, value);
}

// What matrices are painted with.
export function readLook(root, palettes) {
  const { font, hatch_ground: ground } = palettes.share;
  const raised = getComputedStyle(root).getPropertyValue("--st-secondary-background-color").trim() || ground;
  const ratio = sharpness(root);
  return { palettes, ratio, font: `${SIZE}px ${font}`, bold: `600 ${SIZE}px ${font}`, raised };
}
