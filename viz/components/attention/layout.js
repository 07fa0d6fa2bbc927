// Layout: the parts of the component and how much room each picture gets.
// Does not draw and knows no numbers; it asks each picture to lay itself out in its room.
// Wide: three pictures side by side. Middle: lines below. Narrow: all stacked, grid as a strip.

import { el } from "./dom.js";
import { sharpness, windowHeight } from "./screen.js";

const NARROW = 640;
const MIDDLE = 1000;
const GUTTER = 28;
const LEAST_MAP = 540; // its caption and legend on one line
const MOST_LINES_WIDTH = 720;
// What stands above and below the pictures at the height of a laptop screen.
const AROUND = 402;

export function skeleton(root) {
  const part = (name, tag = "div", attributes = {}) => el(tag, { class: name, ...attributes });
  const parts = {
    tabs: part("tabs"),
    readout: part("readout", "div", { "data-readout": "" }),
    tools: part("tools"),
    progress: part("progress", "div", { role: "progressbar", hidden: true }),
    grid: part("pane grid-pane", "section"),
    map: part("pane map-pane", "section"),
    lines: part("pane lines-pane", "section"),
    failure: part("failure", "div", { role: "alert", hidden: true }),
    measures: part("measures", "div", { role: "group" }),
    table: part("twin", "details"),
    spoken: part("spoken", "div", { role: "status" }),
  };
  const bar = el("div", { class: "bar" }, parts.tabs, parts.readout, parts.tools);
  const panes = el("div", { class: "panes" }, parts.grid, parts.map, parts.lines);
  root.replaceChildren(bar, parts.progress, panes, parts.failure, parts.measures, parts.table, parts.spoken);
  return parts;
}

export function isShown(scene, view) {
  return scene.state.view === view || scene.state.view === "both";
}

export function pictureHeight(root) {
  const width = root.clientWidth;
  if (width < NARROW) return Math.min(480, Math.max(300, width));
  return Math.max(340, Math.min(900, windowHeight(root) - AROUND));
}

function widthOfLines(size, rest, width, both) {
  if (size === "wide" && both) return Math.min(560, Math.max(270, Math.floor(rest * 0.36)));
  return size === "middle" && both ? width : Math.min(rest, MOST_LINES_WIDTH);
}

// False while there is no width (a hidden tab); the ResizeObserver calls again.
export function arrange(root, parts, scene, { grid, map, lines }) {
  const width = Math.floor(root.clientWidth);
  if (width < 40) return false;
  const tall = pictureHeight(root);
  const narrow = width < NARROW;
  const kind = narrow ? "narrow" : width < MIDDLE ? "middle" : "wide";
  const both = isShown(scene, "map") && isShown(scene, "lines");
  scene.ratio = sharpness(root);
  scene.size = { width, height: tall, narrow };
  root.dataset.size = kind;
  parts.map.hidden = !isShown(scene, "map");
  parts.lines.hidden = !isShown(scene, "lines");

  const gridWidth = Math.floor(grid.layout(scene));
  const rest = narrow ? width : width - gridWidth - GUTTER;
  const beside = both && kind === "wide";
  let linesWidth = widthOfLines(kind, rest, width, both);
  let mapWidth = beside ? rest - linesWidth - GUTTER : rest;
  if (!parts.map.hidden) {
    const used = map.layout(scene, { width: mapWidth, height: tall - 34 });
    if (!narrow) mapWidth = Math.min(mapWidth, Math.max(LEAST_MAP, used));
  }
  // What the map does not need, the lines may have.
  if (beside) linesWidth = Math.min(MOST_LINES_WIDTH, rest - mapWidth - GUTTER);
  parts.grid.style.width = narrow ? "" : `${gridWidth}px`;
  parts.map.style.width = narrow ? "" : `${mapWidth}px`;
  parts.lines.style.width = `${linesWidth}px`;
  if (!parts.lines.hidden) lines.layout(scene, { width: linesWidth, height: tall - 58 });
  return true;
}
