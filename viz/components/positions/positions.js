// Positions: one instance a page place; what is set becomes a question, its answer pictures.
// Knows Streamlit's contract (default export, called again on data and theme).
// The server computes; this file asks, as fast as it answers, and keeps the address true.

import { readPalette } from "../attention/colour.js";
import { component, el, measurePaint, segmented, tellLanguage } from "../attention/dom.js";
import { decodeFrame } from "../attention/frame.js";
import { fill, visible } from "../attention/text.js";
import { createAsking, Gone } from "./asking.js";
import { createPanels } from "./panels.js";
import { createSettings } from "./settings.js";
import { createSliders } from "./sliders.js";

const PARAMETER = "enc";
const REST_MS = 250;
const MOST_PICKED = 8; // as many as the server takes
const OF_A_MODEL = ["text", "target", "pair", "stack", "layer", "head", "row", "col", "step", "pin"];

function skeleton(root) {
  const parts = {
    found: el("div", { class: "found" }),
    tabs: el("div", { class: "bar" }),
    controls: el("div", { class: "sliders", role: "group" }),
    problems: el("div", { class: "problems", role: "alert" }),
    progress: el("div", { class: "progress", role: "progressbar", hidden: true }),
    failure: el("div", { class: "failure", role: "alert", hidden: true }),
    sections: el("div", { class: "sections" }),
  };
  root.replaceChildren(...Object.values(parts));
  return parts;
}

function createView(root) {
  const parts = skeleton(root);
  const settings = createSettings(PARAMETER);
  let header = null;
  let received = null;
  let palettes = null;
  let tabs = null;
  let answer = null; // {bytes, view, header}
  let width = 0;
  let isNew = true;
  let unknown = null; // a view that the address asks for and that there is not
  let resting = 0;

  const t = (key) => header.strings[key] ?? key;
  const base = () => new URL(header.api, document.baseURI).href;

  function question(view, file = "", only = null) {
    const asked = new URLSearchParams(settings.parameters);
    if (only) asked.set("only", only.join(","));
    for (const name of ["stack", "layer", "head"]) {
      const here = new URL(window.location.href).searchParams.get(name);
      if (here !== null && !asked.has(name)) asked.set(name, here);
    }
    asked.set("lang", header.lang);
    asked.set("ground", palettes.share.name);
    return `${base()}/${view}${file ? `/${file}.csv` : ""}?${asked}`;
  }

  const asking = createAsking(arrived, failed);
  const sliders = createSliders(parts.controls, {
    set(control, value, event) {
      const plain = Array.isArray(control.default) ? control.default.join(",") : String(control.default);
      const written = control.kind === "switch" ? (control.default ? "1" : "0") : plain;
      settings.set(control.name, value === written ? null : value);
      // While a slider is dragged, what is on the screen follows it; the rest when it rests.
      const isDragged = event?.type === "input" && answer?.view === settings.view && panels.near.length > 0;
      clearTimeout(resting);
      if (isDragged) resting = setTimeout(() => ask(), REST_MS);
      ask(event, isDragged ? panels.near : null);
    },
    reset(event) {
      settings.clear();
      ask(event);
    },
  });
  const panels = createPanels(parts.sections, {
    t,
    csv: (name) => question(settings.view, name),
    get library() {
      return new URL(header.library, document.baseURI).href;
    },
    // Another model reads other texts and has other heads.
    addressOf(parameters) {
      const url = new URL(window.location.href);
      for (const name of [...header.controls, ...OF_A_MODEL]) url.searchParams.delete(name);
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return url.search;
    },
    // A click on a column of a map: into the list of curves, or out of it.
    pick(name, column, event) {
      const now = answer.header.values[name];
      const next = now.includes(column) ? now.filter((one) => one !== column) : [...now, column].sort((a, b) => a - b);
      if (!next.length || next.length > MOST_PICKED) return;
      settings.set(name, next.join(","));
      ask(event);
    },
  });

  function setStatus(status) {
    root.dataset.state = status;
    parts.progress.hidden = status !== "loading";
    if (status !== "failed") parts.failure.hidden = true;
  }

  function ask(event = null, only = null) {
    root.dataset.view = settings.view;
    tabs.set(settings.view);
    setStatus("loading");
    asking(question(settings.view, "", only), event);
  }

  function arrived(bytes, address, event, isLatest) {
    const view = settings.view;
    if (!address.includes(`/${view}?`)) return; // another view was opened meanwhile
    const frame = decodeFrame(bytes);
    answer = { view, header: frame.header };
    // What an older wish was answered with is behind the hand: its numbers would overwrite newer ones.
    if (isLatest) sliders.draw(frame.header.controls, frame.header.values, t);
    const problems = [...(unknown ? [fill(t("no_view"), { name: unknown })] : []), ...frame.header.problems];
    parts.problems.replaceChildren(...problems.map((text) => el("p", { text: visible(text) })));
    const drawn = panels.receive(view, frame.header.sections, frame, palettes);
    drawn?.then(() => measurePaint(event));
    if (!isLatest) return;
    if (drawn) setStatus("ready");
    else ask(event); // part of a view that has other sections now
  }

  function failed(error) {
    const isGone = error instanceof Gone;
    const again = isGone ? () => window.location.reload() : () => ask();
    const button = el("button", { type: "button", class: "quiet-button", text: t(isGone ? "reload" : "retry"), click: again });
    parts.failure.replaceChildren(el("span", { text: t(isGone ? "gone" : "failed") }), button);
    parts.failure.hidden = false;
    setStatus("failed");
  }

  function build() {
    const options = header.views.map(({ name, label, is_own: isOwn }) => ({ value: name, text: isOwn ? `● ${label}` : label, help: isOwn ? header.own : null }));
    const open = (view, event) => {
      unknown = null;
      settings.open(view);
      ask(event);
    };
    tabs = segmented({ label: t("views"), options, kind: "tab", name: "enc", pick: open });
    parts.tabs.replaceChildren(tabs.element);
    parts.found.replaceChildren(...header.found.map((text) => el("p", { text: visible(text) })));
    parts.progress.setAttribute("aria-label", t("loading"));
    tellLanguage(t("lang"));
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", t("component"));
  }

  function read() {
    unknown = settings.read(header.views.map(({ name }) => name), header.opens);
  }
  const onPop = () => {
    if (!header || !root.isConnected) return;
    read();
    ask();
  };
  const observer = new ResizeObserver(() => {
    const next = Math.floor(root.clientWidth);
    if (!next || next === width) return;
    width = next;
    root.dataset.size = width < 640 ? "narrow" : "wide";
    if (answer) panels.redraw();
  });
  observer.observe(root);
  window.addEventListener("popstate", onPop);

  return {
    receive(bytes) {
      if (!bytes) return;
      if (bytes !== received) {
        ({ header } = decodeFrame(bytes));
        settings.know(header.controls);
        // What a server run makes of the address is older than what was set here since.
        if (isNew) read();
        isNew = false;
        build();
        settings.write();
      }
      received = bytes;
      const signed = Object.entries(header.theme).map(([name, own]) => [name, { ...own, sequential: own.diverging }]);
      palettes = { share: readPalette(header.theme, root), signed: readPalette(Object.fromEntries(signed), root) };
      root.dataset.ground = palettes.share.name;
      const { accent, quiet, faint, hatch, hatch_ground: ground } = palettes.share;
      for (const [name, colour] of Object.entries({ accent, quiet, faint, hatch, "hatch-ground": ground })) root.style.setProperty(`--${name}`, colour);
      ask();
    },
    destroy() {
      settings.rest();
      clearTimeout(resting);
      observer.disconnect();
      panels.destroy();
      window.removeEventListener("popstate", onPop);
    },
  };
}

export default component("positions", createView);
