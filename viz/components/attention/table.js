// Table: the map once more as an HTML table, for readers who cannot see it and for tests.
// Does not draw anything else; is built only while it is open.
// Long texts are cut and the cut is named: a table of 512 × 512 would stop the browser.

import { el } from "./dom.js";
import { fill, full } from "./text.js";

const MOST = 200;
const DIGITS = 8;

// The tile that all of the table lies in, of a map that is held in tiles.
const CORNER = { top: 0, left: 0, bottom: MOST, right: MOST };

function build(scene) {
  const { t, head, stack, numbers, mask } = scene;
  const { large } = numbers;
  // What no key gets has a column of its own, where the whole row is here.
  const sinks = head.has_sink && stack.whole && numbers.exact && !large;
  const rows = Math.min(MOST, stack.rows.length);
  const cols = Math.min(MOST, stack.cols.length);
  const all = stack.cols.length;
  const heading = el("tr", {}, el("th", { scope: "col", text: t("table.corner") }));
  for (let j = 0; j < cols; j++) heading.append(el("th", { scope: "col" }, el("bdi", { text: stack.cols[j].shown })));
  if (sinks) heading.append(el("th", { scope: "col", text: t("table.sink") }));
  const body = el("tbody");
  for (let i = 0; i < rows; i++) {
    const row = el("tr", {}, el("th", { scope: "row" }, el("bdi", { text: stack.rows[i].shown })));
    for (let j = 0; j < cols; j++) {
      const at = i * all + j;
      const share = large ? (large.exactAt(i, j)?.share ?? null) : numbers.pattern[at];
      const masked = large ? share === -1 : mask !== null && !mask[at];
      const text = masked ? t("table.masked") : `${numbers.exact ? "" : "≈ "}${full(share, numbers.exact ? DIGITS : 2)}`;
      row.append(el("td", { text, class: masked ? "masked" : null }));
    }
    if (sinks) {
      const rest = numbers.pattern.subarray(i * all, (i + 1) * all).reduce((left, share) => left - share, 1);
      row.append(el("td", { text: full(Math.max(0, rest), 4) }));
    }
    body.append(row);
  }
  const caption = el("caption", { text: fill(t("table.caption"), { head: head.name, stack: stack.title }) });
  const table = el("table", { "data-twin": "" }, caption, el("thead", {}, heading), body);
  const cut = rows < stack.rows.length || cols < all;
  return [
    cut ? el("p", { class: "caption", text: fill(t(large ? "table.large" : "table.limited"), { rows, cols }) }) : null,
    el("div", { class: "table-scroll", tabindex: 0 }, table),
  ];
}

export function createTable(details, actions) {
  const summary = el("summary");
  const room = el("div");
  details.append(summary, room);
  let scene = null;
  let shown = null; // the numbers in the table, to build it once per head

  function draw() {
    if (!details.open || !scene || shown === scene.numbers) return;
    // Of a map that is held in tiles the table waits for its own.
    if (scene.numbers.large && !scene.numbers.large.isComplete(CORNER, 0)) {
      room.replaceChildren();
      shown = null;
      actions.needTiles();
      return;
    }
    shown = scene.numbers;
    room.replaceChildren(...build(scene).filter((node) => node !== null));
  }
  details.addEventListener("toggle", () => draw());

  return {
    draw(next) {
      scene = next;
      summary.textContent = scene.t("table");
      draw();
    },
    needed: () => (details.open && scene?.numbers.large ? scene.numbers.large.missing(CORNER, 0) : []),
    forget: () => (shown = null),
  };
}
