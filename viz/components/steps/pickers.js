// Pickers: where to look (stack, layer, head, query, key), how many digits, and the exports.
// Does not draw matrices; tells steps.js what was chosen through `actions`.
// Rebuilt only when there is something else to choose from, so keyboard focus stays where it is.

import { el, foldingMenu, segmented } from "../attention/dom.js";
import { fill } from "../attention/text.js";

const MOST_TOKENS = 200;
const MARGIN = 20; // the window of tokens moves before its end is reached

function exportMenu(t) {
  const close = () => (menu.open = false);
  const link = (kind) =>
    el("a", { role: "menuitem", "data-export": kind, href: "#", text: t(`export.${kind}`), click: close });
  const links = [link("csv"), link("py")];
  const menu = foldingMenu(t("export"), el("div", { class: "menu-sheet", role: "menu" }, ...links));
  return { menu, links };
}

function dropdown(label, name, pick) {
  const select = el("select", { "data-pick": name, change: (event) => pick(Number(select.value), event) });
  const element = el("label", { class: "control" }, el("span", { class: "label", text: label }), select);
  return {
    element,
    set(values, letter, value) {
      const key = values.join();
      if (select.dataset.values !== key) {
        select.replaceChildren(...values.map((n) => el("option", { value: n, text: `${letter}${n}` })));
        select.dataset.values = key;
      }
      select.value = String(value);
    },
  };
}

function tipOf(token, t) {
  const tip = fill(t("token.tip"), { text: token.shown, position: token.position });
  return token.kind ? `${tip} · ${t(`token.${token.kind}`)}` : tip;
}

// One line of tokens to choose from; of a long text, those around the chosen one.
function strip(label, name, t, pick) {
  const line = el("div", { class: "line" });
  const said = el("span", { class: "label around" });
  const named = el("span", { class: "label", text: label });
  const element = el("div", { class: `strip ${name}`, "data-strip": name }, named, line, said);
  let shown = null; // { tokens, from, to, choice }

  function build(tokens, from, to) {
    const hadFocus = line.matches(":focus-within");
    const option = (token) => ({ value: token.position, text: token.shown, help: tipOf(token, t) });
    const options = tokens.slice(from, to).map(option);
    const choice = segmented({ label, options, name, pick });
    tokens.slice(from, to).forEach((token, i) => {
      const button = choice.element.children[i];
      button.setAttribute("dir", "auto");
      if (token.kind) button.classList.add(token.kind);
    });
    line.replaceChildren(choice.element);
    const isAll = to - from === tokens.length;
    said.textContent = isAll ? "" : fill(t("tokens.around"), { from, to: to - 1, n: tokens.length });
    shown = { tokens, from, to, choice, hadFocus };
  }

  return {
    element,
    set(tokens, value, isAuto) {
      const low = !shown || shown.from === 0 ? 0 : shown.from + MARGIN;
      const high = !shown || shown.to === tokens.length ? tokens.length : shown.to - MARGIN;
      if (shown?.tokens !== tokens || value < low || value >= high) {
        const from = Math.max(0, Math.min(tokens.length - MOST_TOKENS, value - MOST_TOKENS / 2));
        build(tokens, from, Math.min(tokens.length, from + MOST_TOKENS));
      }
      shown.choice.set(value);
      element.classList.toggle("auto", isAuto);
      const button = shown.choice.element.children[value - shown.from];
      if (!button) return;
      if (shown.hadFocus) button.focus({ preventScroll: true });
      shown.hadFocus = false;
      // scrollIntoView would scroll the page, too.
      const { offsetLeft: left, offsetWidth: width } = button;
      if (left < line.scrollLeft) line.scrollLeft = left - 20;
      else if (left + width > line.scrollLeft + line.clientWidth) line.scrollLeft = left + width - line.clientWidth + 20;
    },
  };
}

export function createPickers(bar, lines, actions) {
  let built = "";
  let parts = null;

  function build({ header, t }) {
    const stacks = segmented({
      label: t("stack"),
      kind: "tab",
      name: "stack-tab",
      options: header.stacks.map((s, i) => ({ value: i, text: s.title })),
      pick: (value, event) => actions.chooseStack(value, event),
    });
    const layer = dropdown(t("layer"), "layer", actions.chooseLayer);
    const head = dropdown(t("head"), "head", actions.chooseHead);
    const digits = segmented({
      label: t("digits"),
      name: "digits",
      options: ["2", "4", "full"].map((v) => ({ value: v, text: v === "full" ? t("digits.full") : v, help: t("digits.help") })),
      pick: (value) => actions.setDigits(value),
    });
    const { menu, links } = exportMenu(t);
    const query = strip(t("query"), "query", t, actions.chooseQuery);
    const key = strip(t("key"), "key", t, actions.chooseKey);
    const shown = el("div", { class: "control" }, el("span", { class: "label", text: t("digits") }), digits.element);
    const tabs = el("div", { class: "tabs", hidden: header.stacks.length < 2 }, stacks.element);
    bar.replaceChildren(tabs, layer.element, head.element, el("div", { class: "controls" }, shown, menu));
    lines.replaceChildren(query.element, key.element);
    return { stacks, layer, head, digits, menu, links, query, key };
  }

  const outside = (event) => {
    if (parts?.menu.open && !event.composedPath().includes(parts.menu)) parts.menu.open = false;
  };
  document.addEventListener("pointerdown", outside);

  return {
    // key: the chosen one, or the settled one with the largest share, or null while it is unknown
    update(scene) {
      const { header, state, stack, key } = scene;
      const said = JSON.stringify([header.strings, header.stacks.map((s) => s.title)]);
      if (said !== built) parts = build(scene);
      built = said;
      const at = stack.layers.indexOf(state.layer);
      parts.stacks.set(state.stack);
      parts.layer.set(stack.layers, "L", state.layer);
      parts.head.set([...Array(stack.heads[at]).keys()], "H", state.head);
      parts.digits.set(state.digits);
      parts.query.set(header.tokens[stack.queries], state.query, false);
      parts.key.set(header.tokens[stack.keys], key ?? 0, state.key === null);
      for (const link of parts.links) {
        link.href = scene.exportUrl(link.dataset.export);
        link.setAttribute("download", "");
      }
    },
    destroy: () => document.removeEventListener("pointerdown", outside),
  };
}
