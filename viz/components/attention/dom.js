// Elements: small helpers to build the chrome.
// Does not know attention; knows no colours (those are in the style sheet).
// Text goes in through textContent only, for tokens are strangers' text.

import { isProjected } from "./screen.js";

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

// Arrow keys walk a list of buttons of which one at a time is in the tab order.
function walk(event, buttons) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const now = buttons.indexOf(event.target);
  let next = null;
  if (step) next = (now + step + buttons.length) % buttons.length;
  else if (event.key === "Home") next = 0;
  else if (event.key === "End") next = buttons.length - 1;
  if (next === null || now < 0) return;
  event.preventDefault();
  buttons[next].focus();
  buttons[next].click();
}

// One choice out of few. kind: "radio" (looks) or "tab" (the thing shown).
export function segmented({ label, options, kind = "radio", name, pick }) {
  const buttons = options.map(({ value, text, help }) =>
    el("button", {
      type: "button",
      role: kind,
      class: "segment",
      "data-value": value,
      [`data-${name}`]: value,
      title: help,
      text,
      click: (event) => pick(value, event),
    }),
  );
  const group = el(
    "div",
    { role: kind === "tab" ? "tablist" : "radiogroup", "aria-label": label, class: `segments ${kind}s` },
    ...buttons,
  );
  group.addEventListener("keydown", (event) => walk(event, buttons));
  return {
    element: group,
    set(value) {
      for (const button of buttons) {
        const on = button.dataset.value === String(value);
        button.setAttribute(kind === "tab" ? "aria-selected" : "aria-checked", on);
        button.tabIndex = on ? 0 : -1;
      }
    },
  };
}

// A canvas of a size in CSS pixels, sharp on dense screens. Resizing clears it, so only on change.
export function sizeCanvas(canvas, width, height, ratio) {
  const w = Math.max(1, Math.round(width * ratio));
  const h = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

// A menu that folds: Escape closes it, and so does leaving it.
export function foldingMenu(said, sheet) {
  const menu = el("details", { class: "menu" }, el("summary", { text: said }), sheet);
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  return menu;
}

// What may wait until the next frame has been made.
export function afterFrame(work) {
  requestAnimationFrame(() => setTimeout(work));
}

// The language of the page, for screen readers and for the shapes of Han characters. Told again,
// even the same, it would have every element's style found anew: 20 ms of a click.
export function tellLanguage(language) {
  if (document.documentElement.lang !== language) document.documentElement.lang = language;
}

// How long it took from an event until it was drawn, for benchmarks.
export function measurePaint(event) {
  if (!event) return;
  const start = event.timeStamp;
  performance.measure("headlight:paint", { start, end: performance.now() });
  // Up to the next frame the browser has rasterised it, too.
  afterFrame(() => performance.measure("headlight:frame", { start, end: performance.now() }));
}

// The function that Streamlit calls, again for new data and for another theme: one view a place in
// the page, which receives the data, again when the look has changed, and is destroyed with its place.
export function component(name, createView) {
  const places = new WeakMap();
  return ({ parentElement, data }) => {
    let place = places.get(parentElement);
    if (!place) {
      let root = parentElement.querySelector("[data-headlight]");
      if (!root) {
        root = el("div", { "data-headlight": name });
        parentElement.append(root);
      }
      place = { view: createView(root), turn: 0, data: null };
      const made = place;
      made.show = () => {
        root.toggleAttribute("data-projector", isProjected());
        made.view.receive(made.data);
      };
      window.addEventListener("headlight:look", made.show);
      places.set(parentElement, place);
    }
    const turn = (place.turn += 1);
    place.data = Array.isArray(data) ? data[0] : data; // an object comes in a list, see modules.py
    place.show();
    // Streamlit also cleans up after a call that a newer one overtook: only the latest may destroy.
    return () =>
      setTimeout(() => {
        if (place.turn !== turn) return;
        window.removeEventListener("headlight:look", place.show);
        place.view.destroy();
        places.delete(parentElement);
      });
  };
}
