// Charts: one of plotly's pictures in its frame.
// Does not know what it shows: traces and layout come as plotly wants them, but for their numbers.

import { el } from "../attention/dom.js";
import { save } from "../attention/saving.js";
import { enlargement } from "../attention/screen.js";
import { fill } from "../attention/text.js";
import { copyStyles, plotly } from "./drawing.js";
import { exportMenu } from "./files.js";

const CONFIG = { displayModeBar: false, responsive: false, showTips: false };
const EXPORTED = { width: 900, height: 480 };
// About what the name of a line takes in a legend, CSS pixels.
const [LETTER, KEY, ROW] = [6.2, 44, 19];
const GROWS = new Set(["size", "height", "standoff"]);

// The numbers stand in the body of the frame: [offset, how many].
function withNumbers(trace, body) {
  const filled = { ...trace };
  for (const name of ["x", "y"]) {
    if (trace[name]) filled[name] = body.f32(...trace[name]);
    else delete filled[name];
  }
  return filled;
}

// Letters, margins and height of a layout, and of all that is in it, `by` times as large.
function enlarged(layout, by) {
  if (by === 1) return layout;
  const grown = (value, name) => {
    if (Array.isArray(value)) return value.map((one) => grown(one, ""));
    if (value === null || typeof value !== "object") return GROWS.has(name) ? value * by : value;
    return Object.fromEntries(Object.entries(value).map(([inner, one]) => [inner, name === "margin" ? one * by : grown(one, inner)]));
  };
  return grown(layout, "");
}

export function createChart(panel, { t, csv, library }) {
  const picture = el("div", { class: "plot", role: "img" });
  const failure = el("p", { class: "about", role: "alert", hidden: true });
  const about = el("p", { class: "about" });
  let now = panel;
  let data = [];
  let ground = "#ffffff";
  let drawn = null; // what plotly has on the screen: {layout, data, width}

  async function file(format) {
    const Plotly = await plotly(library);
    const title = { text: now.title, font: { size: 15 }, y: 0.97, yanchor: "top" };
    const layout = { ...now.layout, ...EXPORTED, title, paper_bgcolor: ground };
    // Names of lines stand below, where they can take as many rows as they need.
    layout.margin = { ...now.layout.margin, t: 50, b: 60 };
    layout.legend = { ...now.layout.legend, y: -0.16, yanchor: "top" };
    const url = await Plotly.toImage({ data, layout }, { format, scale: format === "png" ? 2 : 1, ...EXPORTED });
    save(await (await fetch(url)).blob(), `headlight-${now.name}.${format}`);
  }

  const menu = exportMenu([["csv", csv(panel.name)], ["png", () => file("png")], ["svg", () => file("svg")]], t);
  const heading = el("h3");
  const element = el("figure", { class: "panel chart", "data-panel": panel.name }, el("div", { class: "panel-head" }, heading, menu), picture, failure, about);

  // As tall as the rows of names need: they would take their room from the curves.
  function layoutFor(width, larger) {
    const layout = enlarged(now.layout, larger);
    if (!layout.showlegend) return { ...layout, width };
    const names = data.reduce((sum, { name }) => sum + name.length * LETTER + KEY, 0) * larger;
    const rows = Math.max(1, Math.ceil(names / Math.max(120, width - layout.margin.l - layout.margin.r)));
    const more = (rows - 1) * ROW * larger;
    return { ...layout, width, height: layout.height + more, margin: { ...layout.margin, t: layout.margin.t + ROW * larger + more } };
  }

  const same = (a, b) => a === b || (a?.length === b?.length && a.every((value, at) => Object.is(value, b[at])));
  function isDrawn(next, traces, width) {
    return (
      drawn !== null && drawn.width === width && drawn.data.length === traces.length &&
      JSON.stringify(drawn.layout) === JSON.stringify(next.layout) &&
      traces.every((trace, at) => {
        const before = drawn.data[at];
        const rest = (one) => JSON.stringify({ ...one, x: 0, y: 0 });
        return rest(trace) === rest(before) && same(trace.x, before.x) && same(trace.y, before.y);
      })
    );
  }

  return {
    element,
    // Kept until it is looked at.
    receive(next, body, palette) {
      now = next;
      ground = palette.ground;
      data = next.data.map((trace) => withNumbers(trace, body));
      heading.textContent = next.title;
      about.textContent = next.about;
      about.hidden = !next.about;
      menu.csv = csv(next.name);
      picture.style.minHeight = `${next.layout.height}px`;
      picture.setAttribute("aria-label", fill(t("chart.aria"), { title: next.title, x: next.layout.xaxis.title.text }));
    },
    async draw() {
      const mine = data;
      try {
        const Plotly = await plotly(library);
        copyStyles(picture);
        // A newer answer came while the script was on its way; it draws itself.
        if (mine !== data || !picture.isConnected) return;
        const dragmode = window.matchMedia("(pointer: fine)").matches ? "zoom" : false;
        // Plotly takes places on the screen for places in its picture: what is enlarged is its
        // layout, and the picture is made smaller again by as much.
        const larger = enlargement(element);
        picture.style.zoom = String(1 / larger);
        const width = picture.clientWidth;
        // A chart that another setting does not concern stays as it is, and as it was zoomed.
        if (!isDrawn(now, mine, width)) await Plotly.react(picture, mine, { ...layoutFor(width, larger), dragmode }, CONFIG);
        drawn = { layout: now.layout, data: mine, width };
        copyStyles(picture);
        failure.hidden = true;
        element.dataset.drawn = String(Number(element.dataset.drawn ?? 0) + 1);
      } catch {
        failure.textContent = t("chart.failed");
        failure.hidden = false;
      }
    },
    destroy() {
      window.Plotly?.purge(picture);
    },
  };
}
