// Axes: where the rows and columns of a matrix stand, with gaps where some are left out.
// Does not draw. All lengths are CSS pixels.

// { at: start of each kept index, gaps: [{ from, to, n, at }], total }; from and to are true indices.
export function placeAxis(axis, pitch, gap) {
  const at = new Float64Array(axis.kept.length);
  const gaps = [];
  let next = 0; // the true index that would stand here
  let x = 0;
  const skip = (to) => {
    if (to === next) return;
    gaps.push({ from: next, to: to - 1, n: to - next, at: x });
    x += gap;
  };
  axis.kept.forEach((index, i) => {
    skip(index);
    at[i] = x;
    x += pitch;
    next = index + 1;
  });
  skip(axis.size);
  return { at, gaps, pitch, gap, total: x };
}

// What stands at a place: { index } (true), { gap }, or null beside them all.
export function foundAt(axis, placed, x) {
  if (x < 0 || x >= placed.total) return null;
  const gap = placed.gaps.find((g) => x >= g.at && x < g.at + placed.gap);
  if (gap) return { gap };
  let low = 0;
  for (let high = placed.at.length - 1; low < high; ) {
    const middle = (low + high + 1) >> 1;
    if (placed.at[middle] <= x) low = middle;
    else high = middle - 1;
  }
  return { index: axis.kept[low] };
}

// The kept index that is `steps` further, as far as there are any.
export function movedBy(axis, index, steps) {
  const i = axis.where.get(index) ?? 0;
  return axis.kept[Math.min(axis.kept.length - 1, Math.max(0, i + steps))];
}

// Which positions (not true indices) are in sight, with one more at either end.
export function inSight(placed, from, to) {
  const { at, pitch } = placed;
  let first = 0;
  while (first < at.length && at[first] + pitch < from) first++;
  let last = first;
  while (last < at.length && at[last] <= to) last++;
  return [first, last];
}
