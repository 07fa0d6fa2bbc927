// Matrix: one block of numbers with its name, its colours and its range; to read or to fill in.
// Does not compute; tells textbook.js what was pointed at, pinned or typed through `actions`.
// Built anew only when its size changes, so what is being typed keeps its place.

import { el } from "../attention/dom.js";
import { aligned, brief } from "./numbers.js";

// The colour of each matrix: diverging around 0, in 0–1, or none; and whose range it shares.
const SCALES = {
  q: "q", k: "k", v: "v", dot: "dot", scaled: "scaled", masked: "scaled", row_max: "scaled",
  exp: "share", row_sum: null, shares: "share", z: "v",
};

const largest = (rows) => Math.max(...rows.flat().filter(Number.isFinite).map(Math.abs));

// {low, high, colours, step(value)} of a matrix, or null.
function scaleOf(name, worked, palettes) {
  const scale = SCALES[name];
  if (scale === null) return null;
  if (scale === "share") return { low: 0, high: 1, colours: palettes.sequential, step: (x) => Math.round(x * 255) };
  const high = largest(worked[scale]);
  const step = (x) => Math.round((high === 0 ? 1 : x / high + 1) * 127.5);
  return { low: -high, high, colours: palettes.diverging, step };
}

function caret(input) {
  const { selectionStart: start, selectionEnd: end, value } = input;
  const whole = start === 0 && end === value.length;
  return { first: whole || (start === 0 && end === 0), last: whole || (start === value.length && end === value.length) };
}

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// editable: the reader's numbers. n × d is the size; words: {title, about, axes, label(i, j)}.
export function createMatrix({ name, number, n, d, editable, words, actions }) {
  const cells = [];
  const inputs = [];
  const warnings = [];
  const body = el("tbody");
  const at = (event) => event.target.closest?.("[data-cell]")?.dataset.cell.split(",").map(Number) ?? null;

  function focusOn(row, col) {
    const [i, j] = [Math.min(n - 1, Math.max(0, row)), Math.min(d - 1, Math.max(0, col))];
    if (!editable) {
      for (const cell of cells.flat()) cell.tabIndex = -1;
      cells[i][j].tabIndex = 0;
    }
    (editable ? inputs : cells)[i][j].focus();
  }

  function inputAt(i, j) {
    return el("input", {
      type: "text",
      class: "number",
      autocomplete: "off",
      spellcheck: "false",
      "aria-describedby": `bad-${name}-${i}`,
      focus: (event) => event.target.select(),
      input: (event) => actions.typed(name, i, j, event.target.value, false),
      blur: (event) => actions.typed(name, i, j, event.target.value, true),
    });
  }

  function rowAt(i) {
    cells.push(
      Array.from({ length: d }, (_, j) =>
        el("td", { "data-matrix": name, "data-cell": `${i},${j}`, tabindex: editable ? null : i + j ? "-1" : "0" }),
      ),
    );
    body.append(el("tr", {}, el("th", { scope: "row", text: String(i) }), ...cells[i]));
    if (!editable) return;
    inputs.push(cells[i].map((cell, j) => {
      const input = inputAt(i, j);
      cell.append(input);
      return input;
    }));
    // The message stands under the row, where it hides no other number.
    warnings.push(el("div", { class: "warning", id: `bad-${name}-${i}`, role: "alert" }));
    body.append(el("tr", { class: "warn", hidden: true }, el("td"), el("td", { colspan: d }, warnings[i])));
  }
  for (let i = 0; i < n; i++) rowAt(i);

  function onKey(event) {
    const place = at(event);
    if (!place) return;
    const [i, j] = place;
    const move = MOVES[event.key];
    if (editable) {
      if (event.isComposing) return;
      if (move && event.altKey && move[0]) actions.nudge(name, i, j, -0.1 * move[0]);
      else if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      else if (event.key === "Enter") focusOn(i + 1, j);
      else if (move?.[0] || (move && caret(event.target)[move[1] < 0 ? "first" : "last"])) focusOn(i + move[0], j + move[1]);
      else return;
    } else if (event.key === "Enter" || event.key === " ") actions.pin(name, i, j);
    else if (event.key === "Home") focusOn(i, 0);
    else if (event.key === "End") focusOn(i, d - 1);
    else if (move && !event.altKey && !event.ctrlKey && !event.metaKey) focusOn(i + move[0], j + move[1]);
    else return;
    event.preventDefault();
  }

  const single = name === "row_max" || name === "row_sum";
  const heads = Array.from({ length: d }, (_, j) => el("th", { scope: "col", text: single ? "\u00a0" : String(j) }));
  const table = el(
    "table",
    { role: "grid", "aria-label": words.about ? `${words.title}: ${words.about}` : words.title, keydown: onKey },
    el("thead", {}, el("tr", {}, el("td"), ...heads)),
    body,
  );
  if (!editable) {
    table.addEventListener("pointerover", (event) => actions.hover(name, at(event)));
    table.addEventListener("pointerleave", () => actions.hover(name, null));
    table.addEventListener("focusin", (event) => at(event) && actions.focus(name, at(event)));
    table.addEventListener("focusout", () => actions.focus(name, null));
    table.addEventListener("click", (event) => {
      const place = at(event);
      if (place) actions.pin(name, ...place);
    });
  }
  const ramp = el("span", { class: "ramp" });
  const limits = [el("span", { "data-limit": "low" }), el("span", { "data-limit": "high" })];
  const legend = el("span", { class: "legend" }, limits[0], ramp, limits[1]);
  const about = el("span", { class: "about", text: words.about });
  const element = el(
    "figure",
    { class: "matrix", "data-block": name },
    el(
      "figcaption",
      {},
      number ? el("span", { class: "step", text: String(number) }) : null,
      el("strong", { text: words.title }),
      el("span", { class: "size", text: `${n} × ${d}` }),
      about,
    ),
    el("div", { class: "scroll" }, table),
    el("p", { class: "foot" }, el("span", { text: words.axes }), legend),
  );

  function paint(cell, value, scale) {
    const hidden = value === -Infinity;
    const step = scale && !hidden ? scale.step(value) : null;
    cell.style.background = step === null ? "" : scale.colours.css[step];
    cell.style.color = step === null ? "" : scale.colours.inkOn[step];
  }

  return {
    element,
    focusOn,
    // texts: what stands in the boxes; drafts(i, j): {typed, message} of what cannot be used.
    write({ worked, digits, causal, palettes, texts, drafts }) {
      const scale = scaleOf(name, worked, palettes);
      legend.hidden = scale === null;
      if (scale) {
        [scale.low, scale.high].forEach((limit, end) => (limits[end].textContent = brief(limit, digits)));
        ramp.style.background = `linear-gradient(to right, ${scale.colours.stops.join(",")})`;
      }
      worked[name].forEach((row, i) => {
        row.forEach((value, j) => {
          const cell = cells[i][j];
          cell.dataset.value = String(value);
          const masked = causal && j > i && (name === "masked" || name === "exp" || name === "shares");
          cell.classList.toggle("masked", masked);
          paint(cell, value, masked ? null : scale);
          if (!editable) {
            cell.textContent = aligned(value, digits);
            cell.setAttribute("aria-label", words.label(i, j, aligned(value, digits)));
          }
        });
        if (!editable) return;
        const said = row.map((_, j) => {
          const input = inputs[i][j];
          const draft = drafts(i, j);
          const shown = draft ? draft.typed : texts[i][j];
          if (input.value !== shown) input.value = shown;
          input.title = shown;
          input.setAttribute("aria-label", words.label(i, j));
          input.setAttribute("aria-invalid", Boolean(draft?.message));
          return draft?.message ?? "";
        });
        const message = said.filter(Boolean).join(" ");
        if (warnings[i].textContent !== message) warnings[i].textContent = message;
        warnings[i].closest("tr").hidden = !message;
      });
    },
    // lit: [row, column] that the cell pointed at was made of, null for all; active: that cell.
    mark(lit, active, pinned) {
      cells.forEach((row, i) =>
        row.forEach((cell, j) => {
          cell.classList.toggle("lit", lit.some(([a, b]) => (a === null || a === i) && (b === null || b === j)));
          cell.classList.toggle("active", active?.[0] === i && active[1] === j);
          cell.classList.toggle("pinned", pinned?.[0] === i && pinned[1] === j);
        }),
      );
    },
  };
}
