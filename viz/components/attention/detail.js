// Detail: one cell in numbers, in the header line and in the tooltip.
// Does not know how the numbers were pointed at or painted.
// The header line never hides the picture; the tooltip adds how the share came about.

import { el } from "./dom.js";
import { scoresOf, sharesOf } from "./heads.js";
import { pointIn, windowHeight } from "./screen.js";
import { fill, fixed, full } from "./text.js";

// How a share came about: q·k × scale, soft-capped, + bias = score, exp(score − max) ÷ sum = share.
export function account(scene, row, col) {
  const { head, numbers, stack } = scene;
  const cols = stack.cols.length;
  const seen = scene.heads.seenBy(stack, scene.state.cell, row);
  const sees = (j) => seen === null || seen[j] === 1;
  const shares = sharesOf(numbers, row, cols);
  if (shares === null) {
    const { large } = numbers;
    return { share: Math.max(0, large.roughAt(row, col)), masked: !sees(col), gone: false, exact: false, grain: 2 ** large.coarsest };
  }
  const share = shares[col];
  // NaN: the row has nothing left to share out, because a switch took its only key away.
  const result = { share, masked: !sees(col), gone: Number.isNaN(share), exact: numbers.exact };
  if (!numbers.exact || result.gone) return result;
  let kept = 0;
  let most = 0;
  for (let j = 0; j < cols; j++) {
    kept += shares[j];
    if (shares[j] > shares[most]) most = j;
  }
  // A row that sees no key at all keeps nothing, and nothing of it is elsewhere.
  const missing = kept > 0 && kept < 0.9995 ? 1 - kept : null;
  const found = scoresOf(numbers, row, cols);
  if (!found) {
    const named = head.has_sink && stack.whole ? { sink: missing } : { outside: missing };
    return { ...result, ...named, coming: numbers.byRow && !numbers.rows.has(row) };
  }
  const { scores, dot } = found;
  let top = head.sink ?? -Infinity;
  for (let j = 0; j < cols; j++) if (sees(j)) top = Math.max(top, scores[j]);
  let sum = 0;
  for (let j = 0; j < cols; j++) if (sees(j)) sum += Math.exp(scores[j] - top);
  const sunk = head.sink === null ? 0 : Math.exp(head.sink - top);
  sum += sunk;
  // Where keys are hidden, or a sink's score is not told, the row's sum is larger than what the
  // map shows of it.
  const hides = kept > 0 && Math.abs(kept + sunk / sum - 1) > 5e-4;
  if (hides) sum = Math.exp(scores[most] - top) / shares[most];
  const untold = head.has_sink && head.sink === null && stack.whole;
  const score = scores[col];
  const scaled = dot[col] * head.scale;
  const capped = head.softcap === null ? scaled : head.softcap * Math.tanh(scaled / head.softcap);
  // Two 32-bit numbers of this size tell no smaller bias from none.
  const bias = Math.abs(score - capped) > 2e-5 * Math.max(1, Math.abs(score), Math.abs(capped)) ? score - capped : 0;
  return {
    ...result,
    dot: dot[col],
    top,
    scaled,
    capped: head.softcap === null ? null : capped,
    bias: head.has_bias ? bias : null,
    score,
    exp: Math.exp(score - top),
    sum,
    sink: untold ? missing : head.sink === null || kept === 0 ? null : sunk / sum,
    outside: hides && !untold ? Math.max(0, 1 - kept - sunk / sum) : null,
  };
}

function describe(token, t) {
  const words = [fill(t("cell.position"), { index: token.index })];
  if (token.kind) words.push(t(`token.${token.kind}`));
  if (token.note) words.push(token.noteShown);
  return words.join(" · ");
}

// The plain number is kept beside the written one, for tests and for copying.
function line(label, text, name, value) {
  return el(
    "div",
    { class: "pair", "data-part": name, "data-value": String(value) },
    el("dt", { text: label }),
    el("dd", { text }),
  );
}

function tokenLine(label, token, t) {
  const text = el(
    "dd",
    {},
    el("bdi", { class: "token-text", text: token.shown }),
    el("small", { text: describe(token, t) }),
  );
  return el("div", { class: "pair token-pair" }, el("dt", { text: label }), text);
}

function computation(scene, row, col) {
  const { t, head, numbers } = scene;
  const a = account(scene, row, col);
  const lines = [];
  if (a.gone) return [el("p", { text: t("cell.gone") })];
  const add = (label, name, value, digits) => lines.push(line(label, full(value, digits), name, value));
  // Of a masked cell some models have no score: minus infinity is all there ever was.
  const scored = a.score !== undefined && !(a.masked && !Number.isFinite(a.score));
  if (scored) {
    add(t("cell.dot"), "dot", a.dot);
    add(t("cell.scale"), "scale", head.scale);
    if (a.bias !== null || a.capped !== null) add(t("cell.scaled"), "scaled", a.scaled);
    if (a.capped !== null) add(fill(t("cell.softcap"), { cap: head.softcap }), "capped", a.capped);
    if (a.bias !== null) add(t("cell.bias"), "bias", a.bias);
    add(t("cell.score"), "score", a.score);
    if (!a.masked) {
      add(t("cell.max"), "max", a.top);
      add(t("cell.exp"), "exp", a.exp);
      add(t("cell.sum"), "sum", a.sum);
    }
  }
  lines.push(line(t("cell.share"), a.exact ? full(a.share) : `≈ ${fixed(a.share)}`, "share", a.share));
  lines[lines.length - 1].classList.add("result");
  if (a.sink) add(t("cell.sink"), "sink", a.sink, 4);
  if (a.outside) add(t("cell.outside"), "outside", a.outside, 4);
  if (a.masked) lines.push(el("p", { text: t("cell.masked") }));
  else if (a.grain && numbers.failed === row) lines.push(el("p", { text: fill(t("cell.largest"), { n: a.grain }) }));
  else if (a.grain) lines.push(el("p", { text: fill(t("cell.largest.coming"), { n: a.grain }) }));
  else if (!a.exact) lines.push(el("p", { text: t("cell.rough") }));
  else if (a.coming) lines.push(el("p", { text: t(numbers.failed === row ? "cell.missing" : "cell.coming") }));
  else if (!scored) lines.push(el("p", { text: t("no_score") }));
  return lines;
}

export function createDetail(root, readout, actions) {
  const tip = el("div", { "data-tooltip": "", role: "tooltip", hidden: true });
  root.append(tip);
  const name = el("strong", { class: "head-name" });
  const cell = el("span", { class: "cell-text" });
  const unpin = el("button", { type: "button", class: "quiet-button", hidden: true, click: () => actions.pin(null) });
  // Another page answers; the navigation, which is another component, takes the reader there.
  let there = null;
  const go = () => window.dispatchEvent(new CustomEvent("headlight:go", { detail: { page: "steps", parameters: there } }));
  const steps = el("button", { type: "button", class: "quiet-button", "data-steps": "", click: go });
  readout.append(name, cell, unpin, steps);

  // Where the steps begin: the cell that is told, by the positions of its tokens.
  function placeOf({ head, stack }, row, col) {
    const parameters = { stack: stack.name, layer: String(head.layer), head: String(head.head) };
    if (row === null || col === null) return parameters;
    const cell = { row: String(stack.rows[row].index), col: String(stack.cols[col].index) };
    // A share is what was pointed at, so the walk opens where shares are made.
    return { ...parameters, ...cell, step: `${stack.name}.softmax` };
  }

  function write(scene) {
    const { t, head, hover, state, stack, numbers } = scene;
    name.textContent = head.name;
    unpin.hidden = state.row === null;
    unpin.textContent = `✕ ${t("readout.unpin")}`;
    const row = hover.row ?? (hover.col === null ? state.row : null) ?? (hover.col !== null ? state.row : null);
    cell.classList.toggle("pinned", row !== null && row === state.row);
    const parts = [];
    if (row !== null) parts.push(el("span", { class: "dot", text: "● " }), el("bdi", { text: stack.rows[row].shown }));
    const cols = stack.cols.length;
    let col = hover.col;
    const shares = row === null ? null : sharesOf(numbers, row, cols);
    // A row alone: its strongest key speaks for it.
    if (shares && col === null) {
      col = 0;
      for (let j = 1; j < cols; j++) if (shares[j] > shares[col]) col = j;
    }
    if (col !== null)
      parts.push(el("span", { class: "arrow", text: " ← " }), el("bdi", { text: stack.cols[col].shown }));
    if (row !== null && col !== null) {
      const a = account(scene, row, col);
      const share = a.gone ? "—" : a.masked ? t("map.masked") : `${a.exact ? "" : "≈ "}${fixed(a.share)}`;
      parts.push(el("b", { class: "share-now", text: ` ${share}` }));
    }
    if (!parts.length) parts.push(el("span", { class: "hint", text: t("readout.hint") }));
    cell.replaceChildren(...parts);
    steps.hidden = head.layer === null || head.head === null;
    steps.textContent = `${t("readout.steps")} →`;
    steps.title = t("readout.steps.help");
    there = placeOf(scene, row, col);
  }

  // Beside the point, off the row and the column of the cell, inside the component.
  function move(point) {
    const { offsetWidth: width, offsetHeight: height } = tip;
    const { clientWidth: wide, clientHeight: tall } = root;
    const [x, y] = pointIn(root, point.x, point.y);
    let left = x + 26 + width <= wide ? x + 26 : Math.max(0, x - 26 - width);
    const edge = point.edge ? pointIn(root, point.edge, 0)[0] : 0;
    if (edge > width) left = edge - width - 6;
    const [, screenTop] = pointIn(root, 0, 0);
    const bottom = Math.min(screenTop + windowHeight(root), tall + 200);
    const top = y + 26 + height <= bottom ? y + 26 : Math.max(screenTop, y - 26 - height);
    tip.style.transform = `translate(${Math.round(Math.min(left, Math.max(0, wide - width)))}px,${Math.round(top)}px)`;
  }

  function show(scene, point) {
    const { hover, stack, t } = scene;
    if (!point || (hover.row === null && hover.col === null)) {
      tip.hidden = true;
      return;
    }
    const parts = [];
    if (hover.row !== null) parts.push(tokenLine(t("cell.query"), stack.rows[hover.row], t));
    if (hover.col !== null) parts.push(tokenLine(t("cell.key"), stack.cols[hover.col], t));
    if (hover.row !== null && hover.col !== null) parts.push(...computation(scene, hover.row, hover.col));
    tip.replaceChildren(el("dl", {}, ...parts));
    tip.hidden = false;
    move(point);
  }

  return { write, show, hide: () => (tip.hidden = true) };
}
