// Export: the map with its tokens, title and legend as a PNG or an SVG, drawn in the browser.
// Does not know the DOM of the component and asks no server.
// SVG text is real text, escaped; many cells become one embedded picture instead of rectangles.

import { mapGeometry, LABEL_SIZE } from "./geometry.js";
import { NUMBER_CELL, paintCells, paintLabels } from "./paint.js";
import { cellCanvas } from "./raster.js";
import { save } from "./saving.js";
import { escapeXml, fill, fixed, visible } from "./text.js";

const MARGIN = 24;
const TITLE = 30;
const FOOT = 62;
const LONGEST_CAPTION = 90;
const MOST_RECTANGLES = 10000;
const PNG_RATIO = 2;

function sheet(scene) {
  const most = Math.max(scene.stack.rows.length, scene.stack.cols.length);
  // Of a map that is held in levels, all of it as a picture shows it.
  const least = scene.stack.levels ? 0 : 4;
  const cell = most <= 40 ? 34 : most <= 80 ? 20 : Math.max(least, 1600 / most);
  const context = document.createElement("canvas").getContext("2d");
  const room = { width: 220 + cell * scene.stack.cols.length, height: 140 + cell * scene.stack.rows.length };
  const geometry = mapGeometry(context, scene.stack, room, scene.palette.font);
  const width = Math.max(420, Math.ceil(MARGIN * 2 + geometry.left + geometry.width + geometry.right));
  const height = Math.ceil(MARGIN + TITLE + geometry.top + geometry.height + FOOT + MARGIN);
  return { geometry, width, height };
}

function words(scene) {
  const { head, stack, state, t } = scene;
  const limits = { linear: ["0", "1"], log: ["≤ 0.001", "1"], row: ["0", t("legend.row_max")] }[state.scale];
  const said = Array.from(visible(scene.header.caption));
  const caption = said.length > LONGEST_CAPTION ? said.slice(0, LONGEST_CAPTION).join("") + "…" : said.join("");
  const { large } = scene.numbers;
  const grain = large ? [fill(t("map.grain"), { n: 2 ** large.coarsest })] : [];
  const axes = [stack.rows_are, stack.cols_are, ...grain].join(" · ");
  return { title: `${head.name} · ${stack.title}`, caption, axes, limits };
}

function paintLegend(context, scene, y) {
  const { palette, t } = scene;
  const { axes, caption, limits } = words(scene);
  context.font = `11px ${palette.font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillStyle = palette.quiet;
  context.fillText(axes, MARGIN, y);
  context.fillText(caption, MARGIN, y + 40);
  const legend = `${t("legend")} ${limits[0]}`;
  context.fillText(legend, MARGIN, y + 20);
  let x = MARGIN + context.measureText(legend).width + 8;
  palette.css.forEach((colour, i) => {
    context.fillStyle = colour;
    context.fillRect(x + (i * 120) / 256, y + 15, 1, 10);
  });
  x += 128;
  context.fillStyle = palette.quiet;
  context.fillText(scene.head.mask !== null ? `${limits[1]}   ▨ ${t("map.masked")}` : limits[1], x, y + 20);
}

function png(scene) {
  const { geometry, width, height } = sheet(scene);
  const { palette } = scene;
  const canvas = document.createElement("canvas");
  const ratio = Math.min(PNG_RATIO, 8000 / Math.max(width, height));
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.fillStyle = palette.ground;
  context.fillRect(0, 0, width, height);
  context.fillStyle = palette.ink;
  context.font = `600 15px ${palette.font}`;
  context.textBaseline = "middle";
  context.fillText(words(scene).title, MARGIN, MARGIN + 6);
  context.save();
  context.translate(MARGIN, MARGIN + TITLE);
  paintCells(context, scene, geometry, ratio, geometry.left, geometry.top);
  paintLabels(context, scene, geometry, geometry.left, geometry.top);
  context.restore();
  paintLegend(context, scene, height - MARGIN - 40);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

const number = (value) => String(Math.round(value * 100) / 100);

function svgNumber(scene, geometry, i, j) {
  const { left, top, cw, ch, cols } = geometry;
  const at = i * cols + j;
  const share = scene.numbers.pattern[at];
  if (cw < NUMBER_CELL || share < 0.005) return "";
  const ink = scene.steps[at] < 12 ? scene.palette.quiet : scene.palette.inkOn[scene.steps[at]];
  const place = `x="${number(left + (j + 0.5) * cw)}" y="${number(top + (i + 0.5) * ch)}"`;
  return `<text ${place} font-size="11" text-anchor="middle" dominant-baseline="central" fill="${ink}">${fixed(share)}</text>`;
}

function svgCells(scene, geometry) {
  const { rows, cols, left, top, cw, ch, width, height } = geometry;
  const { steps, palette, mask } = scene;
  const edge = cw < 9 ? "" : ` stroke="${escapeXml(palette.ground)}"`;
  const box = (i, j, w, fill) =>
    `<rect x="${number(left + j * cw)}" y="${number(top + i * ch)}" width="${number(w)}" height="${number(ch)}" fill="${fill}"${edge}/>`;
  const parts = [];
  if (rows * cols > MOST_RECTANGLES) {
    const picture = cellCanvas(steps, rows, cols, palette.packed).toDataURL("image/png");
    const area = `x="${left}" y="${top}" width="${number(width)}" height="${number(height)}"`;
    parts.push(`<image ${area} preserveAspectRatio="none" style="image-rendering:pixelated" href="${picture}"/>`);
  }
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      if (mask && !mask[i * cols + j]) {
        let end = j;
        while (end < cols && !mask[i * cols + end]) end++;
        parts.push(box(i, j, (end - j) * cw, palette.hatch_ground), box(i, j, (end - j) * cw, "url(#hatch)"));
        j = end - 1;
      } else if (rows * cols <= MOST_RECTANGLES) {
        parts.push(box(i, j, cw, palette.css[steps[i * cols + j]]), svgNumber(scene, geometry, i, j));
      }
    }
  }
  const { rowDivide, colDivide } = geometry;
  const rule = (x, y, w, h) =>
    parts.push(`<rect x="${number(x)}" y="${number(y)}" width="${number(w)}" height="${number(h)}" fill="${palette.quiet}"/>`);
  if (rowDivide !== null) rule(left, top + rowDivide * ch - 0.5, width, 1);
  if (colDivide !== null) rule(left + colDivide * cw - 0.5, top, 1, height);
  return parts.join("");
}

function svgLabels(scene, geometry) {
  const { left, top, cw, ch, across, down, flat, rowStride, colStride, tilt } = geometry;
  const colour = (token) => (token.kind === "" ? scene.palette.ink : scene.palette.quiet);
  const parts = [];
  const add = (x, y, anchor, text, fill, turn = "") =>
    parts.push(
      `<text x="${number(x)}" y="${number(y)}" text-anchor="${anchor}" dominant-baseline="central" fill="${fill}"${turn}>${escapeXml(text)}</text>`,
    );
  for (let i = 0; i < down.texts.length; i += rowStride)
    add(left - 7, top + (i + 0.5) * ch, "end", down.texts[i], colour(scene.stack.rows[i]));
  for (let j = 0; j < across.texts.length; j += colStride) {
    const x = left + (j + 0.5) * cw;
    if (flat) add(x, top - 10, "middle", across.texts[j], colour(scene.stack.cols[j]));
    else {
      const turn = ` transform="rotate(${number((-tilt * 180) / Math.PI)} ${number(x + 3)} ${top - 7})"`;
      add(x + 3, top - 7, "start", across.texts[j], colour(scene.stack.cols[j]), turn);
    }
  }
  return parts.join("");
}

function svg(scene) {
  const { geometry, width, height } = sheet(scene);
  const { palette, mask, t } = scene;
  const { title, caption, axes, limits } = words(scene);
  const y = height - MARGIN - 40;
  const stops = palette.sequential
    .map((c, i, all) => `<stop offset="${number(i / (all.length - 1))}" stop-color="${c}"/>`)
    .join("");
  const small = (x, at, text) =>
    `<text x="${x}" y="${at}" font-size="11" fill="${palette.quiet}" dominant-baseline="central">${escapeXml(text)}</text>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" font-family="${escapeXml(palette.font)}" font-size="${LABEL_SIZE}">` +
    `<title>${escapeXml(title)}</title><defs><linearGradient id="ramp">${stops}</linearGradient>` +
    `<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse">` +
    `<path d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5" stroke="${palette.hatch}" stroke-width="1"/></pattern></defs>` +
    `<rect width="100%" height="100%" fill="${escapeXml(palette.ground)}"/>` +
    `<text x="${MARGIN}" y="${MARGIN + 6}" font-size="15" font-weight="600" fill="${palette.ink}" dominant-baseline="central">${escapeXml(title)}</text>` +
    `<g transform="translate(${MARGIN} ${MARGIN + TITLE})">${svgCells(scene, geometry)}${svgLabels(scene, geometry)}</g>` +
    small(MARGIN, y, axes) +
    small(MARGIN, y + 40, caption) +
    small(MARGIN, y + 20, `${t("legend")} ${limits[0]}`) +
    `<rect x="${MARGIN + 90}" y="${y + 15}" width="120" height="10" fill="url(#ramp)"/>` +
    small(MARGIN + 218, y + 20, limits[1]) +
    (mask
      ? `<rect x="${MARGIN + 280}" y="${y + 14}" width="18" height="12" fill="url(#hatch)"/>${small(MARGIN + 304, y + 20, t("map.masked"))}`
      : "") +
    "</svg>"
  );
}

export async function exportPicture(scene, kind) {
  const blob = kind === "png" ? await png(scene) : new Blob([svg(scene)], { type: "image/svg+xml" });
  save(blob, `${scene.fileName}.${kind}`);
}
