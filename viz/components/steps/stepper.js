// Stepper: back, on, play and the bar with a tick for every step.
// Does not know what a step shows. Tells steps.js where to go through `actions`.

import { el } from "../attention/dom.js";
import { fill } from "../attention/text.js";
import { plainSymbol, symbolParts } from "./numerals.js";

const EVERY_MS = 2500;
const SVG = "http://www.w3.org/2000/svg";
// Drawn, for some fonts have colourful pictures in place of these signs.
const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M12 3v10L4 8z",
  play: "M4 2.5v11L13 8z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  on: "M4 3v10l8-5z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
};

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export function createStepper(pane, actions) {
  let ticks = [];
  let outline = null;
  let t = (key) => key;
  let titles = [];
  let at = 0;
  let timer = 0;
  let isPlaying = false;

  const button = (name, click) => el("button", { type: "button", class: "walk", "data-walk": name, click }, icon(name));
  const buttons = {
    first: button("first", (event) => actions.go(0, event)),
    back: button("back", (event) => actions.go(at - 1, event)),
    play: button("play", () => toggle()),
    on: button("on", (event) => actions.go(at + 1, event)),
    last: button("last", (event) => actions.go(ticks.length - 1, event)),
  };
  const track = el("div", { class: "track", role: "slider", tabindex: 0, "aria-valuemin": 1 });
  const count = el("span", { class: "count" });
  const walk = el("div", { class: "walks" }, buttons.first, buttons.back, buttons.play, buttons.on, buttons.last);
  pane.append(walk, track, count);

  function stop() {
    clearInterval(timer);
    isPlaying = false;
    mark();
  }

  // The end is the end: it does not begin anew by itself, but when it is asked to.
  function toggle() {
    if (isPlaying) {
      stop();
      return;
    }
    if (at === ticks.length - 1) actions.go(0, null);
    isPlaying = true;
    timer = setInterval(() => {
      if (!pane.isConnected) stop();
      else if (at < ticks.length - 1) actions.go(at + 1, null);
      if (at >= ticks.length - 1) stop();
    }, EVERY_MS);
    mark();
  }

  function mark() {
    if (!outline) return;
    const { play } = buttons;
    play.replaceChildren(icon(isPlaying ? "pause" : "play"));
    play.title = t(isPlaying ? "step.pause" : "step.play");
    play.setAttribute("aria-label", play.title);
    play.classList.toggle("playing", isPlaying);
    const [isFirst, isLast] = [at === 0, at === ticks.length - 1];
    for (const [name, off] of [["first", isFirst], ["back", isFirst], ["on", isLast], ["last", isLast]]) {
      buttons[name].setAttribute("aria-disabled", off);
    }
  }

  const under = (event) => {
    const box = track.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    return Math.min(ticks.length - 1, Math.max(0, Math.floor(share * ticks.length)));
  };
  track.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    track.setPointerCapture(event.pointerId);
    stop();
    actions.go(under(event), event);
  });
  track.addEventListener("pointermove", (event) => {
    const index = under(event);
    track.title = titles[index] ?? "";
    if (track.hasPointerCapture(event.pointerId) && index !== at) actions.go(index, event);
  });
  const JUMPS = { ArrowUp: 1, ArrowDown: -1, PageUp: 5, PageDown: -5 };
  track.addEventListener("keydown", (event) => {
    const jump = JUMPS[event.key];
    if (!jump || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions.go(at + jump, event);
  });

  function build({ header, stack }) {
    const sections = [];
    ticks = stack.outline.map(([section, , missing]) => {
      const tick = el("span", { class: "tick", "data-section": section, "data-missing": String(missing !== "") });
      const last = sections[sections.length - 1];
      if (last?.section === section) last.ticks.push(tick);
      else sections.push({ section, ticks: [tick] });
      return tick;
    });
    const groups = sections.map((part) =>
      el(
        "div",
        { class: "group", style: `flex: ${part.ticks.length} 1 0` },
        el("div", { class: "ticks" }, ...part.ticks),
        el("div", { class: "section-name", text: header.sections[part.section] }),
      ),
    );
    track.replaceChildren(...groups);
    track.setAttribute("aria-valuemax", ticks.length);
  }

  return {
    toggle,
    stop,
    update(scene) {
      t = scene.t;
      if (outline !== scene.stack.outline) build(scene);
      outline = scene.stack.outline;
      titles = outline.map((ref) => {
        const [title, missing] = [plainSymbol(scene.titleOf(ref)), ref[2]];
        return missing ? fill(t("step.missing"), { title, why: t(`is.${missing}`) }) : title;
      });
      at = scene.index;
      ticks.forEach((tick, i) => {
        tick.classList.toggle("now", i === at);
        tick.classList.toggle("past", i < at);
      });
      const [section] = outline[at];
      const where = [fill(t("step.count"), { n: at + 1, all: ticks.length }), scene.header.sections[section]].join(" · ");
      count.replaceChildren(where, el("b", {}, ...symbolParts(scene.titleOf(outline[at]))));
      track.setAttribute("aria-label", t("steps"));
      track.setAttribute("aria-valuenow", at + 1);
      track.setAttribute("aria-valuetext", `${titles[at]} (${where})`);
      for (const name of ["first", "back", "on", "last"]) {
        buttons[name].title = t(`step.${name}`);
        buttons[name].setAttribute("aria-label", t(`step.${name}`));
      }
      mark();
    },
    // What came says better than the outline whether there is something to show. The step that is
    // shown may be of another walk while this one's is on its way.
    correct(index, isMissing) {
      if (index >= 0) ticks[index].dataset.missing = String(isMissing);
    },
    destroy: () => clearInterval(timer),
  };
}
