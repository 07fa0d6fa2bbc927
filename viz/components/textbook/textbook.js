// Textbook: one instance a page place; what is typed, pointed at and pinned becomes what is shown.
// Knows Streamlit's contract (default export, called again on data and theme).
// Nothing here calls the server: the numbers live here and in the address.

import { readPalette } from "../attention/colour.js";
import { createAddress } from "./address.js";
import { component, el, tellLanguage } from "../attention/dom.js";
import { decodeFrame } from "../attention/frame.js";
import { save } from "../attention/saving.js";
import { fill, visible } from "../attention/text.js";
import { facts, placeOf, shapeOf, titleOf, written } from "./arithmetic.js";
import { attend, madeOf, RESULTS } from "./attend.js";
import { createControls } from "./controls.js";
import { createExample, INPUTS, MOST_SEED } from "./example.js";
import { asCsv, asScript, copy } from "./files.js";
import { createMatrix } from "./matrix.js";
import { brief, nudged, readNumber } from "./numbers.js";
import { createReadout } from "./readout.js";

const OPENING_DIGITS = 4;
const LONGEST_QUOTED = 30;

// What stands side by side.
const GROUPS = [INPUTS, ["dot", "scaled", "masked"], ["row_max", "exp", "row_sum", "shares", "z"]];

function skeleton(root) {
  const parts = {
    address: el("p", { class: "problem", role: "alert", hidden: true }),
    controls: el("div", { class: "bar" }),
    facts: el("p", { class: "facts", "aria-live": "polite" }),
    matrices: el("div", { class: "matrices" }),
    readout: el("div", { class: "readout" }),
    spoken: el("div", { class: "spoken", role: "status", "aria-live": "polite" }),
    files: el("div", { class: "files" }),
    keys: el("details", { class: "keys" }, el("summary"), el("p")),
    counted: el("p", { class: "label" }),
  };
  const foot = el("div", { class: "below" }, parts.files, parts.keys, parts.counted);
  root.replaceChildren(
    parts.address, parts.controls, parts.facts, parts.matrices, parts.readout, parts.spoken, foot,
  );
  return parts;
}

function createView(root) {
  const parts = skeleton(root);
  const drafts = new Map(); // what was typed and cannot be used, by cell
  let header = null;
  let received = null;
  let example = null;
  let address = null;
  let matrices = {};
  let digits = OPENING_DIGITS;
  let worked = null;
  let palettes = null;
  let hovered = null; // {name, row, col}
  let focused = null;
  let pinned = null;

  const t = (key) => header.strings[key] ?? key;
  const state = () => example.state;
  const key = (name, row, col) => `${name},${row},${col}`;
  const isAt = (cell, other) => cell !== null && key(cell.name, cell.row, cell.col) === key(other.name, other.row, other.col);

  function take(text) {
    drafts.clear();
    pinned = null;
    const understood = example.read(text);
    parts.address.hidden = understood;
    parts.address.textContent = understood ? "" : t("address");
    address.write(example.write());
  }

  function told(cell) {
    const { name, row, col } = cell;
    const place = placeOf(name, row, col, state().d, t);
    return { place, sum: written(name, row, col, { worked, causal: state().causal, digits, t }) };
  }

  function drawMarks() {
    const shown = hovered ?? focused ?? pinned;
    const made = shown ? madeOf(shown.name, shown.row, shown.col) : [];
    for (const [name, matrix] of Object.entries(matrices)) {
      const lit = made.filter(([of]) => of === name).map(([, row, col]) => [row, col]);
      const within = (cell) => (cell?.name === name ? [cell.row, cell.col] : null);
      matrix.mark(lit, within(shown), within(pinned));
    }
    const same = shown !== null && isAt(pinned, shown);
    readout.write({ shown: shown && told(shown), pinned: pinned && told(pinned), isPinned: same, digits, t });
  }

  function message({ typed, problem }, name, row, col) {
    const cut = typed.length > LONGEST_QUOTED ? `${typed.slice(0, LONGEST_QUOTED)}…` : typed;
    const value = brief(worked[name][row][col], "full");
    const words = { typed: visible(cut), value, most: brief(header.limits.largest, "full") };
    return fill(t(`bad.${problem}`), words);
  }

  function draw() {
    const { causal } = state();
    const [q, k, v] = INPUTS.map(example.values);
    worked = attend(q, k, v, causal);
    for (const [name, matrix] of Object.entries(matrices)) {
      const draft = (row, col) => {
        const found = drafts.get(key(name, row, col));
        return found && { typed: found.typed, message: found.problem && message(found, name, row, col) };
      };
      const texts = INPUTS.includes(name) ? example.texts(name) : null;
      matrix.write({ worked, digits, causal, palettes, texts, drafts: draft });
    }
    matrices.masked.element.querySelector(".about").textContent = t(causal ? "about.masked" : "about.unmasked");
    const found = facts({ worked, causal, digits, t });
    const sentence = [...found, t("invite")].join(t("lang").startsWith("zh") ? "" : " ");
    if (parts.facts.textContent !== sentence) parts.facts.textContent = sentence;
    controls.update({ state: state(), digits, t });
    drawMarks();
  }

  // Everything that depends on sizes and texts.
  function build() {
    const { n, d } = state();
    const fits = (cell) => cell && cell.row < n && cell.col < (cell.name === "z" ? d : n);
    [hovered, focused, pinned] = [null, null, fits(pinned) ? pinned : null];
    matrices = {};
    let number = 0;
    const groups = GROUPS.map((names) =>
      el("div", { class: "group" }, ...names.map((name) => {
        const shape = shapeOf(name);
        const editable = shape === "input";
        const label = (row, col, value) => {
          const cell = placeOf(name, row, col, d, t);
          return editable ? cell : fill(t("cell.is"), { cell, value });
        };
        const words = { title: titleOf(name, d, t), about: t(`about.${name}`), axes: t(`axes.${shape}`), label };
        const cols = { input: d, pair: n, row: 1, z: d }[shape];
        if (!editable) number += 1;
        matrices[name] = createMatrix({ name, number: editable ? 0 : number, n, d: cols, editable, words, actions });
        return matrices[name].element;
      })),
    );
    parts.matrices.replaceChildren(...groups);
  }

  // --- what the reader does
  function changed(soon = false) {
    parts.address.hidden = true;
    controls.say("");
    if (soon) address.writeSoon(example.write);
    else address.write(example.write());
  }
  function remade(act) {
    drafts.clear();
    act();
    build();
    draw();
    changed();
  }

  const actions = {
    typed(name, row, col, typed, done) {
      const cell = key(name, row, col);
      const found = readNumber(typed, header.limits.largest);
      const text = example.texts(name)[row]?.[col];
      // A box that goes away, because there is less of everything, is left like any other.
      if (text === undefined) return;
      // Leaving a box that nobody typed in changes nothing.
      if (done && typed === text) drafts.delete(cell);
      else if (!found.problem) {
        if (done) drafts.delete(cell);
        else drafts.set(cell, { typed, problem: null });
        example.edit(name, row, col, found.text);
      } else {
        const begun = found.problem === "begun";
        drafts.set(cell, { typed, problem: begun ? (done ? "number" : null) : found.problem });
      }
      draw();
      changed(!done);
    },
    nudge(name, row, col, step) {
      drafts.delete(key(name, row, col));
      const moved = nudged(example.values(name)[row][col], step);
      if (Math.abs(moved) <= header.limits.largest) example.edit(name, row, col, String(moved));
      draw();
      changed(true);
    },
    hover(name, place) {
      const before = hovered;
      hovered = place && { name, row: place[0], col: place[1] };
      if (before || hovered) drawMarks();
    },
    focus(name, place) {
      focused = place && { name, row: place[0], col: place[1] };
      drawMarks();
    },
    pin(name, row, col) {
      const cell = { name, row, col };
      pinned = isAt(pinned, cell) ? null : cell;
      drawMarks();
    },
    unpin() {
      pinned = null;
      drawMarks();
    },
    resize(n, d) {
      example.resize(n ?? state().n, d ?? state().d);
      build();
      draw();
      changed();
    },
    setCausal(causal) {
      example.setCausal(causal);
      draw();
      changed();
    },
    setDigits(next) {
      digits = next;
      draw();
    },
    // Without a seed the next one is taken.
    generate(kind, seed) {
      const last = state().kind === "random" ? state().seed : 0;
      const lot = seed ?? (last % MOST_SEED) + 1;
      if (kind !== "random") remade(() => example.generate(kind));
      else if (Number.isInteger(lot) && lot >= 1 && lot <= MOST_SEED) remade(() => example.generate(kind, lot));
      else draw();
    },
    reset() {
      pinned = null;
      remade(example.reset);
    },
    async copy() {
      const copied = await copy(asScript(header.script, worked, state().causal));
      controls.say(t(copied ? "copied" : "copy_failed"));
    },
    download(ending) {
      const [type, text] =
        ending === "py"
          ? ["text/x-python", asScript(header.script, worked, state().causal)]
          : ["text/csv", asCsv(worked)];
      save(new Blob([text], { type }), `headlight-textbook.${ending}`);
    },
  };
  const controls = createControls(parts.controls, parts.files, actions);
  const readout = createReadout(parts.readout, parts.spoken, actions);

  const onKey = (event) => {
    if (event.key === "Escape" && pinned) actions.unpin();
  };
  const onPop = () => {
    if (!header || !root.isConnected || address.read() === example.write()) return;
    take(address.read());
    build();
    draw();
  };
  // Whoever leaves a box may be on the way to another page, which takes the address along.
  const onLeave = () => address?.settle();
  root.addEventListener("keydown", onKey);
  root.addEventListener("focusout", onLeave);
  window.addEventListener("popstate", onPop);

  function receive(bytes) {
    if (bytes && bytes !== received) {
      const first = header === null;
      const spoke = JSON.stringify(header?.strings);
      received = bytes;
      ({ header } = decodeFrame(bytes));
      if (first) {
        example = createExample(header);
        address = createAddress(header.parameter);
        take(address.first(header.asked));
      } else {
        // What the reader typed stands, whatever a server run has made of the address.
        address.write(example.write());
      }
      if (spoke !== JSON.stringify(header.strings)) {
        speak();
        build();
      }
    }
    if (!header) return;
    const sequential = readPalette(header.theme, root);
    const swapped = (ground) => ({ ...header.theme[ground], sequential: header.theme[ground].diverging });
    const diverging = readPalette({ light: swapped("light"), dark: swapped("dark") }, root);
    const stops = header.theme[sequential.name];
    palettes = {
      sequential: { ...sequential, stops: stops.sequential },
      diverging: { ...diverging, stops: stops.diverging },
    };
    root.dataset.ground = sequential.name;
    for (const colour of ["accent", "quiet", "faint", "hatch"]) root.style.setProperty(`--${colour}`, sequential[colour]);
    root.style.setProperty("--hatch-ground", stops.hatch_ground);
    draw();
    root.dataset.state = "ready";
  }

  // Everything that depends on the language alone.
  function speak() {
    tellLanguage(t("lang"));
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", t("component"));
    controls.build(t, header.limits);
    const [summary, help] = parts.keys.children;
    summary.textContent = t("keys");
    help.textContent = t("keys.help");
    parts.counted.textContent = t("counted");
  }

  return {
    receive,
    destroy() {
      address?.rest();
      window.removeEventListener("popstate", onPop);
    },
  };
}

export default component("textbook", createView);
