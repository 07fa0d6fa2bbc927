// Grid: a thumbnail of every head, rows = layers, columns = heads; choosing one.
// Does not know exact numbers: it draws the quantised overview.
// All thumbnails share one canvas, painted once per data; marks lie on a second one above it.

import { el, sizeCanvas } from "./dom.js";
import { stepsOf } from "./colour.js";
import { hatchInto, packColour, pixelsInto, resample, resampleMask } from "./raster.js";
import { windowHeight } from "./screen.js";
import { fill } from "./text.js";

const LABEL = { left: 30, top: 20 };
const LEAST_SIDE = 12; // enough for a finger of a large grid, which scrolls on a phone
const MANY = 16; // heads or layers: thumbnails then stand closer

// The row of the grid that a head stands in.
const rowOf = (stack, head) => Math.floor(head.at / stack.n_heads);

function headLabel(letter, index, t) {
  return index === null ? t("mean") : `${letter}${index}`;
}

// Space for labels when the thumbnails are closer than the labels are wide.
function labelStride(pitch) {
  return pitch >= 26 ? 1 : pitch >= 14 ? 2 : 4;
}

export function createGrid(pane, actions) {
  const caption = el("div", { class: "caption" });
  const base = el("canvas", { class: "under" });
  const above = el("canvas", { class: "over" });
  const cells = el("div", { role: "grid", class: "cells" });
  const stage = el("div", { class: "stage" }, base, above, cells);
  const scroll = el("div", { class: "scroll" }, stage);
  pane.append(scroll, caption);

  let buttons = []; // one a head; a layer with fewer heads leaves cells of the grid empty
  let built = null;
  let side = 0;
  let gap = 4;
  let scene = null;

  const pitch = () => side + gap;
  const at = (index) => {
    const head = scene.stack.heads[index];
    return [
      LABEL.left + (head.at % scene.stack.n_heads) * pitch(),
      LABEL.top + rowOf(scene.stack, head) * pitch(),
    ];
  };

  // Thumbnails take about a quarter of the width, or a fixed size in a phone's strip.
  function measure({ width, height, narrow }, stack) {
    if (narrow) {
      const fit = Math.floor((width - LABEL.left) / stack.n_heads) - gap;
      return Math.max(24, Math.min(64, Math.max(40, fit), Math.floor(300 / stack.n_layers) - gap));
    }
    const share = Math.max(stack.n_heads, stack.n_layers) >= MANY ? 0.34 : 0.27;
    const across = Math.floor((width * share - LABEL.left) / stack.n_heads) - gap;
    const down = Math.floor((height - LABEL.top - 30) / stack.n_layers) - gap;
    return Math.max(LEAST_SIDE, Math.min(across, down, Math.max(58, Math.floor(windowHeight(pane) / 12))));
  }

  function buildCells() {
    const { stack, t } = scene;
    cells.setAttribute("aria-label", t("grid"));
    const rows = Array.from({ length: stack.n_layers }, () => el("div", { role: "row", class: "cellrow" }));
    buttons = stack.heads.map((head, index) =>
      el("div", {
        role: "gridcell",
        class: "cell",
        tabindex: -1,
        "aria-selected": "false",
        "aria-label": head.name,
        title: head.name,
        "data-cell": `${head.layer ?? "mean"},${head.head ?? "mean"}`,
        "data-index": index,
      }),
    );
    buttons.forEach((button, index) => rows[rowOf(stack, stack.heads[index])].append(button));
    cells.replaceChildren(...rows);
  }

  function drawLabels(context) {
    const { stack, t, palette } = scene;
    context.fillStyle = palette.quiet;
    context.font = `11px ${palette.font}`;
    context.textBaseline = "middle";
    const stride = labelStride(pitch());
    const down = pitch() >= 12 ? 1 : 2;
    context.textAlign = "center";
    const mean = stack.heads[0].head === null;
    for (let c = 0; c < stack.n_heads; c += stride) {
      const text = headLabel("H", mean ? null : c, t);
      context.fillText(text, LABEL.left + c * pitch() + side / 2, LABEL.top / 2, pitch() * stride);
    }
    context.textAlign = "right";
    let written = -1;
    for (const head of stack.heads) {
      const r = rowOf(stack, head);
      if (r === written || r % down) continue;
      written = r;
      const text = headLabel("L", head.layer, t);
      context.fillText(text, LABEL.left - 6, LABEL.top + r * pitch() + side / 2, LABEL.left - 6);
    }
  }

  function drawThumbnails(context) {
    const { stack, heads, palette, state, ratio } = scene;
    const px = Math.round(side * ratio);
    const { rows, cols } = stack.overview;
    const stroke = packColour(palette.hatch);
    const ground = packColour(palette.hatch_ground);
    const small = new Map(); // number of a mask → its cells in a thumbnail
    const seenBy = (head, index) => {
      if (!small.has(head.mask)) {
        const mask = heads.mask(stack, index);
        const large = stack.levels && head.mask !== null;
        const { length: across } = stack.cols;
        small.set(head.mask, large ? heads.smallMask(stack, index, px) : resampleMask(mask, stack.rows.length, across, px, px));
      }
      return small.get(head.mask);
    };
    const image = context.createImageData(px, px);
    stack.heads.forEach((head, index) => {
      const seen = seenBy(head, index);
      const steps = stepsOf(heads.shares(stack, index), rows, cols, state.scale, 255);
      pixelsInto(image, 0, 0, px, px, resample(steps, rows, cols, px, px), palette.packed);
      if (seen) hatchInto(image, 0, 0, px, px, seen, Math.round(4 * ratio), stroke, ground);
      const [x, y] = at(index);
      context.putImageData(image, Math.round(x * ratio), Math.round(y * ratio));
    });
  }

  // A band of one token inside every thumbnail: one pixel at least, or it could not be seen.
  function band(context, tokens, token, vertical, colour) {
    const thick = Math.max(1, side / tokens);
    const from = (token / tokens) * side;
    context.fillStyle = colour;
    for (let index = 0; index < buttons.length; index++) {
      const [x, y] = at(index);
      if (vertical) context.fillRect(x + from, y, thick, side);
      else context.fillRect(x, y + from, side, thick);
    }
  }

  function ring(context, index, colour, width) {
    const [x, y] = at(index);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.strokeRect(x - width / 2, y - width / 2, side + width, side + width);
  }

  function marks() {
    const { stack, state, hover, palette, ratio } = scene;
    const context = sizeCanvas(above, stage.w, stage.h, ratio);
    context.globalAlpha = 0.35;
    if (state.row !== null) band(context, stack.rows.length, state.row, false, palette.accent);
    if (hover.row !== null && hover.row !== state.row) band(context, stack.rows.length, hover.row, false, palette.ink);
    if (hover.col !== null) band(context, stack.cols.length, hover.col, true, palette.ink);
    context.globalAlpha = 1;
    ring(context, state.cell, palette.accent, 3);
  }

  // The head so many rows and columns on, or the nearest to it that its row has.
  function beside(index, rows, columns) {
    const { stack } = scene;
    const column = (i) => stack.heads[i].at % stack.n_heads;
    const row = rowOf(stack, stack.heads[index]) + rows;
    const mates = stack.heads.map((_, i) => i).filter((i) => rowOf(stack, stack.heads[i]) === row);
    const want = column(index) + columns;
    return mates.findLast((i) => column(i) <= want) ?? mates[0] ?? index;
  }

  // Numbers are on their way while the rounded ones are drawn. The focus comes before these: it makes
  // the browser lay out the page at once, and nothing of it has changed yet.
  function choose(index, event, next) {
    actions.expectCell(index);
    buttons[index].focus({ preventScroll: true });
    actions.chooseCell(index, event, next);
  }

  // Before the mouse button is let go. A finger may only mean to scroll.
  cells.addEventListener("pointerdown", (event) => {
    const button = event.target.closest("[data-cell]");
    if (button && event.pointerType === "mouse" && event.button === 0) actions.expectCell(Number(button.dataset.index));
  });
  cells.addEventListener("click", (event) => {
    const button = event.target.closest("[data-cell]");
    if (button) choose(Number(button.dataset.index), event);
  });
  cells.addEventListener("keydown", (event) => {
    const index = buttons.indexOf(event.target.closest("[data-cell]"));
    if (index < 0) return;
    const targetFrom = {
      ArrowLeft: (from) => beside(from, 0, -1),
      ArrowRight: (from) => beside(from, 0, 1),
      ArrowUp: (from) => beside(from, -1, 0),
      ArrowDown: (from) => beside(from, 1, 0),
      Home: () => (event.ctrlKey ? 0 : beside(index, 0, -Infinity)),
      End: () => (event.ctrlKey ? buttons.length - 1 : beside(index, 0, Infinity)),
    }[event.key];
    if (event.key === "Enter" || event.key === " ") choose(index, event);
    else if (!targetFrom) return;
    else choose(targetFrom(index), event, targetFrom(targetFrom(index)));
    event.preventDefault();
  });

  return {
    // Width in CSS pixels that the grid would like to have.
    layout(next) {
      scene = next;
      const { stack, size } = scene;
      gap = Math.max(stack.n_heads, stack.n_layers) >= MANY ? 2 : 4;
      side = measure(size, stack);
      stage.w = LABEL.left + stack.n_heads * pitch() + 2;
      stage.h = LABEL.top + stack.n_layers * pitch() + 2;
      stage.style.width = `${stage.w}px`;
      stage.style.height = `${stage.h}px`;
      const sampled = stack.measured_on && fill(scene.t("grid.sampled"), { some: stack.measured_on, all: stack.n_queries });
      caption.textContent = [scene.t("grid.caption"), sampled].filter(Boolean).join(" · ");
      if (built !== stack) buildCells();
      built = stack;
      buttons.forEach((button, index) => {
        const [x, y] = at(index);
        button.style.cssText = `left:${x}px;top:${y}px;width:${side}px;height:${side}px`;
      });
      return Math.min(Math.max(stage.w + 6, 190), size.narrow ? size.width : size.width * 0.36);
    },
    draw() {
      const context = sizeCanvas(base, stage.w, stage.h, scene.ratio);
      drawLabels(context);
      drawThumbnails(context);
    },
    select() {
      for (const button of cells.querySelectorAll('[aria-selected="true"],[tabindex="0"]')) {
        button.setAttribute("aria-selected", false);
        button.tabIndex = -1;
      }
      buttons[scene.state.cell].setAttribute("aria-selected", true);
      buttons[scene.state.cell].tabIndex = 0;
    },
    marks,
  };
}
