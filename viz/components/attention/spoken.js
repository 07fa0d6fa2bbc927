// Spoken: what was pinned or walked to in a sentence, for those who hear the page.
// Does not know how it was pointed at; says nothing of what a pointer merely passes.
// A row is summed up when it is entered, its cells are told one by one.

import { fill, fixed } from "./text.js";

const MOST_NAMES = 3; // in one sentence
const LEAST_SAID = 0.005; // what would be said as 0.00

// The largest of n shares, those that may be said, the largest first.
function largest(shares) {
  const told = [];
  for (let i = 0; i < shares.length; i++) if (shares[i] >= LEAST_SAID) told.push(i);
  return told.sort((a, b) => shares[b] - shares[a]).slice(0, MOST_NAMES);
}

export function createSpoken(node) {
  let entered = null; // the row and the numbers that were last summed up

  const shareOf = ({ numbers }, share) => `${numbers.exact ? "" : "≈ "}${fixed(share)}`;

  // which: the sentence; its variants are for one token and for none. shares: one of each token.
  function summed(scene, which, values, tokens, shares) {
    const { t } = scene;
    const found = largest(shares);
    if (!found.length) return fill(t(`${which}.none`), values);
    const [first, ...others] = found.map((i) =>
      fill(t("spoken.share"), { token: tokens[i].shown, share: shareOf(scene, shares[i]) }),
    );
    if (!others.length) return fill(t(`${which}.one`), { ...values, first });
    return fill(t(which), { ...values, first, others: others.join(t("spoken.comma")) });
  }

  function rowSentence(scene, row) {
    const { stack, numbers } = scene;
    const cols = stack.cols.length;
    const values = { n: row + 1, all: stack.rows.length, token: stack.rows[row].shown };
    return summed(scene, "spoken.row", values, stack.cols, numbers.pattern.subarray(row * cols, (row + 1) * cols));
  }

  function colSentence(scene, col) {
    const { stack, numbers } = scene;
    const cols = stack.cols.length;
    const values = { n: col + 1, all: cols, token: stack.cols[col].shown };
    return summed(scene, "spoken.col", values, stack.rows, Float64Array.from(stack.rows, (_, i) => numbers.pattern[i * cols + col]));
  }

  function cellPhrase(scene, row, col) {
    const { t, stack, numbers, mask } = scene;
    const at = row * stack.cols.length + col;
    const share = mask && !mask[at] ? t("map.masked") : shareOf(scene, numbers.pattern[at]);
    return fill(t("spoken.share"), { token: stack.cols[col].shown, share });
  }

  return {
    // After a step of the keyboard.
    walked(scene) {
      const { row, col } = scene.hover;
      const isNew = entered?.row !== row || entered?.numbers !== scene.numbers;
      const parts = [];
      if (row !== null && isNew) parts.push(rowSentence(scene, row));
      if (row !== null && col !== null) parts.push(fill(scene.t("spoken.cell"), { share: cellPhrase(scene, row, col) }));
      if (row === null && col !== null) parts.push(colSentence(scene, col));
      entered = { row, numbers: scene.numbers };
      node.textContent = parts.join(" ");
    },
    // After a row was pinned or let go, by whatever means.
    pinned(scene) {
      const { row } = scene.state;
      const { t } = scene;
      entered = row === null ? null : { row, numbers: scene.numbers };
      node.textContent = row === null ? t("spoken.unpinned") : fill(t("spoken.pinned"), { row: rowSentence(scene, row) });
    },
    forget() {
      entered = null;
      node.textContent = "";
    },
  };
}
