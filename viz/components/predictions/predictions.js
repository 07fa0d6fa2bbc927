// Predictions: the table of what a model predicts, fetched once it comes into sight.
// Does not know what it says. Tokens and labels go in through textContent only.
// What was shown of another text goes when that is out of sight, and fades until the next is here.

import { component, el } from "../attention/dom.js";
import { fixed, full } from "../attention/text.js";

const NEAR = "200px"; // below the window: who scrolls need not wait
const DIGITS = 6;

const bidi = (text) => el("bdi", { text });

function cell({ name, share, mark, beside, said }) {
  if (said) return el("td", {}, el("span", { class: "share", text: said }));
  if (share === null && !name) return el("td");
  const guess = el("span", { class: "guess" }, name ? bidi(name) : null);
  if (mark) guess.append(el("span", { class: "spoken", text: ` (${mark})` }));
  const shown = el("span", { class: "share", text: fixed(share) });
  if (beside) shown.append(" · ", el("span", { class: "rank", text: beside }));
  const bar = el("span", { class: "bar" });
  bar.style.width = `${100 * (share ?? 0)}%`;
  return el("td", { class: mark ? "real" : null, title: full(share, DIGITS) }, guess, shown, bar);
}

function line({ place, read, following, cells, is_own }) {
  const head = el("th", { scope: "row" });
  if (place) head.append(el("span", { class: "position", text: place }), " ");
  head.append(bidi(read));
  if (following !== null) head.append(el("span", { class: "to", text: "→" }), bidi(following));
  return el("tr", { class: is_own ? "own" : null }, head, ...cells.map(cell));
}

function tableOf({ title, caption, heads, lines }) {
  const top = el("tr", {}, ...heads.map((text) => el("th", { scope: "col", text })));
  const table = el(
    "table",
    {},
    el("caption", {}, el("span", { text: caption })),
    el("thead", {}, top),
    el("tbody", {}, ...lines.map(line)),
  );
  return el("div", { class: "predictions", role: "region", tabindex: 0, "aria-label": title }, table);
}

function createView(root) {
  const table = el("div", { class: "held" });
  const failure = el("div", { role: "alert", hidden: true });
  root.append(table, failure);
  let told = null;
  let shown = null; // the address of what the table holds
  let running = null; // { url, controller }
  let inSight = false;

  function setState(state) {
    root.dataset.state = state;
    table.setAttribute("aria-busy", state !== "ready");
    failure.hidden = state !== "failed";
  }

  async function fetchTable() {
    if (!inSight || shown === told.url || running?.url === told.url) return;
    running?.controller.abort();
    const mine = { url: told.url, controller: new AbortController() };
    running = mine;
    setState("loading");
    try {
      const answer = await fetch(new URL(mine.url, document.baseURI), { signal: mine.controller.signal });
      if (!answer.ok) throw new Error(`${answer.status}`);
      const found = await answer.json();
      if (running !== mine) return;
      table.replaceChildren(tableOf(found));
      shown = mine.url;
      setState("ready");
    } catch {
      if (running === mine) fail();
    } finally {
      if (running === mine) running = null;
    }
  }

  function fail() {
    const { failed, retry } = told.strings;
    const again = el("button", { type: "button", class: "quiet-button", text: retry, click: fetchTable });
    table.replaceChildren();
    failure.replaceChildren(el("span", { text: failed }), again);
    setState("failed");
  }

  const observer = new IntersectionObserver(
    ([seen]) => {
      inSight = seen.isIntersecting;
      if (told) fetchTable();
    },
    { rootMargin: NEAR },
  );
  observer.observe(root);

  return {
    receive(next) {
      told = next;
      if (shown === told.url) return;
      running?.controller.abort();
      running = shown = null;
      if (!inSight || !table.childElementCount) table.replaceChildren(el("p", { text: told.strings.loading }));
      root.style.cssText = `${told.colours}; --rows: ${told.rows}`;
      setState("waiting");
      fetchTable();
    },
    destroy() {
      observer.disconnect();
      running?.controller.abort();
    },
  };
}

export default component("predictions", createView);
