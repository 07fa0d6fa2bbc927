// Detail: one cell in numbers, in the header line and in the tooltip.
// Does not know how the numbers were pointed at or painted.
// The header line never hides the picture; the tooltip adds how the share came about.

import { el } from "./dom.js";
import { fill, fixed, full } from "./text.js";

// How a share came about: q·k × scale + bias = score, exp(score − max) ÷ sum = share.
export function account(scene, row, col) {
  const { numbers, stack, mask } = scene;
  const cols = stack.cols.length;
  const start = row * cols;
  const share = numbers.pattern[start + col];
  const masked = mask !== null && !mask[start + col];
  // NaN: the row has nothing left to share out, because a switch took its only key away.
  const result = { share, masked, gone: Number.isNaN(share), exact: numbers.exact, scores: numbers.scores !== null };
  if (!numbers.scores) return result;
  let top = -Infinity;
  let total = 0;
  for (let j = 0; j < cols; j++) if (!mask || mask[start + j]) top = Math.max(top, numbers.scores[start + j]);
  for (let j = 0; j < cols; j++) {
    if (!mask || mask[start + j]) total += Math.exp(numbers.scores[start + j] - top);
  }
  let kept = 0;
  for (let j = 0; j < cols; j++) kept += numbers.pattern[start + j];
  const score = numbers.scores[start + col];
  const dot = numbers.dot ? numbers.dot[start + col] : score / stack.scale;
  const scaled = dot * stack.scale;
  const bias = score - scaled;
  const exp = Math.exp(score - top);
  // A sink takes part of the row without being a key: the sum then is larger than the map's own.
  const sink = kept > 0 && kept < 0.9995;
  const hasBias = Math.abs(bias) > 2e-5 * Math.max(1, Math.abs(score), Math.abs(scaled));
  return {
    ...result,
    dot,
    top,
    scaled,
    bias: hasBias ? bias : null,
    score,
    exp,
    sum: sink && share > 0 ? exp / share : total,
    outside: sink ? 1 - kept : null,
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
  const { t, stack } = scene;
  const a = account(scene, row, col);
  const lines = [];
  if (a.gone) return [el("p", { text: t("cell.gone") })];
  if (a.scores && !(a.masked && !Number.isFinite(a.score))) {
    lines.push(line(t("cell.dot"), full(a.dot), "dot", a.dot));
    lines.push(line(t("cell.scale"), full(stack.scale), "scale", stack.scale));
    if (a.bias !== null) {
      lines.push(line(t("cell.scaled"), full(a.scaled), "scaled", a.scaled));
      lines.push(line(t("cell.bias"), full(a.bias), "bias", a.bias));
    }
    lines.push(line(t("cell.score"), full(a.score), "score", a.score));
    if (!a.masked) {
      lines.push(line(t("cell.max"), full(a.top), "max", a.top));
      lines.push(line(t("cell.exp"), full(a.exp), "exp", a.exp));
      lines.push(line(t("cell.sum"), full(a.sum), "sum", a.sum));
    }
  }
  lines.push(line(t("cell.share"), a.exact ? full(a.share) : `≈ ${fixed(a.share)}`, "share", a.share));
  lines[lines.length - 1].classList.add("result");
  if (a.outside) lines.push(line(t("cell.outside"), full(a.outside, 4), "outside", a.outside));
  if (a.masked) lines.push(el("p", { text: t("cell.masked") }));
  else if (!a.exact) lines.push(el("p", { text: t("cell.rough") }));
  else if (!a.scores) lines.push(el("p", { text: t("no_score") }));
  return lines;
}

export function createDetail(root, readout, actions) {
  const tip = el("div", { "data-tooltip": "", role: "tooltip", hidden: true });
  root.append(tip);
  const name = el("strong", { class: "head-name" });
  const cell = el("span", { class: "cell-text" });
  const unpin = el("button", { type: "button", class: "quiet-button", hidden: true, click: () => actions.pin(null) });
  readout.append(name, cell, unpin);

  function write(scene, spoken) {
    const { t, head, hover, state, stack, numbers } = scene;
    readout.setAttribute("aria-live", spoken ? "polite" : "off");
    name.textContent = head.name;
    unpin.hidden = state.row === null;
    unpin.textContent = `✕ ${t("readout.unpin")}`;
    const row = hover.row ?? (hover.col === null ? state.row : null) ?? (hover.col !== null ? state.row : null);
    cell.classList.toggle("pinned", row !== null && row === state.row);
    const parts = [];
    if (row !== null) parts.push(el("span", { class: "dot", text: "● " }), el("bdi", { text: stack.rows[row].shown }));
    const cols = stack.cols.length;
    let col = hover.col;
    // A row alone: its strongest key speaks for it.
    if (row !== null && col === null) {
      col = 0;
      for (let j = 1; j < cols; j++) if (numbers.pattern[row * cols + j] > numbers.pattern[row * cols + col]) col = j;
    }
    if (col !== null)
      parts.push(el("span", { class: "arrow", text: " ← " }), el("bdi", { text: stack.cols[col].shown }));
    if (row !== null) {
      const a = account(scene, row, col);
      const share = a.gone ? "—" : a.masked ? t("map.masked") : `${a.exact ? "" : "≈ "}${fixed(a.share)}`;
      parts.push(el("b", { class: "share-now", text: ` ${share}` }));
    }
    if (!parts.length) parts.push(el("span", { class: "hint", text: t("readout.hint") }));
    cell.replaceChildren(...parts);
  }

  // Beside the point, off the row and the column of the cell, inside the component.
  function place(point) {
    const box = root.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = tip;
    const [x, y] = [point.x - box.left, point.y - box.top];
    let left = x + 26 + width <= box.width ? x + 26 : Math.max(0, x - 26 - width);
    if (point.edge && point.edge - box.left > width) left = point.edge - box.left - width - 6;
    const bottom = Math.min(window.innerHeight - box.top, box.height + 200);
    const top = y + 26 + height <= bottom ? y + 26 : Math.max(-box.top, y - 26 - height);
    tip.style.transform = `translate(${Math.round(Math.min(left, Math.max(0, box.width - width)))}px,${Math.round(top)}px)`;
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
    place(point);
  }

  return { write, show, hide: () => (tip.hidden = true) };
}
