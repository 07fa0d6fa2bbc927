// Maps: a matrix of signed numbers on a canvas, with its axes, its legend and a cell that is read.
// Does not know what the numbers mean. Colours are those of the diverging or the sequential map.
// A cell may stand for several; then it holds the one farthest from 0.

import { el, sizeCanvas } from "../attention/dom.js";
import { cellCanvas, hatchPattern } from "../attention/raster.js";
import { save } from "../attention/saving.js";
import { pointIn, sharpness } from "../attention/screen.js";
import { fill, full, visible } from "../attention/text.js";
import { exportMenu } from "./files.js";

const FONT = 11;
const RIGHT = 12;
const BOTTOM = 34;
const TOP = 4;
const LEAST_LEFT = 54;
const MOST_LEFT = 130;
const LABEL_STEP = 13; // CSS pixels between two labels
const TICK_ROOM = 44;

function niceStep(count, room, least) {
  const wanted = Math.max(1, Math.ceil((count * least) / Math.max(1, room)));
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= wanted);
}

export function createMap(panel, { t, csv, pick }) {
  const canvas = el("canvas", { class: "matrix", tabindex: 0, role: "application" });
  const readout = el("p", { class: "readout", "aria-live": "polite" });
  const legend = el("div", { class: "legend" });
  const about = el("p", { class: "about" });
  const heading = el("h3");
  let now = panel;
  let cells = null;
  let palettes = null;
  let cell = null; // [row, column] of the cells that were sent
  let box = null; // where the cells are painted

  // The picture as it stands, with its name above and its colours below, on the ground of the page.
  async function png() {
    const ratio = canvas.width / canvas.clientWidth;
    const [wide, tall] = [canvas.width, canvas.height + 64 * ratio];
    const sheet = el("canvas", { width: wide, height: tall });
    const pen = sheet.getContext("2d");
    const { ground, ink, quiet, font } = palettes.share;
    pen.fillStyle = ground;
    pen.fillRect(0, 0, wide, tall);
    pen.drawImage(canvas, 0, 30 * ratio);
    pen.scale(ratio, ratio);
    pen.textBaseline = "middle";
    pen.fillStyle = ink;
    pen.font = `600 14px ${font}`;
    pen.fillText(now.title, 8, 16);
    const y = tall / ratio - 17;
    const ramp = pen.createLinearGradient(70, 0, 190, 0);
    for (let i = 0; i <= 8; i++) ramp.addColorStop(i / 8, palette().css[Math.round((i * 255) / 8)]);
    pen.fillStyle = ramp;
    pen.fillRect(70, y - 5, 120, 10);
    pen.fillStyle = quiet;
    pen.font = `${FONT}px ${font}`;
    pen.textAlign = "right";
    pen.fillText(ends()[0], 64, y);
    pen.textAlign = "left";
    pen.fillText(ends()[1], 196, y);
    const blob = await new Promise((resolve) => sheet.toBlob(resolve, "image/png"));
    save(blob, `headlight-${now.name}.png`);
  }

  const ends = () => [now.unsigned ? "0" : full(-now.limit, 3), full(now.limit, 3)];

  const menu = exportMenu([["csv", csv(panel.name)], ["png", png]], t);
  const element = el("figure", { class: "panel map", "data-panel": panel.name }, el("div", { class: "panel-head" }, heading, menu), canvas, el("div", { class: "under" }, legend, readout), about);

  const count = () => [Math.ceil(now.n_rows / now.high), Math.ceil(now.n_columns / now.wide)];
  const palette = () => (now.unsigned ? palettes.share : palettes.signed);

  function stepOf(value) {
    const share = now.unsigned ? value / now.limit : 0.5 + value / now.limit / 2;
    return Math.min(255, Math.max(0, Math.round(share * 255)));
  }

  function place(side, at, size, n) {
    if (side.labels.length && size === 1) return visible(side.labels[at]);
    const from = at * size;
    const to = Math.min(n, from + size) - 1;
    const values = { title: side.title, n: from, from, to };
    return fill(t(from === to ? "map.place" : "map.places"), values);
  }

  function read(spoken) {
    readout.setAttribute("aria-live", spoken ? "polite" : "off");
    if (!cell) {
      readout.textContent = now.high * now.wide > 1 ? fill(t("map.each"), { rows: now.high, columns: now.wide }) : "";
      return;
    }
    const [row, column] = cell;
    const value = cells[row * count()[1] + column];
    const key = Number.isNaN(value) ? "map.empty" : now.high * now.wide > 1 ? "map.pooled" : "map.cell";
    readout.dataset.value = String(value);
    readout.textContent = fill(t(key), {
      row: place(now.rows, row, now.high, now.n_rows),
      column: place(now.columns, column, now.wide, now.n_columns),
      value: full(value, 6),
    });
  }

  function gutter(pen) {
    if (!now.rows.labels.length) return LEAST_LEFT;
    const widest = Math.max(...now.rows.labels.map((label) => pen.measureText(visible(label)).width));
    return Math.min(MOST_LEFT, Math.max(LEAST_LEFT, widest + 14));
  }

  function paint() {
    const [rows, columns] = count();
    const width = Math.max(160, element.clientWidth);
    const room = rows * (now.rows.labels.length ? 17 : 7);
    const square = now.n_rows === now.n_columns;
    const high = Math.min(square ? 420 : 340, Math.max(40, room, square ? Math.min(300, width * 0.6) : 0));
    const ratio = sharpness(canvas);
    const pen = sizeCanvas(canvas, width, TOP + high + BOTTOM, ratio);
    const { font, quiet, ink, hatch, accent } = palettes.share;
    pen.font = `${FONT}px ${font}`;
    const left = gutter(pen);
    const wide = Math.min(width - left - RIGHT, square ? Math.max(high, columns) * 1.25 : Infinity);
    box = { left, top: TOP, wide, high, cw: wide / columns, ch: high / rows };

    const steps = Uint8Array.from(cells, (value) => (Number.isNaN(value) ? 0 : stepOf(value)));
    pen.imageSmoothingEnabled = false;
    pen.drawImage(cellCanvas(steps, rows, columns, palette().packed), left, TOP, wide, high);
    if (cells.some(Number.isNaN)) {
      const { hatch_ground: ground } = palettes.share;
      // One shape for all of them: filled one by one, their edges would show. It ends at whole dots,
      // as the cells do.
      const dot = (place) => Math.round(place * ratio) / ratio;
      const shape = new Path2D();
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          if (!Number.isNaN(cells[y * columns + x])) continue;
          let end = x;
          while (end + 1 < columns && Number.isNaN(cells[y * columns + end + 1])) end += 1;
          const [from, top] = [dot(left + x * box.cw), dot(TOP + y * box.ch)];
          shape.rect(from, top, dot(left + (end + 1) * box.cw) - from, dot(TOP + (y + 1) * box.ch) - top);
          x = end;
        }
      }
      for (const style of [ground, hatchPattern(pen, hatch, ratio)]) {
        pen.fillStyle = style;
        pen.fill(shape);
      }
    }
    labels(pen, quiet, ink);
    if (cell) {
      pen.strokeStyle = accent;
      pen.lineWidth = 1.5;
      pen.strokeRect(left + cell[1] * box.cw - 1, TOP + cell[0] * box.ch - 1, box.cw + 2, box.ch + 2);
    }
  }

  function labels(pen, quiet, ink) {
    const { left, top, wide, high } = box;
    pen.fillStyle = ink;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    const down = niceStep(now.n_rows, high, LABEL_STEP);
    for (let i = 0; i < now.n_rows; i += down) {
      const text = now.rows.labels.length ? cut(pen, visible(now.rows.labels[i]), left - 12) : String(i);
      pen.fillText(text, left - 7, top + ((i + 0.5) / now.n_rows) * high);
    }
    const tokens = now.columns.labels.length > 0;
    pen.textAlign = "center";
    const across = niceStep(now.n_columns, wide, tokens ? 30 : TICK_ROOM);
    for (let j = 0; j < now.n_columns; j += across) {
      const text = tokens ? cut(pen, visible(now.columns.labels[j]), (wide / now.n_columns) * across - 4) : String(j);
      pen.fillText(text, left + ((j + 0.5) / now.n_columns) * wide, top + high + 10);
    }
    pen.fillStyle = quiet;
    pen.fillText(now.columns.title, left + wide / 2, top + high + 25);
    if (now.rows.labels.length) return;
    pen.save();
    pen.translate(10, top + high / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText(now.rows.title, 0, 0);
    pen.restore();
  }

  function cut(pen, text, room) {
    if (pen.measureText(text).width <= room) return text;
    const letters = [...text];
    while (letters.length > 1 && pen.measureText(`${letters.join("")}…`).width > room) letters.pop();
    return `${letters.join("")}…`;
  }

  function drawLegend() {
    const { css } = palette();
    const ramp = el("span", { class: "ramp" });
    ramp.style.background = `linear-gradient(to right, ${[0, 64, 128, 192, 255].map((i) => css[i]).join(", ")})`;
    const [low, high] = ends();
    const parts = [el("span", { text: low }), ramp, el("span", { text: high })];
    if (cells.some(Number.isNaN)) parts.push(el("span", { class: "hatched" }), el("span", { text: now.hatched || t("map.hatched") }));
    legend.replaceChildren(...parts);
  }

  function point(next, spoken = false) {
    if (cell?.join() === next?.join()) return;
    cell = next;
    paint();
    read(spoken);
  }

  function cellAt(event) {
    if (!box) return null;
    const [across, down] = pointIn(canvas, event.clientX, event.clientY);
    const x = Math.floor((across - box.left) / box.cw);
    const y = Math.floor((down - box.top) / box.ch);
    const [rows, columns] = count();
    return x >= 0 && y >= 0 && x < columns && y < rows ? [y, x] : null;
  }

  const choose = (at, event) => {
    if (at && now.picks) pick(now.picks, at[1] * now.wide, event);
  };
  canvas.addEventListener("pointermove", (event) => point(cellAt(event)));
  canvas.addEventListener("pointerleave", () => point(null));
  canvas.addEventListener("click", (event) => choose(cellAt(event), event));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (event.key === "Enter") choose(cell, event);
    else if (event.key === "Escape") point(null, true);
    else if (step) {
      const [rows, columns] = count();
      const [row, column] = cell ?? [0, 0];
      point(cell ? [Math.min(rows - 1, Math.max(0, row + step[0])), Math.min(columns - 1, Math.max(0, column + step[1]))] : [0, 0], true);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    element,
    receive(next, body, _palette, both) {
      now = next;
      palettes = both;
      const [rows, columns] = count();
      cells = body.f32(next.cells, rows * columns);
      if (cell && (cell[0] >= rows || cell[1] >= columns)) cell = null;
      heading.textContent = next.title;
      heading.hidden = !next.title;
      about.textContent = next.about;
      about.hidden = !next.about;
      menu.csv = csv(next.name);
      canvas.classList.toggle("picks", next.picks !== "");
      canvas.setAttribute("aria-label", fill(t(next.picks ? "map.picks" : "map.aria"), { title: next.title, rows: next.n_rows, columns: next.n_columns }));
      drawLegend();
      read(false);
    },
    draw() {
      paint();
      element.dataset.drawn = String(Number(element.dataset.drawn ?? 0) + 1);
    },
    destroy() {},
  };
}
