// Panels: the sections of a view with their words, formulas and pictures.
// Does not know what they show. What is not on the screen is drawn once it gets there.
// Formulas are MathML that the server made of constants; it is parsed as XML, never as markup.

import { el } from "../attention/dom.js";
import { fill, visible } from "../attention/text.js";
import { createChart } from "./charts.js";
import { createMap } from "./maps.js";

const NEAR = "300px";
const WIDE_FROM = 6; // columns of a table that takes a row of its own

function formula(markup) {
  const parsed = new DOMParser().parseFromString(markup, "application/xml").documentElement;
  // Fonts for Chinese have no brackets that grow.
  return el("div", { class: "formula", lang: "en" }, document.importNode(parsed, true));
}

function createTable(panel) {
  const element = el("figure", { class: "panel table", "data-panel": panel.name });
  return {
    element,
    receive(next) {
      element.classList.toggle("wide", next.header.length > WIDE_FROM);
      const head = el("tr", {}, ...next.header.map((text) => el("th", { scope: "col", text: visibleOr(text) })));
      const rows = next.rows.map((row) =>
        el("tr", {}, ...row.map((text, at) => el(at ? "td" : "th", { ...(at ? {} : { scope: "row" }), text: visibleOr(text) }))),
      );
      const table = el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows));
      const title = next.title ? [el("h3", { text: next.title })] : [];
      const about = next.about ? [el("p", { class: "about", text: next.about })] : [];
      element.replaceChildren(...title, el("div", { class: "scrolls", tabindex: 0, role: "group", "aria-label": next.title || next.header.join(", ") }, table), ...about);
    },
    draw() {},
    destroy() {},
  };
}

const visibleOr = (text) => (text === "" ? "" : visible(text));
const PANEL_MAKERS = { chart: createChart, map: createMap, table: createTable };

export function createPanels(root, tools) {
  let made = [];
  let drawn = "";
  let shown = { view: "", sections: [] };
  let waiting = new Set();
  const near = new Set();

  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const panel = made.find((one) => one.element === entry.target);
        if (!panel) continue;
        if (entry.isIntersecting) near.add(panel);
        else near.delete(panel);
      }
      flush();
    },
    { rootMargin: NEAR },
  );

  function flush() {
    const due = [...waiting].filter((panel) => near.has(panel));
    for (const panel of due) waiting.delete(panel);
    return Promise.all(due.map((panel) => panel.draw()));
  }

  function clear() {
    for (const panel of made) panel.destroy();
    observer.disconnect();
    near.clear();
    waiting.clear();
    made = [];
  }

  function words(section) {
    const parts = section.text.map((text) => el("p", { text: visible(text) }));
    if (section.formulas.length) parts.push(el("div", { class: "formulas", tabindex: 0, role: "group", "aria-label": tools.t("formula") }, ...section.formulas.map(formula)));
    if (section.source) parts.push(el("p", { class: "source", text: fill(tools.t("source"), { source: section.source }) }));
    for (const { said, parameters } of section.links)
      parts.push(el("p", {}, el("a", { href: tools.addressOf(parameters), target: "_self", text: said })));
    return parts;
  }

  function build(sections) {
    clear();
    const nodes = sections.map((section) => {
      const own = section.panels.map((panel) => PANEL_MAKERS[panel.kind](panel, tools));
      made.push(...own);
      const pictures = el("div", { class: "pictures" }, ...own.map((panel) => panel.element));
      return el("section", {}, el("h2", { text: section.title }), el("div", { class: "words" }), pictures);
    });
    root.replaceChildren(...nodes);
    for (const panel of made) observer.observe(panel.element);
  }

  return {
    // A section that was not asked for is null: it keeps what it shows.
    receive(view, answered, body, palettes) {
      const isPart = answered.includes(null);
      if (isPart && (view !== shown.view || answered.length !== shown.sections.length)) return null;
      const sections = answered.map((section, at) => section ?? shown.sections[at]);
      shown = { view, sections };
      const shape = JSON.stringify([view, tools.t("lang"), sections.map(({ title, panels }) => [title, panels.map(({ kind, name }) => [kind, name])])]);
      if (shape !== drawn) {
        build(sections);
        if (isPart) return null;
      }
      drawn = shape;
      let at = 0;
      for (const [number, section] of answered.entries()) {
        for (const panel of sections[number].panels) {
          if (section) {
            made[at].receive(panel, body, palettes.share, palettes);
            waiting.add(made[at]);
          }
          at += 1;
        }
        if (section) root.children[number].querySelector(".words").replaceChildren(...words(section));
      }
      return flush();
    },
    // The numbers of the sections that are on the screen, or close to it.
    get near() {
      const numbers = [...near].map((panel) => [...root.children].findIndex((node) => node.contains(panel.element)));
      return [...new Set(numbers)].sort((a, b) => a - b);
    },
    redraw() {
      waiting = new Set(made);
      flush();
    },
    destroy: clear,
  };
}
