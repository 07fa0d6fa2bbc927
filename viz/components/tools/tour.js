// Tour: a card that walks from place to place, and a ring around the place it is at.
// Does not know what is shown there. A place that is not on the page is passed by.
// Both lie in the browser's top layer, so nothing of the page can cover them.

import { el } from "../attention/dom.js";
import { enlargement } from "../attention/screen.js";
import { fill } from "../attention/text.js";

const GAP = 12;
const MARGIN = 6;

// "a >>> b": b inside of the shadow of a.
function find(place) {
  let found = document;
  for (const part of place.split(" >>> ")) {
    const inside = found instanceof Document ? found : (found.shadowRoot ?? shadowAbove(found) ?? found);
    found = found instanceof Document ? deep(document, part) : inside.querySelector(part);
    if (!found) return null;
  }
  const { width, height } = found.getBoundingClientRect();
  return width && height ? found : null;
}

const shadowAbove = (node) => (node.getRootNode() instanceof ShadowRoot ? node : null);

// A component's own element lies in a shadow root of Streamlit's.
function deep(root, selector) {
  const found = root.querySelector(selector);
  if (found) return found;
  for (const host of root.querySelectorAll(".stBidiComponent, .stBidiComponent *")) {
    const inside = host.shadowRoot && deep(host.shadowRoot, selector);
    if (inside) return inside;
  }
  return null;
}

export function createTour(root) {
  let data = null;
  let at = -1; // −1: no tour
  let stops = [];
  let target = null;
  let frame = 0;
  let before = null; // what had the focus

  const t = (key) => data.strings[key] ?? key;
  const start = el("button", { type: "button", class: "start", click: () => begin() });
  const ring = el("div", { class: "ring" });
  const title = el("strong", { id: "title" });
  const text = el("p", { id: "text" });
  const count = el("span", { class: "count" });
  const skip = el("button", { type: "button", "data-tour": "skip", click: () => end() });
  const back = el("button", { type: "button", "data-tour": "back", click: () => go(-1) });
  const on = el("button", { type: "button", class: "on", "data-tour": "on", click: () => go(1) });
  const card = el(
    "div",
    { class: "card", role: "dialog", "aria-labelledby": "title", "aria-describedby": "text" },
    title,
    text,
    el("div", { class: "buttons" }, skip, count, back, on),
  );
  const layer = el("div", { class: "layer", popover: "manual" }, ring, card);
  root.replaceChildren(start, layer);

  function begin() {
    stops = data.stops.filter(({ place }) => find(place));
    if (!stops.length) return;
    before = root.getRootNode().activeElement;
    at = 0;
    layer.showPopover();
    show();
    follow();
  }

  function end() {
    if (at < 0) return;
    at = -1;
    target = null;
    cancelAnimationFrame(frame);
    layer.hidePopover();
    (before ?? start).focus();
  }

  function go(by) {
    const next = at + by;
    if (next >= stops.length) end();
    else if (next >= 0) {
      at = next;
      show();
    }
  }

  function show() {
    target = find(stops[at].place);
    if (!target) {
      stops.splice(at, 1);
      if (at >= stops.length) end();
      else show();
      return;
    }
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const { height } = target.getBoundingClientRect();
    target.scrollIntoView({ block: height > window.innerHeight / 2 ? "start" : "center", inline: "nearest", behavior: calm ? "auto" : "smooth" });
    title.textContent = stops[at].title;
    text.textContent = stops[at].text;
    count.textContent = fill(t("count"), { n: at + 1, all: stops.length });
    back.disabled = at === 0;
    on.textContent = t(at === stops.length - 1 ? "end" : "on");
    root.dataset.stop = String(at);
    on.focus({ preventScroll: true });
  }

  // The page scrolls and grows under the tour: the ring stays where its place is.
  function follow() {
    if (at < 0) return;
    if (target && !target.isConnected) target = find(stops[at].place);
    if (target) {
      const box = target.getBoundingClientRect();
      const larger = enlargement(layer);
      const [wide, tall] = [window.innerWidth / larger, window.innerHeight / larger];
      const left = Math.max(2, box.left / larger - MARGIN);
      const top = Math.max(2, box.top / larger - MARGIN);
      const right = Math.min(wide - 2, box.right / larger + MARGIN);
      const bottom = Math.min(tall - 2, box.bottom / larger + MARGIN);
      Object.assign(ring.style, { left: `${left}px`, top: `${top}px`, width: `${Math.max(0, right - left)}px`, height: `${Math.max(0, bottom - top)}px` });
      const { offsetWidth: w, offsetHeight: h } = card;
      const below = bottom + GAP + h < tall;
      const above = top - GAP - h > 0;
      const y = below ? bottom + GAP : above ? top - GAP - h : tall - h - GAP;
      const x = Math.min(wide - w - GAP, Math.max(GAP, left));
      Object.assign(card.style, { left: `${x}px`, top: `${y}px` });
    }
    frame = requestAnimationFrame(follow);
  }

  function onKey(event) {
    if (at < 0) return;
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") end();
    else if (by) go(by);
    else if (event.key !== "Tab") return;
    else {
      // Focus stays in the card: what lies under it cannot be reached.
      const buttons = [skip, back, on].filter((button) => !button.disabled);
      const now = buttons.indexOf(root.getRootNode().activeElement);
      buttons[(now + (event.shiftKey ? -1 : 1) + buttons.length) % buttons.length].focus();
    }
    event.preventDefault();
    event.stopPropagation();
  }
  document.addEventListener("keydown", onKey, true);

  return {
    receive(received) {
      data = received;
      start.textContent = t("tour");
      start.title = t("tour.help");
      skip.textContent = t("skip");
      back.textContent = t("back");
      if (at >= 0) end();
    },
    destroy() {
      end();
      document.removeEventListener("keydown", onKey, true);
    },
  };
}
