// Steps: one instance a page place; puts the parts together and decides what is repainted.
// Does not draw; knows Streamlit's contract (default export, called again on data and theme).
// Walking never calls the server's script: state lives here and in the URL.

import { createArithmetic } from "./arithmetic.js";
import { createBoard } from "./board.js";
import { createChoices } from "./choices.js";
import { component, el, measurePaint, tellLanguage } from "../attention/dom.js";
import { createFrames, Gone } from "./fetching.js";
import { decodeFrame } from "../attention/frame.js";
import { applyColours, readLook, readPalettes, skeleton } from "./looks.js";
import { createPickers } from "./pickers.js";
import { cellsOf, hasCell } from "./stepframe.js";
import { sharpness, windowHeight } from "../attention/screen.js";
import { createStepper } from "./stepper.js";
import { visible } from "../attention/text.js";
import { createTokens } from "./tokens.js";
import { createWording } from "./wording.js";

const AHEAD_MS = 30;
// Steps outside of the layers, and those of a layer that know no heads.
const NO_LAYER = new Set(["tokens", "ids", "embedding", "positions", "final_norm", "unembed", "probabilities"]);
const ALL_HEADS = new Set(
  ["resid", "norm", "out", "add_attn", "ffn_norm", "ffn_in", "activation", "ffn_out", "add_ffn", "next"],
);

// Fields, and boxes that the arrow keys scroll.
function takesKeys(target) {
  if (target?.closest?.("input, textarea, select, [contenteditable=true]")) return true;
  return Boolean(target?.matches?.(".formula, .table-scroll, pre")) && target.scrollWidth > target.clientWidth;
}

function createView(root) {
  const parts = skeleton(root);
  const choices = createChoices();
  const frames = createFrames();
  const { state } = choices;
  let header = null;
  let received = null;
  let around = null; // a column that was asked for with a click on a gap
  let wanted = ""; // the path of the step that is to be shown
  let pinnedIn = null; // which cells there were when one was pinned
  let palettes = null;
  let look = null; // what matrices are painted with; asking for styles takes time, so once each
  const scene = { state, step: null, cell: null, hover: null, term: null, pinned: false, size: { width: 0 } };
  scene.t = (key) => header.strings[key] ?? key;

  const actions = {
    chooseStack: (index, event) => move(() => choices.chooseStack(index), event),
    chooseLayer: (layer, event) => move(() => choices.chooseHead(layer, state.head), event),
    chooseHead: (head, event) => move(() => choices.chooseHead(state.layer, head), event),
    chooseQuery: (query, event) => move(() => choices.chooseQuery(query), event),
    chooseKey: (key, event) => move(() => Object.assign(state, { key, pin: null }), event),
    setDigits,
    go,
    point,
    pointTerm,
    move: (cell) => (state.pin ? pin(cell, true, true) : point(cell, true)),
    pin,
    open(column) {
      around = column;
      show(null);
    },
  };
  const pickers = createPickers(parts.bar, parts.lines, actions);
  const stepper = createStepper(parts.stepper, actions);
  const wording = createWording(parts.words);
  const tokens = createTokens(parts.tokens);
  const board = createBoard(parts.board, actions);
  const arithmetic = createArithmetic(parts.arithmetic, actions);

  const stack = () => header.stacks[state.stack];
  const indexOf = (id) => stack().outline.findIndex((ref) => choices.idOf(ref) === id);
  // A section may have words of its own for a step: "cross.k_all".
  const toldOf = (id) => header.texts[id] ?? header.texts[id.split(".")[1]];
  scene.titleOf = (ref) => toldOf(choices.idOf(ref)).title;
  const path = (id = state.step, near = around) => frames.path(choices.place(), id, near);

  // The head of another section of the walk: the same layer and head, as far as there are.
  function headName({ section, name }) {
    if (NO_LAYER.has(name)) return "";
    const found = header.stacks.find((known) => known.name === section);
    if (!found) return "";
    const below = found.layers.filter((layer) => layer <= state.layer);
    const layer = below.length ? below[below.length - 1] : found.layers[0];
    if (ALL_HEADS.has(name)) return `L${layer}`;
    return `L${layer} H${Math.min(state.head, found.heads[found.layers.indexOf(layer)] - 1)}`;
  }

  function derive() {
    const { step } = scene;
    scene.header = header;
    scene.strings = header.strings;
    scene.stack = stack();
    scene.digits = state.digits;
    scene.key = state.key ?? step?.place.key ?? null;
    scene.index = indexOf(state.step);
    scene.exportUrl = (kind) => frames.address(frames.path(choices.place(), `${state.step}.${kind}`, null));
    scene.look = { ...look, t: scene.t, digits: state.digits };
    if (!step) return;
    scene.told = toldOf(step.id);
    scene.sectionTitle = header.sections[step.section];
    scene.headName = headName(step);
    const pinned = state.pin && hasCell(step, state.pin) ? state.pin : null;
    scene.cell = step.result ? (scene.hover ?? pinned ?? step.cell) : null;
    scene.pinned = pinned !== null && scene.cell?.join() === pinned.join();
  }

  function publish() {
    const { step } = scene;
    const { layer, head, query } = state;
    Object.assign(root.dataset, { stack: stack().name, layer, head, query, key: scene.key ?? "" });
    Object.assign(root.dataset, { digits: state.digits, pin: state.pin?.join(",") ?? "" });
    if (step) Object.assign(root.dataset, { step: step.id, rule: step.rule });
  }

  function drawAll() {
    derive();
    if (!scene.size.width) return;
    root.dataset.size = scene.size.width < 640 ? "narrow" : "wide";
    publish();
    pickers.update(scene);
    stepper.update(scene);
    if (!scene.step) return;
    stepper.correct(indexOf(scene.step.id), scene.step.rule === "missing");
    wording.draw(scene);
    tokens.draw(scene);
    board.draw(scene);
    arithmetic.draw(scene);
  }

  function drawMarks(spoken, isPointed) {
    derive();
    publish();
    board.marks(scene, isPointed);
    arithmetic.draw(scene, spoken);
  }

  function setStatus(status) {
    root.dataset.state = status;
    parts.progress.hidden = status !== "loading";
    parts.failure.hidden = status !== "failed";
  }

  function fail(error) {
    const isGone = error instanceof Gone;
    const again = isGone ? () => window.location.reload() : () => show(null);
    const text = scene.t(isGone ? "reload" : "retry");
    const button = el("button", { type: "button", class: "quiet-button", text, click: again });
    parts.failure.replaceChildren(el("span", { text: scene.t(isGone ? "gone" : "failed") }), button);
    stepper.stop();
    setStatus("failed");
  }

  // A pin is a cell. It stays while steps have the same cells, as from q·k to the share; one
  // whose column is folded away is asked for.
  function settlePin(step) {
    if (!state.pin) return false;
    const [row, col] = state.pin;
    const { result } = step;
    if (!result) return false; // a step that is missing is only passed by
    const cells = cellsOf(step);
    pinnedIn ??= cells;
    const fits = pinnedIn === cells && result.rows.where.has(row) && col < result.cols.size;
    if (!fits) {
      pinnedIn = null;
      choices.set("pin", null);
      return false;
    }
    if (hasCell(step, state.pin) || around === col) return false;
    around = col;
    return true;
  }

  function fetchAhead() {
    setTimeout(() => {
      const at = indexOf(state.step);
      for (const index of [at + 1, at - 1]) {
        const ref = stack().outline[index];
        if (ref) frames.ahead(path(choices.idOf(ref), null));
      }
    }, AHEAD_MS);
  }

  function present(step, event) {
    if (settlePin(step)) {
      show(event);
      return;
    }
    const moved = scene.step?.id !== step.id || scene.step?.result?.symbol !== step.result?.symbol;
    if (moved || !scene.hover || !hasCell(step, scene.hover)) scene.hover = null;
    scene.step = step;
    scene.term = null;
    drawAll();
    setStatus("ready");
    measurePaint(event);
    fetchAhead();
  }

  // The old picture stays until the new one is here; the position is shown at once.
  async function show(event) {
    const own = path();
    wanted = own;
    const here = frames.get(own);
    if (here) {
      present(here, event);
      return;
    }
    setStatus("loading");
    parts.progress.setAttribute("aria-label", scene.t("loading"));
    derive();
    publish();
    pickers.update(scene);
    stepper.update(scene);
    try {
      const step = await frames.load(own);
      if (wanted === own) present(step, event);
    } catch (error) {
      if (wanted === own) fail(error);
    }
  }

  function go(index, event) {
    const to = Math.min(stack().outline.length - 1, Math.max(0, index));
    const id = choices.idOf(stack().outline[to]);
    if (id === state.step) return;
    around = null;
    state.step = id;
    show(event);
    choices.set("step", id);
  }

  function move(choose, event) {
    around = null;
    pinnedIn = null;
    choose();
    show(event ?? null);
    choices.remember();
  }

  function setDigits(digits) {
    choices.set("digits", digits);
    drawAll();
  }

  function point(cell, spoken = false) {
    if (scene.hover?.join() === cell?.join()) return;
    scene.hover = cell;
    scene.term = null;
    drawMarks(spoken, !spoken);
  }

  function pointTerm(term) {
    if (scene.term === term) return;
    scene.term = term;
    derive();
    board.marks(scene, true);
  }

  // The same cell again, or null, unpins; with `stays` a pin moves.
  function pin(cell, spoken = false, stays = false) {
    const isSame = cell !== null && state.pin?.join() === cell.join();
    const next = isSame && !stays ? null : cell;
    scene.hover = next ? null : scene.hover;
    pinnedIn = next && cellsOf(scene.step);
    choices.set("pin", next);
    drawMarks(spoken, !spoken);
  }

  const KEYS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  function onKey(event) {
    if (!header || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const [target] = event.composedPath();
    if (takesKeys(target)) return;
    const inside = event.composedPath().includes(root);
    // Nobody has the focus on a fresh page; only keys that do not scroll it are taken then.
    if (!inside && (document.activeElement !== document.body || !root.offsetParent)) return;
    if (event.key in KEYS && (inside || event.key.startsWith("Arrow"))) {
      event.preventDefault();
      stepper.stop();
      go(KEYS[event.key] === -Infinity ? 0 : scene.index + KEYS[event.key], event);
    } else if (event.key === " " && !target.closest("button, a, summary")) {
      event.preventDefault();
      stepper.toggle();
    } else if (event.key === "Escape" && inside && state.pin) pin(null, true);
  }
  document.addEventListener("keydown", onKey);

  const onPop = () => {
    if (!header || !root.isConnected) return;
    around = pinnedIn = null;
    scene.hover = null;
    choices.readUrl();
    show(null);
  };
  let resizing = 0;
  const onResize = () => {
    if (!header) return;
    cancelAnimationFrame(resizing);
    resizing = requestAnimationFrame(() => {
      const next = { width: Math.floor(root.clientWidth), tall: windowHeight(root) };
      const { width, tall } = scene.size;
      if (next.width === width && next.tall === tall && scene.look?.ratio === sharpness(root)) return;
      scene.size = next;
      look = readLook(root, palettes);
      drawAll();
    });
  };
  window.addEventListener("popstate", onPop);
  window.addEventListener("resize", onResize);
  const observer = new ResizeObserver(onResize);
  observer.observe(root);

  function readPayload(bytes) {
    const payload = decodeFrame(bytes);
    header = payload.header;
    for (const sequence of header.tokens) for (const token of sequence) token.shown = visible(token.text);
    choices.receive(header);
    const { at, size } = header.first;
    const opens = choices.opening();
    frames.receive(header.api, frames.path(opens, opens.step, null), payload.u8(at, size));
    scene.hover = around = pinnedIn = null;
  }

  return {
    receive(bytes) {
      if (!bytes) return;
      if (bytes !== received) readPayload(bytes);
      received = bytes;
      palettes = readPalettes(header.theme, root);
      applyColours(root, palettes);
      look = readLook(root, palettes);
      tellLanguage(scene.t("lang"));
      root.setAttribute("role", "region");
      root.setAttribute("aria-label", scene.t("component"));
      scene.size = { width: Math.floor(root.clientWidth), tall: windowHeight(root) };
      show(null);
    },
    destroy() {
      observer.disconnect();
      pickers.destroy();
      stepper.destroy();
      document.removeEventListener("keydown", onKey);
      window.removeEventListener("popstate", onPop);
      window.removeEventListener("resize", onResize);
    },
  };
}

export default component("steps", createView);
