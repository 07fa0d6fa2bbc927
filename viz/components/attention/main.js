// Main: one instance a page place; puts the pictures together and decides what is repainted.
// Does not draw; knows Streamlit's contract (default export, called again on data and theme).
// Looking around never calls the server's script: state lives here and in the URL.

import { createBar } from "./bar.js";
import { readPalette, stepsOf } from "./colour.js";
import { createDetail } from "./detail.js";
import { afterFrame, component, el, measurePaint, tellLanguage } from "./dom.js";
import { exportPicture } from "./export.js";
import { decodeFrame } from "./frame.js";
import { createGrid } from "./grid.js";
import { createHeads, scoresOf, sharesOf, sumsToOne } from "./heads.js";
import { arrange, isShown, pictureHeight, skeleton } from "./layout.js";
import { createLines } from "./lines.js";
import { createMap } from "./map.js";
import { createMeasures } from "./measures.js";
import { sharpness } from "./screen.js";
import { createSpoken } from "./spoken.js";
import { createStore } from "./store.js";
import { createTable } from "./table.js";
import { fill, writeTokens } from "./text.js";

const REST_MS = 60;
const QUIET_MS = 150; // that a head may take before a bar says that it is on its way

function createView(root) {
  const parts = skeleton(root);
  const store = createStore();
  const heads = createHeads();
  const scene = {
    state: store.state,
    hover: { row: null, col: null, from: null },
    heads,
    size: { width: 0, height: 0, narrow: false },
  };
  let received = null;
  let stepped = {}; // what the colour steps were computed of: millions of cells, so once each
  let pausing = 0;
  let showing = 0;
  let header = null;

  scene.t = (key) => header.strings[key] ?? key;
  scene.exportUrl = (ending) => heads.url(scene.stack, scene.head, ending);

  const actions = {
    chooseStack,
    expectCell: (index) => heads.expect(scene.stack, index),
    chooseCell,
    setView,
    setScale,
    pin,
    hover,
    walk,
    needTiles,
    arrange: drawAll,
    exportPicture: (kind) => exportPicture(scene, kind),
  };
  const bar = createBar(parts.tabs, parts.tools, actions);
  const detail = createDetail(root, parts.readout, actions);
  const grid = createGrid(parts.grid, actions);
  const map = createMap(parts.map, actions);
  const lines = createLines(parts.lines, actions);
  const measures = createMeasures(parts.measures);
  const table = createTable(parts.table, actions);
  const spoken = createSpoken(parts.spoken);
  const shows = (view) => isShown(scene, view);

  function publish() {
    const { state, stack, head } = scene;
    const shown = { stack: stack.name, layer: head.layer ?? "mean", head: head.head ?? "mean" };
    Object.assign(root.dataset, shown, { row: state.row ?? "", scale: state.scale, view: state.view });
  }

  // What follows from state: the stack, the head, its numbers and their colours.
  function derive() {
    const { state } = scene;
    scene.header = header;
    scene.stack = header.stacks[state.stack];
    scene.head = scene.stack.heads[state.cell];
    scene.mask = heads.mask(scene.stack, state.cell);
    scene.numbers = heads.get(scene.stack, state.cell);
    const rows = scene.stack.rows.length;
    const cols = scene.stack.cols.length;
    const { pattern } = scene.numbers;
    if (stepped.pattern !== pattern || stepped.scale !== state.scale) {
      stepped = { pattern, scale: state.scale };
      scene.steps = pattern && stepsOf(pattern, rows, cols, state.scale, 1, scene.steps);
    }
    if (stepped.numbers !== scene.numbers) {
      stepped.numbers = scene.numbers;
      scene.rowsSumToOne = sumsToOne(scene.numbers, rows, cols);
    }
    const { layer, head } = scene.head;
    scene.fileName = `headlight-L${layer ?? "mean"}H${head ?? "mean"}-${scene.stack.name}`;
  }

  function layout() {
    return arrange(root, parts, scene, { grid, map, lines });
  }

  function drawMarks() {
    grid.marks();
    if (shows("map")) map.marks();
    if (shows("lines")) lines.marks();
    detail.write(scene);
  }

  // One head: everything but the thumbnails, which are the same for all heads.
  function drawHead() {
    derive();
    publish();
    grid.select();
    bar.update(scene);
    measures.draw(scene);
    drawNumbers();
  }

  function drawNumbers() {
    if (shows("map")) map.draw();
    drawMarks();
    table.draw(scene);
    fetchRow();
  }

  function drawAll() {
    derive();
    if (!layout()) return;
    grid.draw();
    drawHead();
  }

  function setStatus(status) {
    root.dataset.state = status;
    clearTimeout(showing);
    parts.progress.hidden = true;
    if (status === "loading") showing = setTimeout(showWaiting, QUIET_MS);
    else afterFrame(settle);
    parts.failure.hidden = status !== "failed";
  }

  function showWaiting() {
    parts.progress.hidden = false;
    store.remember();
  }

  // What nobody waits for, once exact numbers are seen.
  function settle() {
    if (!root.isConnected) return;
    store.remember();
    if (root.dataset.state === "ready") heads.goOn();
  }

  async function fetchExact() {
    if (scene.numbers.exact) {
      heads.cancel();
      setStatus("ready");
      return;
    }
    setStatus("loading");
    parts.progress.setAttribute("aria-label", scene.t("loading"));
    const [stack, cell] = [scene.stack, scene.state.cell];
    try {
      const came = await heads.load(stack, cell);
      if (came === null || scene.stack !== stack || scene.state.cell !== cell) return;
      derive();
      drawNumbers();
      detail.show(scene, scene.hover.point);
      setStatus("ready");
    } catch {
      const text = fill(scene.t("failed"), { head: stack.heads[cell].name });
      parts.failure.replaceChildren(
        el("span", { text }),
        el("button", { type: "button", class: "quiet-button", text: scene.t("retry"), click: fetchExact }),
      );
      setStatus("failed");
    }
  }

  // The row that is pointed at or else pinned, if something of it is to be fetched.
  function rowToFetch() {
    const { stack, numbers, hover: at, state } = scene;
    const cols = stack.cols.length;
    if (!numbers.byRow || !numbers.exact) return null;
    const isHere = numbers.large ? (row) => sharesOf(numbers, row, cols) : (row) => scoresOf(numbers, row, cols);
    const rows = numbers.large ? [at.row, state.row] : [at.col === null ? null : at.row];
    return rows.find((row) => row !== null && numbers.failed !== row && !isHere(row)) ?? null;
  }

  // Scores of a large map come row by row. The pointer crosses many rows before it rests on one.
  function fetchRow() {
    clearTimeout(pausing);
    const { stack, numbers } = scene;
    const row = rowToFetch();
    if (row === null) return;
    pausing = setTimeout(async () => {
      const news = await heads.loadRow(stack, scene.state.cell, row, numbers);
      if (!news || scene.numbers !== numbers) return;
      detail.show(scene, scene.hover.point);
      if (!numbers.large) return;
      drawMarks();
      spoken.came(scene);
      if (numbers.failed !== row) fetchRow();
    }, REST_MS);
  }

  // Tiles of a map that is too large to be held: what its map, in sight, and its table are missing.
  function needTiles() {
    const { numbers, stack, state } = scene;
    const keys = [...new Set([...(shows("map") ? map.needed() : []), ...table.needed()])];
    root.dataset.tiles = keys.length ? "loading" : "ready";
    if (!numbers.large || !numbers.exact) return;
    heads.wantTiles(stack, state.cell, numbers, keys, () => {
      if (scene.numbers !== numbers) return;
      if (shows("map")) map.came();
      else needTiles();
      table.draw(scene);
    });
  }

  function clearHover() {
    scene.hover = { row: null, col: null, from: null };
    detail.hide();
  }

  function chooseStack(index, event) {
    if (index === scene.state.stack) return;
    clearHover();
    store.chooseStack(index);
    drawAll();
    measurePaint(event);
    fetchExact();
  }

  function chooseCell(index, event, next = null) {
    if (index === scene.state.cell) return;
    store.chooseCell(index);
    heads.plan(scene.stack, next);
    drawHead();
    measurePaint(event);
    fetchExact();
  }

  function setView(view) {
    store.set("view", view);
    drawAll();
  }

  function setScale(scale) {
    store.set("scale", scale);
    derive();
    grid.draw();
    drawHead();
  }

  function pin(row) {
    store.set("row", row === scene.state.row ? null : row);
    publish();
    drawMarks();
    spoken.pinned(scene);
    fetchRow();
  }

  function hover(row, col, point = null, from = "map") {
    const before = scene.hover;
    scene.hover = { row, col, point, from };
    if (before.row !== row || before.col !== col) drawMarks();
    detail.show(scene, point);
    fetchRow();
  }

  // As hover, but by the keyboard: who cannot see it is told.
  function walk(row, col, point, from) {
    hover(row, col, point, from);
    spoken.walked(scene);
  }

  const onKey = (event) => {
    if (event.key !== "Escape" || !header) return;
    if (scene.hover.row !== null || scene.hover.col !== null) {
      clearHover();
      drawMarks();
    }
    // Who is elsewhere on the page meant the tooltip under the pointer, or nothing here.
    if (scene.state.row !== null && event.composedPath().includes(root)) pin(null);
  };
  const onPop = () => {
    if (!header || !root.isConnected) return;
    clearHover();
    store.readUrl();
    drawAll();
    fetchExact();
  };
  let resizing = 0;
  const onResize = () => {
    if (!header) return;
    cancelAnimationFrame(resizing);
    resizing = requestAnimationFrame(() => {
      const [width, tall] = [Math.floor(root.clientWidth), pictureHeight(root)];
      const { size } = scene;
      if (size.width !== width || size.height !== tall || scene.ratio !== sharpness(root)) drawAll();
    });
  };
  document.addEventListener("keydown", onKey);
  window.addEventListener("popstate", onPop);
  window.addEventListener("resize", onResize);
  const observer = new ResizeObserver(onResize);
  observer.observe(root);

  return {
    receive(bytes) {
      if (!bytes) return;
      if (bytes !== received) {
        const payload = decodeFrame(bytes);
        writeTokens(payload.header);
        received = bytes;
        header = payload.header;
        heads.receive(payload);
        store.receive(header);
        clearHover();
      }
      scene.palette = readPalette(header.theme, root);
      root.dataset.ground = scene.palette.name;
      root.style.setProperty("--accent", scene.palette.accent);
      root.style.setProperty("--quiet", scene.palette.quiet);
      root.style.setProperty("--faint", scene.palette.faint);
      tellLanguage(scene.t("lang"));
      root.setAttribute("role", "region");
      root.setAttribute("aria-label", scene.t("component"));
      for (const name of ["grid", "map", "lines"]) parts[name].setAttribute("aria-label", scene.t(name));
      table.forget();
      drawAll();
      fetchExact();
    },
    destroy() {
      clearTimeout(showing);
      heads.cancel();
      observer.disconnect();
      bar.destroy();
      measures.destroy();
      document.removeEventListener("keydown", onKey);
      window.removeEventListener("popstate", onPop);
      window.removeEventListener("resize", onResize);
    },
  };
}

export default component("attention", createView);
