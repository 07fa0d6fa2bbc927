// Map: the chosen head as rows of queries and columns of keys; hovering, pinning, walking.
// Does not know where numbers come from; reads the scene and reports what was pointed at.
// The canvas is only as large as the pane: scrolling moves the cells under fixed labels.

import { el, sizeCanvas } from "./dom.js";
import { mapGeometry } from "./geometry.js";
import { drawLegend } from "./legend.js";
import { isPooled, NUMBER_CELL, NUMBER_LINE, paintCells, paintLabels, paintMarkedLabel } from "./paint.js";
import { sharesOf } from "./heads.js";
import { enlargement, pointIn } from "./screen.js";
import { fill, fixed } from "./text.js";
import { grainOf, levelFor } from "./zoomed.js";

// Large enough for the number of a share.
const READABLE_CELL = NUMBER_CELL + 2;
const ROOMY_CELL = 14;
const WHEEL_STEP = 60; // of a wheel or a pinch, until the map is twice as large

export function createMap(pane, actions) {
  const base = el("canvas", { "data-map": "", tabindex: 0, role: "application" });
  const above = el("canvas", { class: "over" });
  const window_ = el("div", { class: "sticky" }, base, above);
  const stage = el("div", { class: "stage" }, window_);
  const scroll = el("div", { class: "scroll" }, stage);
  const axes = el("span", { class: "axes" });
  const notes = el("span", { class: "notes" });
  const zoom = el("button", { type: "button", class: "quiet-button", click: () => toggleZoom() });
  // Of a map held in levels there is something to see at every size.
  const farther = el("button", { type: "button", class: "quiet-button", "data-zoom": "out", text: "−", click: () => zoomBy(0.5) });
  const closer = el("button", { type: "button", class: "quiet-button", "data-zoom": "in", text: "+", click: () => zoomBy(2) });
  const legend = el("div", { class: "legend" });
  const caption = el("div", { class: "caption" }, axes, farther, closer, zoom, legend, notes);
  pane.append(scroll, caption);

  let scene = null;
  let geometry = null;
  let room = { width: 0, height: 0 };
  let enlarged = false;
  let cellWanted = READABLE_CELL; // how large an enlarged map's cells are
  let fitted = 0; // and one's that fits
  let pointed = null; // the last event of the pointer while what it points at is not known yet

  // Remembered, for asking the element in the middle of writing would force a layout.
  let scrolled = { x: 0, y: 0 };
  const origin = () => [geometry.left - scrolled.x, geometry.top - scrolled.y];

  // Enlarged, the map begins at the pinned row and its largest share.
  function toggleZoom() {
    enlarged = !enlarged;
    cellWanted = READABLE_CELL;
    actions.arrange();
    const { row } = scene.state;
    const shares = row === null ? null : sharesOf(scene.numbers, row, geometry.cols);
    if (!enlarged || !shares) return;
    const col = shares.reduce((best, share, j) => (share > shares[best] ? j : best), 0);
    const { cw, ch, left, top, viewWidth, viewHeight } = geometry;
    scrollTo((col + 0.5) * cw - (viewWidth - left) / 2, (row + 0.5) * ch - (viewHeight - top) / 2);
    marks();
  }

  // Where a map grows from that was not pointed at: the middle, and the pinned row if it is in sight.
  function middle() {
    const { left, top, ch, viewWidth, viewHeight } = geometry;
    const { row } = scene.state;
    const y = row === null ? -1 : origin()[1] + (row + 0.5) * ch;
    return [(left + viewWidth) / 2, y > top && y < viewHeight ? y : (top + viewHeight) / 2];
  }

  // A map held in levels twice as large, or half; what is at a place stays there.
  function zoomBy(factor, [x, y] = middle()) {
    const [x0, y0] = origin();
    const [col, row] = [(x - x0) / geometry.cw, (y - y0) / geometry.ch];
    const next = Math.min(READABLE_CELL, Math.min(geometry.cw, geometry.ch) * factor);
    enlarged = next > fitted * 1.001;
    cellWanted = next;
    actions.arrange();
    if (enlarged) scrollTo(col * geometry.cw - x + geometry.left, row * geometry.ch - y + geometry.top);
    marks();
  }

  // Returns the width it came to need.
  function layout(next, nextRoom) {
    scene = next;
    room = nextRoom;
    const context = base.getContext("2d");
    const { large } = scene.numbers;
    const least = large ? cellWanted : READABLE_CELL;
    geometry = mapGeometry(context, scene.stack, room, scene.palette.font, enlarged ? least : 0);
    if (!enlarged) fitted = Math.min(geometry.cw, geometry.ch);
    farther.hidden = !large || !enlarged;
    closer.hidden = !large || (enlarged && cellWanted >= READABLE_CELL);
    farther.setAttribute("aria-label", scene.t("map.farther"));
    closer.setAttribute("aria-label", scene.t("map.closer"));
    const fits = !enlarged && geometry.cw >= NUMBER_CELL && geometry.ch >= NUMBER_LINE;
    zoom.hidden = fits || (!enlarged && scene.stack.rows.length * scene.stack.cols.length <= 1);
    zoom.textContent = scene.t(enlarged ? "map.fit" : "map.enlarge");
    const width = geometry.left + geometry.width + geometry.right;
    const height = geometry.top + geometry.height + 4;
    stage.style.width = `${Math.max(1, Math.floor(width))}px`;
    stage.style.height = `${Math.max(1, Math.floor(height))}px`;
    scroll.style.height = `${Math.min(height, room.height) + (enlarged ? 12 : 0)}px`;
    scroll.style.overflow = enlarged ? "auto" : "hidden";
    geometry.viewWidth = Math.min(width, room.width - (enlarged ? 12 : 0));
    geometry.viewHeight = Math.min(height, room.height);
    if (!enlarged) {
      scroll.scrollTo(0, 0);
      scrolled = { x: 0, y: 0 };
    }
    return Math.ceil(geometry.viewWidth + (enlarged ? 12 : 0));
  }

  // Everything drawn inside the window between the fixed labels.
  function inCells(context, paint) {
    context.save();
    context.beginPath();
    context.rect(geometry.left - 1.5, geometry.top - 1.5, geometry.viewWidth, geometry.viewHeight);
    context.clip();
    paint();
    context.restore();
  }

  // The rows and columns of which something is in the window.
  function inSight(x0, y0) {
    const { rows, cols, cw, ch, left, top, viewWidth, viewHeight } = geometry;
    const first = (from, start, size) => Math.max(0, Math.floor((from - start) / size));
    const last = (to, start, size, n) => Math.min(n, Math.ceil((to - start) / size));
    return {
      top: first(top, y0, ch),
      bottom: last(viewHeight, y0, ch, rows),
      left: first(left, x0, cw),
      right: last(viewWidth, x0, cw, cols),
    };
  }

  // Whole labels only: one that the window's edge would cut waits until it is scrolled into view.
  function hasRoom(x, y, reach) {
    if (x === null) return y > geometry.top && y < geometry.viewHeight - 5;
    return x > geometry.left && x + reach <= geometry.viewWidth + 1;
  }

  function draw() {
    const { stack, palette, ratio, t, head } = scene;
    const context = sizeCanvas(base, geometry.viewWidth, geometry.viewHeight, ratio);
    const [x0, y0] = origin();
    inCells(context, () => paintCells(context, scene, geometry, ratio, x0, y0, inSight(x0, y0)));
    paintLabels(context, scene, geometry, x0, y0, hasRoom);
    base.setAttribute("aria-label", fill(t("map.aria"), { head: head.name }));
    axes.textContent = [stack.rows_are, stack.cols_are, ...sums()].join(" · ");
    const said = [];
    const { large } = scene.numbers;
    const grain = large ? grainOf(large, sighted(), geometry, ratio) : 1;
    if (grain > 1) said.push(fill(t("map.grain"), { n: grain }));
    else if (!large && isPooled(geometry, ratio)) said.push(t("map.pooled"));
    if (Math.max(geometry.rowStride, geometry.colStride) > 1) said.push(t("map.thinned"));
    if (stack.rows.length === 1 && stack.cols.length === 1) said.push(t("map.one_token"));
    notes.textContent = said.join(" ");
    drawLegend(legend, scene);
    if (large) actions.needTiles();
  }

  const sighted = () => inSight(...origin());

  // The tiles that what is in sight is missing, and those that the pointed pixel's cells are in.
  function needed() {
    const { large } = scene.numbers;
    if (!large || pane.hidden) return [];
    const under_ = pointed ? large.missing(blockUnder(pointed), 0) : [];
    return [...under_, ...large.missing(sighted(), levelFor(geometry, scene.ratio))];
  }

  // After a tile came: the pointer may now be told what it points at.
  function came() {
    draw();
    if (pointed) point(pointed.event, pointed.pins);
  }

  // What the rows sum to, where one sentence is true of all of them.
  function sums() {
    const { t, head, header, stack } = scene;
    if (scene.rowsSumToOne) return [t("map.sums")];
    const sink = head.measures[header.measured.indexOf("sink")] ?? null;
    return head.has_sink && stack.whole && sink !== null ? [fill(t("map.sink"), { share: fixed(sink) })] : [];
  }

  function frameBand(context, x, y, width, height, colour, thick) {
    context.strokeStyle = colour;
    context.lineWidth = thick;
    context.strokeRect(x, y, width, height);
  }

  // Where there is room on a ground of its own, for there are cells of its colour.
  function frameFirmly(context, x, y, width, height, colour) {
    if (Math.min(width, height) >= ROOMY_CELL) frameBand(context, x, y, width, height, scene.palette.ground, 5);
    frameBand(context, x, y, width, height, colour, 2);
  }

  function marks() {
    const { state, hover, palette, ratio } = scene;
    const context = sizeCanvas(above, geometry.viewWidth, geometry.viewHeight, ratio);
    const [x0, y0] = origin();
    const { cw, ch, width, height } = geometry;
    const { row, col } = hover;
    inCells(context, () => {
      context.globalAlpha = 0.55;
      if (row !== null) frameBand(context, x0, y0 + row * ch, width, ch, palette.ink, 1);
      if (col !== null) frameBand(context, x0 + col * cw, y0, cw, height, palette.ink, 1);
      context.globalAlpha = 1;
      if (state.row !== null) frameFirmly(context, x0, y0 + state.row * ch, width, ch, palette.accent);
      if (row !== null && col !== null) frameFirmly(context, x0 + col * cw, y0 + row * ch, cw, ch, palette.ink);
    });
    if (col !== null) paintMarkedLabel(context, scene, geometry, "col", col, palette.ink, x0, y0);
    if (state.row !== null) paintMarkedLabel(context, scene, geometry, "row", state.row, palette.accent, x0, y0);
    if (row !== null && row !== state.row) paintMarkedLabel(context, scene, geometry, "row", row, palette.ink, x0, y0);
  }

  // The cell, or the label, under the pointer.
  function under(event) {
    const [x, y] = pointIn(base, event.clientX, event.clientY);
    const [x0, y0] = origin();
    const inside = (value, size) => (value >= 0 && value < size ? value : null);
    const col = x < geometry.left ? null : inside(Math.floor((x - x0) / geometry.cw), geometry.cols);
    const row = y < geometry.top ? null : inside(Math.floor((y - y0) / geometry.ch), geometry.rows);
    if (x >= geometry.left && y >= geometry.top && (col === null || row === null)) return { row: null, col: null };
    if (row === null || col === null || !isPooled(geometry, scene.ratio)) return { row, col };
    const place = { col: (x - x0) / geometry.cw, row: (y - y0) / geometry.ch };
    const { large } = scene.numbers;
    if (!large) return strongest(place.col, place.row);
    const block = blockUnder(place);
    return large.missing(block, 0).length ? { row: null, col: null, unknown: place } : large.strongest(block);
  }

  // The cells that the pixel at a place stands for.
  function blockUnder({ row, col }) {
    const [top, left] = [Math.floor(row), Math.floor(col)];
    const [down, across] = [Math.max(1, 1 / geometry.ch), Math.max(1, 1 / geometry.cw)];
    const { rows, cols } = geometry;
    return { top, left, bottom: Math.min(rows, Math.ceil(row + down)), right: Math.min(cols, Math.ceil(col + across)) };
  }

  // What the pointer is at is told, and pinned if it was clicked: at once, or when it is known.
  function point(event, pins) {
    const { row, col, unknown } = under(event);
    pointed = unknown ? { ...unknown, event, pins } : null;
    if (unknown) actions.needTiles();
    if (pins && row !== null) actions.pin(row);
    actions.hover(row, col, { x: event.clientX, y: event.clientY });
  }

  // Of the cells that one pixel stands for, the one that gave it its colour.
  function strongest(col, row) {
    const { rows, cols, cw, ch } = geometry;
    const { pattern } = scene.numbers;
    const across = Math.max(1, 1 / cw);
    const down = Math.max(1, 1 / ch);
    const [top, left] = [Math.floor(row), Math.floor(col)];
    let best = { row: top, col: left };
    for (let i = top; i < Math.min(rows, row + down); i++) {
      for (let j = left; j < Math.min(cols, col + across); j++) {
        if (pattern[i * cols + j] > pattern[best.row * cols + best.col]) best = { row: i, col: j };
      }
    }
    return best;
  }

  // Where the cell lies on the screen, for the tooltip of a keyboard reader.
  function anchor(row, col) {
    const box = base.getBoundingClientRect();
    const [x0, y0] = origin();
    const larger = enlargement(base);
    const [x, y] = [x0 + ((col ?? 0) + 0.5) * geometry.cw, y0 + ((row ?? 0) + 0.5) * geometry.ch];
    return { x: box.left + x * larger, y: box.top + y * larger };
  }

  function reveal(row, col) {
    if (!enlarged) return;
    const { cw, ch, left, top, viewWidth, viewHeight } = geometry;
    const [x, y] = [col * cw, row * ch];
    const into = (at, size, from, room_) => Math.min(Math.max(from, at + size - room_), at);
    scrollTo(into(x, cw, scrolled.x, viewWidth - left), into(y, ch, scrolled.y, viewHeight - top));
  }

  function scrollTo(x, y) {
    scroll.scrollTo(x, y);
    scrolled = { x: scroll.scrollLeft, y: scroll.scrollTop };
    draw();
  }

  base.addEventListener("pointermove", (event) => point(event, false));
  base.addEventListener("pointerleave", () => {
    pointed = null;
    actions.hover(null, null);
  });
  base.addEventListener("click", (event) => point(event, true));
  let turned = 0;
  scroll.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey || !scene?.numbers.large) return;
      event.preventDefault();
      turned += event.deltaY;
      if (Math.abs(turned) < WHEEL_STEP) return;
      zoomBy(turned < 0 ? 2 : 0.5, pointIn(base, event.clientX, event.clientY));
      turned = 0;
    },
    { passive: false },
  );
  base.addEventListener("blur", () => actions.hover(null, null));
  base.addEventListener("keydown", (event) => {
    const { rows, cols } = geometry;
    const row = scene.hover.row ?? scene.state.row ?? 0;
    const col = scene.hover.col ?? 0;
    const factor = event.ctrlKey || event.metaKey ? null : { "+": 2, "=": 2, "-": 0.5 }[event.key];
    // The first arrow shows where the walk starts; the next ones move.
    const fresh = event.key.startsWith("Arrow") && (scene.hover.row === null || scene.hover.col === null);
    const next = {
      ArrowLeft: [row, col - 1],
      ArrowRight: [row, col + 1],
      ArrowUp: [row - 1, col],
      ArrowDown: [row + 1, col],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? rows - 1 : row, cols - 1],
    }[event.key];
    if (factor && scene.numbers.large) zoomBy(factor);
    else if (event.key === "Enter" || event.key === " ") actions.pin(row);
    else if (!next) return;
    else {
      const i = fresh ? row : Math.min(rows - 1, Math.max(0, next[0]));
      const j = fresh ? col : Math.min(cols - 1, Math.max(0, next[1]));
      reveal(i, j);
      actions.walk(i, j, anchor(i, j), "map");
    }
    event.preventDefault();
  });
  let waiting = false;
  scroll.addEventListener("scroll", () => {
    scrolled = { x: scroll.scrollLeft, y: scroll.scrollTop };
    if (waiting || !enlarged) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
      marks();
    });
  });

  return { layout, draw, marks, needed, came, geometry: () => geometry };
}
