// Files: the example as a NumPy script and as CSV, for the clipboard and for keeping.
// Does not draw. Numbers are written so that reading them gives the same double.

import { fill } from "../attention/text.js";
import { INPUTS } from "./example.js";
import { RESULTS } from "./attend.js";

function list(rows) {
  const lines = rows.map((row) => `[${row.join(", ")}]`);
  return lines.length === 1 ? `[${lines[0]}]` : `[\n    ${lines.join(",\n    ")},\n]`;
}

export function asScript(script, worked, causal) {
  const matrices = INPUTS.map((name) => [name, list(worked[name])]);
  return fill(script, { ...Object.fromEntries(matrices), causal: causal ? "True" : "False" });
}

// One number a line: matrix, row, column (counted from 0), value.
export function asCsv(worked) {
  const cells = [...INPUTS, ...RESULTS].flatMap((name) =>
    worked[name].flatMap((row, i) => row.map((value, j) => `${name},${i},${j},${value === -Infinity ? "-inf" : value}`)),
  );
  return ["matrix,row,column,value", ...cells, ""].join("\r\n");
}

// Without https a browser offers no clipboard, but most still copy what is selected.
function copySelected(text) {
  const box = document.createElement("textarea");
  box.value = text;
  box.style.position = "fixed";
  box.style.opacity = "0";
  document.body.append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  return copied;
}

// Whether it could be copied.
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}
