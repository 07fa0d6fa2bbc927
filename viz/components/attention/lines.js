// Lines: queries on the left, keys on the right, a line between them as strong as the share.
// Does not know where numbers come from; reads the scene and reports what was pointed at.
// Tokens are DOM text (they can be selected by tests and readers); lines are one canvas behind.
// Of thousands of tokens only those in sight, and some around them, are in the DOM.

import { el, sizeCanvas } from "./dom.js";
import { divide } from "./geometry.js";
import { sharesOf } from "./heads.js";
import { fill, fixed } from "./text.js";
import { optionId, walkable } from "./walk.js";

const LEVELS = 16;
const MOST_LINES = 1200;
const FAINTEST = 0.02;
const LEAST = 0.005; // of one token's lines
const MOST_NODES = 128; // tokens of one side that are all in the DOM
const STEP = 64;

export function createLines(pane, actions) {
  const queries = el("div", { class: "tokens queries", role: "listbox", tabindex: 0 });
  const keys = el("div", { class: "tokens keys", role: "listbox", tabindex: 0 });
  const canvas = el("canvas", { class: "wires" });
  const window_ = el("div", { class: "sticky" }, canvas);
  const stage = el("div", { class: "stage" }, window_, queries, keys);
  const scroll = el("div", { class: "scroll", "data-lines": "" }, stage);
  const titles = el("div", { class: "ends" });
  const caption = el("div", { class: "caption" });
  pane.append(titles, scroll, caption);

  let scene = null;
  let rowHeight = 24;
  let room = { width: 0, height: 0 };
  let side = 0;
  let sides = { query: new Map(), key: new Map() }; // index → node, of those in the DOM
  let built = null; // the stack and the first tokens of the nodes
  let gathered = { pattern: null, cells: [], from: FAINTEST };
  let written = []; // share labels that are not empty
  let scrolled = 0; // remembered: asking the element in the middle of writing forces a layout
  let lit = []; // tokens that carry a mark

  function token(kind, item, index, divided, all) {
    const share = el("span", { class: "share" });
    const text = el("bdi", { class: "text", text: item.shown });
    const parts = kind === "query" ? [share, text] : [text, share];
    const place = { id: optionId(kind, index), "aria-posinset": index + 1, "aria-setsize": all };
    return el(
      "div",
      {
        class: `token ${item.kind}${divided ? " divided" : ""}`,
        role: "option",
        "aria-selected": "false",
        [`data-${kind}`]: index,
        ...place,
      },
      ...parts,
    );
  }

  // The tokens of a side that are in the DOM: all, or those around what is in sight.
  function span(count) {
    if (count <= MOST_NODES) return [0, count];
    const first = Math.max(0, (Math.floor(scrolled / rowHeight / STEP) - 1) * STEP);
    return [Math.min(first, count), Math.min(count, first + Math.ceil(room.seen / rowHeight) + 3 * STEP)];
  }

  function furnish() {
    const { stack } = scene;
    const sought = { query: [queries, stack.rows], key: [keys, stack.cols] };
    const spans = Object.values(sought).map(([, items]) => span(items.length));
    if (built?.stack === stack && built.rowHeight === rowHeight && String(built.spans) === String(spans)) return;
    built = { stack, spans, rowHeight };
    Object.entries(sought).forEach(([kind, [column, items]], at) => {
      const [first, last] = spans[at];
      const border = divide(items);
      sides[kind] = new Map();
      for (let i = first; i < last; i++) sides[kind].set(i, token(kind, items[i], i, i === border, items.length));
      column.replaceChildren(...sides[kind].values());
      column.style.paddingTop = `${first * rowHeight}px`;
    });
    written = [];
    lit = [];
  }

  function layout(next, nextRoom) {
    scene = next;
    room = nextRoom;
    if (built?.stack !== scene.stack) scroll.scrollTop = scrolled = 0;
    const most = Math.max(scene.stack.rows.length, scene.stack.cols.length);
    rowHeight = Math.max(17, Math.min(28, Math.floor(room.height / most)));
    side = Math.max(64, Math.min(170, Math.floor(room.width * 0.34)));
    const total = most * rowHeight;
    pane.style.setProperty("--token-height", `${rowHeight}px`);
    pane.style.setProperty("--side", `${side}px`);
    pane.dataset.dense = rowHeight < 20;
    stage.style.height = `${total}px`;
    stage.style.width = `${room.width}px`;
    room.seen = Math.min(total, room.height);
    scroll.style.height = `${room.seen}px`;
    scroll.style.overflowY = total > room.height ? "auto" : "hidden";
    furnish();
    const { t } = scene;
    titles.replaceChildren(el("span", { text: t("lines.queries") }), el("span", { text: t("lines.keys") }));
    queries.setAttribute("aria-label", t("lines.queries"));
    keys.setAttribute("aria-label", t("lines.keys"));
  }

  // The token whose lines are shown alone: the pointed one, else the pinned query.
  function focus() {
    const { hover, state } = scene;
    if (hover.row !== null) return { row: hover.row, col: null };
    if (hover.col !== null && state.row === null) return { row: null, col: hover.col };
    return { row: state.row, col: null };
  }

  // The smallest share that is drawn, so that no more than MOST_LINES lines are.
  function threshold(shares) {
    const counts = new Int32Array(101);
    for (let i = 0; i < shares.length; i++)
      if (shares[i] >= FAINTEST) counts[Math.min(100, Math.floor(shares[i] * 100))]++;
    let sum = 0;
    for (let level = 100; level >= 2; level--) {
      sum += counts[level];
      if (sum > MOST_LINES) return Math.min(1, (level + 1) / 100);
    }
    return FAINTEST;
  }

  // The cells that are drawn while no token is pointed at. Of millions, found once a head.
  function gather({ pattern, exact }) {
    if (gathered.pattern === pattern || pattern === null) return;
    const places = exact ? null : middles(scene.stack);
    const shares = exact ? pattern : new Float32Array(places.length);
    if (!exact) for (let k = 0; k < shares.length; k++) shares[k] = pattern[places[k]];
    const from = threshold(shares);
    const cells = [];
    for (let k = 0; k < shares.length; k++) if (shares[k] >= from) cells.push(exact ? k : places[k]);
    gathered = { pattern, cells, from };
  }

  // A rounded share is that of one of many cells: one line for all of them, from their middle.
  function middles({ rows, cols, overview }) {
    const middle = (k, n, all) => Math.floor(((k + 0.5) * all) / n);
    const places = new Uint32Array(overview.rows * overview.cols);
    for (let i = 0, k = 0; i < overview.rows; i++) {
      const start = middle(i, overview.rows, rows.length) * cols.length;
      for (let j = 0; j < overview.cols; j++) places[k++] = start + middle(j, overview.cols, cols.length);
    }
    return places;
  }

  // The share of a cell of the token that is shown alone, or of any; 0 where it is not here.
  function reader(alone, cols) {
    const { numbers } = scene;
    if (!numbers.large) return (i, j) => numbers.pattern[i * cols + j];
    const shares = alone.row === null ? null : sharesOf(numbers, alone.row, cols);
    return (_, j) => (shares ? shares[j] : 0);
  }

  // Lines of like strength go into one path: a few strokes instead of a thousand.
  function strokes(context, colour, from, alone) {
    const { large } = scene.numbers;
    const rows = scene.stack.rows.length;
    const cols = scene.stack.cols.length;
    const paths = new Array(LEVELS).fill(null);
    const left = side + 4;
    const right = room.width - side - 4;
    const bend = (right - left) * 0.45;
    const y = (index) => (index + 0.5) * rowHeight - scrolled;
    const shareOf = reader(alone, cols);
    const add = (i, j) => {
      const share = shareOf(i, j);
      if (!(share >= from)) return;
      const [a, b] = [y(i), y(j)];
      if ((a < 0 && b < 0) || (a > room.seen && b > room.seen)) return;
      const level = Math.min(LEVELS - 1, Math.floor(share * LEVELS));
      paths[level] ??= new Path2D();
      paths[level].moveTo(left, a);
      paths[level].bezierCurveTo(left + bend, a, right - bend, b, right, b);
    };
    if (alone.row !== null) for (let j = 0; j < cols; j++) add(alone.row, j);
    else if (large) return;
    else if (alone.col !== null) for (let i = 0; i < rows; i++) add(i, alone.col);
    else for (const at of gathered.cells) add(Math.floor(at / cols), at % cols);
    context.strokeStyle = colour;
    const single = alone.row !== null || alone.col !== null;
    const crowd = Math.max(0.45, Math.min(1, 24 / rows));
    paths.forEach((path, level) => {
      if (path === null) return;
      const strength = (level + 0.5) / LEVELS;
      context.globalAlpha = single ? 0.2 + 0.8 * strength ** 0.7 : (0.12 + 0.88 * strength) * crowd;
      context.lineWidth = 0.6 + (rowHeight > 20 ? 5 : 3) * strength;
      context.stroke(path);
    });
    context.globalAlpha = 1;
  }

  function draw() {
    const { palette, ratio, state, numbers, t } = scene;
    const context = sizeCanvas(canvas, room.width, room.seen, ratio);
    const alone = focus();
    const single = alone.row !== null || alone.col !== null;
    if (!single) gather(numbers);
    const from = single ? LEAST : gathered.from;
    const pinned = alone.row !== null && alone.row === state.row;
    strokes(context, pinned ? palette.accent : palette.strong, from, alone);
    if (numbers.large) caption.textContent = alone.row === null ? t("lines.large") : "";
    else caption.textContent = single ? "" : `${t("lines.own")} · ${fill(t("lines.thinned"), { share: fixed(from) })}`;
  }

  // Nothing for a token that is out of sight.
  function write(node, share) {
    if (!node) return;
    node.querySelector(".share").textContent = fixed(share);
    written.push(node);
  }

  function mark(node, name) {
    if (!node) return;
    node.classList.add(name);
    lit.push(node);
  }

  // Brings a token that another picture points at into sight; never while pointing in here.
  function reveal(index) {
    const top = index * rowHeight;
    if (top >= scrolled && top + rowHeight <= scrolled + room.seen) return;
    scroll.scrollTop = Math.max(0, top - room.seen / 2);
    scrolled = scroll.scrollTop;
    furnish();
  }

  function marks() {
    const { hover, state, stack } = scene;
    for (const node of written) node.querySelector(".share").textContent = "";
    for (const node of lit) node.classList.remove("lit", "pinned", "strong");
    for (const node of queries.querySelectorAll('[aria-selected="true"]')) node.setAttribute("aria-selected", false);
    written = [];
    lit = [];
    const alone = focus();
    const cols = stack.cols.length;
    if (hover.from === "walk" && hover.col !== null) reveal(hover.col);
    const shareOf = reader(alone, cols);
    if (alone.row !== null) {
      if (hover.from !== "lines") reveal(alone.row);
      for (let j = 0; j < cols; j++) {
        const share = shareOf(alone.row, j);
        if (share < LEAST) continue;
        write(sides.key.get(j), share);
        mark(sides.key.get(j), "strong");
      }
    } else if (alone.col !== null) {
      for (let i = 0; i < stack.rows.length; i++) {
        const share = shareOf(i, alone.col);
        if (share < LEAST) continue;
        write(sides.query.get(i), share);
        mark(sides.query.get(i), "strong");
      }
    }
    if (state.row !== null) mark(sides.query.get(state.row), "pinned");
    sides.query.get(state.row)?.setAttribute("aria-selected", true);
    if (hover.row !== null) mark(sides.query.get(hover.row), "lit");
    if (hover.col !== null) mark(sides.key.get(hover.col), "lit");
    stage.classList.toggle("alone", alone.row !== null || alone.col !== null);
    draw();
  }

  function placeOf({ dataset: { query, key } }) {
    return { row: query === undefined ? null : Number(query), col: key === undefined ? null : Number(key) };
  }

  function pointed(event) {
    const node = event.target.closest?.("[data-query],[data-key]");
    return node ? { node, ...placeOf(node) } : null;
  }

  // Where a token's tooltip goes, or null. It would hide other tokens: only where it has something to
  // add. A query's goes to its left, out of the way of the lines.
  function pointOf({ node, row, col }, x, y) {
    const item = row === null ? scene.stack.cols[col] : scene.stack.rows[row];
    const text = node.querySelector(".text");
    if (!item.note && !item.kind && text.scrollWidth <= text.clientWidth) return null;
    return { x, y, edge: row === null ? null : scroll.getBoundingClientRect().left };
  }

  // A token that was walked to is in the DOM only once the walk has brought it into sight.
  function walkTo(kind, index) {
    const [row, col] = kind === "query" ? [index, null] : [null, index];
    actions.walk(row, col, null, "walk");
    const node = sides[kind].get(index);
    node.scrollIntoView({ block: "nearest" });
    const { left, bottom } = node.getBoundingClientRect();
    const point = pointOf({ node, row, col }, left, bottom);
    if (point) actions.hover(row, col, point, "walk");
  }

  walkable(queries, "query", {
    count: () => scene.stack.rows.length,
    current: () => scene.state.row ?? 0,
    beside: (key) => (key === "ArrowRight" ? keys : undefined),
    go: (index) => walkTo("query", index),
    choose: (index) => actions.pin(index),
    leave: () => actions.hover(null, null),
  });
  walkable(keys, "key", {
    count: () => scene.stack.cols.length,
    current: () => 0,
    beside: (key) => (key === "ArrowLeft" ? queries : undefined),
    go: (index) => walkTo("key", index),
    choose: () => {},
    leave: () => actions.hover(null, null),
  });
  stage.addEventListener("pointerover", (event) => {
    const at = pointed(event);
    if (at) actions.hover(at.row, at.col, pointOf(at, event.clientX, event.clientY), "lines");
  });
  stage.addEventListener("pointerleave", () => actions.hover(null, null));
  stage.addEventListener("click", (event) => {
    const at = pointed(event);
    if (at && at.row !== null) actions.pin(at.row);
  });
  let waiting = false;
  scroll.addEventListener("scroll", () => {
    scrolled = scroll.scrollTop;
    if (waiting || !scene) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      const before = built;
      furnish();
      if (built === before) draw();
      else marks();
    });
  });

  return { layout, draw: marks, marks };
}
