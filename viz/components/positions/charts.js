// Charts: one of plotly's pictures in its frame.
// Does not know what it shows: traces and layout come as plotly wants them, but for their numbers.

import { el } from "../attention/dom.js";
import { fill } from "../attention/text.js";
import { copyStyles, plotly } from "./drawing.js";
import { exportMenu, save } from "./files.js";

const CONFIG = { displayModeBar: false, responsive: false, showTips: false };
const EXPORTED = { width: 900, height: 480 };

// The numbers stand in the body of the frame: [offset, how many].
function withNumbers(trace, body) {
  const filled = { ...trace };
  for (const name of ["x", "y"]) {
    if (trace[name]) filled[name] = body.f32(...trace[name]);
    else delete filled[name];
  }
  return filled;
}

export function createChart(panel, { t, csv, library }) {
  const picture = el("div", { class: "plot", role: "img" });
  const failure = el("p", { class: "about", role: "alert", hidden: true });
  const about = el("p", { class: "about" });
  let now = panel;
  let data = [];
  let ground = "#ffffff";

  async function file(format) {
    const Plotly = await plotly(library);
    const layout = { ...now.layout, ...EXPORTED, title: { text: now.title, font: { size: 15 } }, paper_bgcolor: ground };
    layout.margin = { ...now.layout.margin, t: 70 };
    const url = await Plotly.toImage({ data, layout }, { format, scale: format === "png" ? 2 : 1, ...EXPORTED });
    save(await (await fetch(url)).blob(), `headlight-${now.name}.${format}`);
  }

  const menu = exportMenu([["csv", csv(panel.name)], ["png", () => file("png")], ["svg", () => file("svg")]], t);
  const heading = el("h3");
  const element = el("figure", { class: "panel chart", "data-panel": panel.name }, el("div", { class: "panel-head" }, heading, menu), picture, failure, about);

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
        const layout = { ...now.layout, dragmode, width: picture.clientWidth };
        await Plotly.react(picture, data, layout, CONFIG);
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
