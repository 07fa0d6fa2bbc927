// Sliders: the controls of a view: a slider with its number, a list of numbers, a choice, a switch.
// Does not know what they are for; tells `set` what was asked, as a text.
// Rebuilt only when a view has other controls, so the one that is held stays held.

import { el, segmented } from "../attention/dom.js";

const LOG_STEPS = 400;

function toSlider(control, value) {
  if (!control.log) return value;
  return (Math.log(value / control.low) / Math.log(control.high / control.low)) * LOG_STEPS;
}

function fromSlider(control, at) {
  if (!control.log) return at;
  const value = control.low * (control.high / control.low) ** (at / LOG_STEPS);
  return Number(value.toPrecision(3));
}

// A number box holds what is typed until it is left: "1" on the way to "128" is no mistake.
function numberControl(control, set) {
  const slider = el("input", {
    type: "range",
    class: "slider",
    min: control.log ? 0 : control.low,
    max: control.log ? LOG_STEPS : control.high,
    step: control.log || control.whole ? 1 : "any",
    "aria-label": control.label,
    "data-slider": control.name,
    input: (event) => {
      const value = fromSlider(control, event.target.valueAsNumber);
      box.value = value;
      set(String(value), event);
    },
  });
  const box = el("input", {
    type: "text",
    inputmode: "decimal",
    class: "number",
    "aria-label": control.label,
    "data-number": control.name,
    change: (event) => set(event.target.value, event),
  });
  return {
    nodes: [slider, box],
    write(value) {
      const root = box.getRootNode();
      if (root.activeElement !== slider) slider.value = toSlider(control, value);
      box.value = value;
    },
  };
}

function listControl(control, set, t) {
  const box = el("input", {
    type: "text",
    class: "list",
    title: control.help || t("list.help"),
    "aria-label": control.label,
    "data-list": control.name,
    change: (event) => set(event.target.value, event),
  });
  return { nodes: [box], write: (value) => (box.value = value.join(", ")) };
}

function choiceControl(control, set) {
  if (control.options.length > 6) {
    const options = control.options.map(({ value, text }) => el("option", { value, text }));
    const box = el(
      "select",
      { "aria-label": control.label, "data-choice": control.name, change: (event) => set(event.target.value, event) },
      ...options,
    );
    return { nodes: [box], write: (value) => (box.value = value) };
  }
  const choice = segmented({ label: control.label, name: `choice-${control.name}`, options: control.options, pick: set });
  return { nodes: [choice.element], write: choice.set };
}

function switchControl(control, set) {
  const box = el("input", {
    type: "checkbox",
    "data-switch": control.name,
    "aria-label": control.label,
    change: (event) => set(event.target.checked ? "1" : "0", event),
  });
  return { nodes: [box], write: (value) => (box.checked = value) };
}

const CONTROL_MAKERS = { number: numberControl, numbers: listControl, choice: choiceControl, switch: switchControl };

export function createSliders(root, actions) {
  let made = new Map();
  let drawn = "";

  function build(controls, t) {
    made = new Map();
    const nodes = controls.map((control) => {
      const set = (value, event) => actions.set(control, value, event);
      const one = CONTROL_MAKERS[control.kind](control, set, t);
      made.set(control.name, one);
      const label = el("span", { class: "label", text: control.label });
      const order = control.kind === "switch" ? [...one.nodes, label] : [label, ...one.nodes];
      const tag = control.kind === "switch" ? "label" : "div";
      return el(tag, { class: `control of-${control.kind}`, title: control.help || null }, ...order);
    });
    const reset = el("button", { type: "button", class: "quiet-button", "data-do": "reset", title: t("reset.help"), text: t("reset"), click: actions.reset });
    root.replaceChildren(...nodes, ...(nodes.length ? [reset] : []));
    root.setAttribute("aria-label", t("controls"));
  }

  return {
    draw(controls, values, t) {
      const said = JSON.stringify(controls);
      if (said !== drawn) build(controls, t);
      drawn = said;
      for (const [name, one] of made) one.write(values[name]);
    },
  };
}
