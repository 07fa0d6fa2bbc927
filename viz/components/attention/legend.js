// Legend: what the colours of the map stand for, and that hatched cells are masked.
// Does not draw the map and knows no numbers.

import { el } from "./dom.js";

const drawn = new WeakMap(); // legend → what it says: for most heads of a stack the same

export function drawLegend(legend, { t, state, head, palette }) {
  const said = [t("legend"), state.scale, head.mask === null, palette];
  if (drawn.get(legend)?.every((part, i) => part === said[i])) return;
  drawn.set(legend, said);
  const stops = palette.sequential.join(",");
  const limits = { linear: ["0", "1"], log: ["≤ 0.001", "1"], row: ["0", t("legend.row_max")] }[state.scale];
  const bar = el("span", { class: "ramp", style: `background:linear-gradient(to right,${stops})` });
  legend.replaceChildren(
    el("span", { text: t("legend") }),
    el("span", {
      text: limits[0],
      class: state.scale === "log" ? "clipped" : "",
      title: state.scale === "log" ? t("legend.clipped") : null,
    }),
    bar,
    el("span", { text: limits[1] }),
  );
  if (head.mask === null) return;
  const stripes = `repeating-linear-gradient(135deg,${palette.hatch} 0 1px,${palette.hatch_ground} 1px 4px)`;
  legend.append(
    el("span", { class: "swatch", style: `background:${stripes}` }),
    el("span", { text: t("map.masked") }),
  );
}
