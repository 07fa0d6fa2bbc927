// Geometry: where the cells and labels of a map lie, for the screen and for exported pictures.
// Does not draw and does not know the DOM; it needs a context only to measure text.
// Labels tilt when they are wider than a cell, and thin out when they would touch.

// Cells grow with the screen: a class looks at a projector from afar.
const SMALLEST_BIGGEST = 52;
const biggestCell = () => Math.max(SMALLEST_BIGGEST, Math.min(96, Math.floor(window.innerHeight / 14)));
const LONGEST_LABEL = 108;
const LINE = 13;
const TILT = Math.PI / 4;

export const LABEL_SIZE = 12;

// Text cut to a width, with an ellipsis, never silently.
function cut(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  const parts = Array.from(text);
  let low = 0;
  let high = parts.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (context.measureText(parts.slice(0, middle).join("") + "…").width <= width) low = middle;
    else high = middle - 1;
  }
  return parts.slice(0, low).join("") + "…";
}

function labels(context, tokens, limit) {
  const texts = tokens.map((token) => cut(context, token.shown, limit));
  return { texts, widths: texts.map((text) => context.measureText(text).width) };
}

// Where the second text of a pair begins on an axis, or null: a line is drawn there.
export function divide(tokens) {
  const at = tokens.findIndex((token, i) => i > 0 && (token.part ?? 0) !== (tokens[i - 1].part ?? 0));
  return at < 0 ? null : at;
}

// The widest of the labels that are written; the others appear only when pointed at.
function widestShown(widths, stride) {
  let most = 0;
  for (let i = 0; i < widths.length; i += stride) most = Math.max(most, widths[i]);
  return most;
}

// Labels that thinning hides are cut to the room the written ones need.
function trim(context, tokens, axis, limit) {
  axis.texts.forEach((text, i) => {
    if (axis.widths[i] <= limit) return;
    axis.texts[i] = cut(context, tokens[i].shown, limit);
    axis.widths[i] = context.measureText(axis.texts[i]).width;
  });
}

// The cell size that fits n cells into the room, whole pixels where cells are large enough.
function cellSize(room, n, least) {
  const exact = Math.max(least, Math.min(biggestCell(), room / n));
  return exact >= 6 ? Math.floor(exact) : exact;
}

// How far tilted labels stick out to the right of the last column.
function overhang(widths, cell, stride) {
  let most = 0;
  for (let j = 0; j < widths.length; j += stride) {
    const end = (j + 0.5) * cell + widths[j] * Math.cos(TILT) + 4;
    most = Math.max(most, end - widths.length * cell);
  }
  return most;
}

function strideFor(cell, distance) {
  return Math.max(1, Math.ceil(distance / cell));
}

// room: {width, height} for everything. least: smallest cell, 0 to fit. Returns plain numbers.
export function mapGeometry(context, stack, room, font, least = 0) {
  const rows = stack.rows.length;
  const cols = stack.cols.length;
  context.font = `${LABEL_SIZE}px ${font}`;
  const across = labels(context, stack.cols, LONGEST_LABEL);
  const down = labels(context, stack.rows, Math.min(LONGEST_LABEL, room.width * 0.26));
  const apart = LINE / Math.sin(TILT); // between tilted labels, along the axis
  const widest = widestShown(across.widths, 1);
  let [left, top, right] = [12, LINE + 9, 6];
  let [cw, ch] = [0, 0];
  let [rowStride, colStride] = [1, 1];
  let flat = true;
  let [leftLabel, topLabel] = [0, 0];
  // Cells need room, so do labels, and which labels are written depends on the cells: a few rounds
  // settle it. Straight column labels are tried first; once tilted they stay so.
  for (let round = 0; round < 5; round++) {
    leftLabel = Math.max(widestShown(down.widths, rowStride), Math.min(56, widestShown(down.widths, 1)));
    left = Math.ceil(leftLabel) + 16; // bold, as a pinned row's is, it is a little wider
    cw = cellSize(room.width - left - right, cols, least);
    flat = flat && widest <= cw - 4;
    colStride = flat ? 1 : strideFor(cw, apart);
    topLabel = Math.max(widestShown(across.widths, colStride), Math.min(56, widest));
    top = flat ? LINE + 9 : Math.ceil(topLabel * Math.sin(TILT)) + LINE + 6;
    right = flat ? 6 : Math.ceil(Math.max(6, right, overhang(across.widths, cw, colStride)));
    ch = cellSize(room.height - top - 4, rows, least);
    // Square-ish: neither side more than half as long again as the other.
    [cw, ch] = [Math.min(cw, Math.max(ch * 1.5, 0.5)), Math.min(ch, Math.max(cw * 1.5, 0.5))];
    colStride = flat && widest <= cw - 4 ? 1 : strideFor(cw, apart);
    rowStride = strideFor(ch, LINE);
    flat = flat && widest <= cw - 4;
  }
  trim(context, stack.rows, down, leftLabel);
  if (!flat) trim(context, stack.cols, across, topLabel);
  right = flat ? 6 : Math.ceil(Math.max(6, overhang(across.widths, cw, 1)));
  return {
    rows,
    cols,
    left,
    top,
    right,
    cw,
    ch,
    width: cw * cols,
    height: ch * rows,
    flat,
    across,
    down,
    colStride,
    rowStride,
    tilt: TILT,
    rowDivide: divide(stack.rows),
    colDivide: divide(stack.cols),
  };
}
