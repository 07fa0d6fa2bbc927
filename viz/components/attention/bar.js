// Bar: the one row of controls above the pictures, and the header line in it.
// Does not draw pictures; tells main.js what was asked for through `actions`.
// Rebuilt only when its texts change, so keyboard focus stays where it is.

import { el, foldingMenu, segmented } from "./dom.js";

const EXPORTS = ["csv", "npz", "png", "svg"];

function exportMenu(t, actions) {
  const links = EXPORTS.map((kind) =>
    el("a", {
      role: "menuitem",
      "data-export": kind,
      href: "#",
      text: t(`export.${kind}`),
      click: (event) => {
        if (kind === "png" || kind === "svg") {
          event.preventDefault();
          actions.exportPicture(kind);
        }
        menu.open = false;
      },
    }),
  );
  const note = el("p", { class: "hint", text: t("export.large") });
  const menu = foldingMenu(t("export"), el("div", { class: "sheet" }, el("div", { role: "menu" }, ...links), note));
  return { menu, links, note };
}

// tabs and tools are the two ends of the bar; the header line stands between them.
export function createBar(tabs, tools, actions) {
  let built = "";
  let parts = null;

  function build(scene) {
    const { t, header } = scene;
    const stacks = segmented({
      label: t("stack"),
      kind: "tab",
      name: "stack-tab",
      options: header.stacks.map((s, i) => ({ value: i, text: s.title })),
      pick: (value, event) => actions.chooseStack(value, event),
    });
    const view = segmented({
      label: t("view"),
      name: "view",
      options: ["map", "lines", "both"].map((v) => ({ value: v, text: t(`view.${v}`) })),
      pick: (value) => actions.setView(value),
    });
    const scale = segmented({
      label: t("colour"),
      name: "scale",
      options: ["linear", "log", "row"].map((v) => ({ value: v, text: t(`colour.${v}`), help: t(`colour.${v}.help`) })),
      pick: (value) => actions.setScale(value),
    });
    const { menu, links, note } = exportMenu(t, actions);
    const group = (label, control) =>
      el("div", { class: "control" }, el("span", { class: "label", text: label }), control.element);
    const controls = el("div", { class: "controls" }, group(t("view"), view), group(t("colour"), scale), menu);
    tabs.replaceChildren(stacks.element);
    tools.replaceChildren(controls);
    tabs.hidden = header.stacks.length < 2;
    return { stacks, view, scale, menu, links, note };
  }

  const outside = (event) => {
    if (parts?.menu.open && !event.composedPath().includes(parts.menu)) parts.menu.open = false;
  };
  document.addEventListener("pointerdown", outside);

  return {
    update(scene) {
      const key = JSON.stringify([scene.header.strings, scene.header.stacks.map((s) => s.title)]);
      if (key !== built) parts = build(scene);
      built = key;
      const { state } = scene;
      parts.stacks.set(state.stack);
      parts.view.set(state.view);
      parts.scale.set(state.scale);
      // A map that is too large to be held is kept as what it follows from, or as a picture.
      const large = Boolean(scene.stack.levels);
      parts.note.hidden = !large;
      for (const link of parts.links) {
        const kind = link.dataset.export;
        link.hidden = large && (kind === "csv" || kind === "svg");
        if (kind !== "csv" && kind !== "npz") continue;
        link.href = scene.exportUrl(`.${kind}`);
        link.setAttribute("download", `${scene.fileName}.${kind}`);
      }
    },
    destroy: () => document.removeEventListener("pointerdown", outside),
  };
}
