// Links: which parts of the operands made a cell of the result, by the rule of the step.
// Does not compute and does not draw.
// A part is { row, cols }: null stands for all rows, or for all columns.

const SAME_CELL = new Set(["add", "scale", "softcap", "mask", "relu", "gelu"]);

// The head of a column of z, and its column there: heads stand side by side.
export function headOf(step, col) {
  const d = step.numbers.d;
  const head = Math.floor(col / d);
  return { letter: `z${head}`, head, col: col - head * d };
}

export function linked(step, row, col) {
  const cell = { row, cols: [col] };
  const first = { row, cols: [0] };
  const { rule } = step;
  if (SAME_CELL.has(rule)) return { A: cell, B: cell, visible: cell };
  if (rule === "matmul") return { A: { row, cols: null }, B: { row: null, cols: [col] }, b: { row: 0, cols: [col] } };
  if (rule === "norm") {
    const weight = { row: 0, cols: [col] };
    return { A: cell, mean: first, variance: first, γ: weight, β: weight };
  }
  if (rule === "rotate") {
    const pair = Math.floor(col / 2);
    const turned = { row, cols: [pair] };
    return { A: { row, cols: [2 * pair, 2 * pair + 1] }, cos: turned, sin: turned };
  }
  if (rule === "columns") return { A: { row, cols: [step.numbers.first + col] } };
  if (rule === "heads") {
    const from = headOf(step, col);
    return { [from.letter]: { row, cols: [from.col] } };
  }
  if (rule === "softmax") return { A: cell, max: first, sum: first, sink: first };
  return {};
}
