// Spoken: what was pinned or walked to in a sentence, for those who hear the page.
// Does not know how it was pointed at; says nothing of what a pointer merely passes.
// A row is summed up when it is entered, its cells are told one by one.

import { sharesOf } from "./heads.js";
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
    const { stack, numbers, t } = scene;
    const values = { n: row + 1, all: stack.rows.length, token: stack.rows[row].shown };
    const shares = sharesOf(numbers, row, stack.cols.length);
    return shares ? summed(scene, "spoken.row", values, stack.cols, shares) : fill(t("spoken.row.coming"), values);
  }

  function colSentence(scene, col) {
    const { stack, numbers } = scene;
    const cols = stack.cols.length;
    const values = { n: col + 1, all: cols, token: stack.cols[col].shown };
    if (numbers.large) return fill(scene.t("spoken.col.alone"), values);
    return summed(scene, "spoken.col", values, stack.rows, Float64Array.from(stack.rows, (_, i) => numbers.pattern[i * cols + col]));
  }

  function cellPhrase(scene, row, col) {
    const { t, stack, numbers } = scene;
    const seen = scene.heads.seenBy(stack, scene.state.cell, row);
    const shares = sharesOf(numbers, row, stack.cols.length);
    const share = seen && !seen[col] ? t("map.masked") : shares ? shareOf(scene, shares[col]) : "…";
    return fill(t("spoken.share"), { token: stack.cols[col].shown, share });
  }

  // A row that is on its way is summed up when it is here.
  function enteredAt({ numbers, stack }, row) {
    const coming = row !== null && sharesOf(numbers, row, stack.cols.length) === null;
    return { row, numbers, coming };
  }

  return {
    // After a step of the keyboard.
    walked(scene) {
      const { row, col } = scene.hover;
      const isNew = entered?.row !== row || entered?.numbers !== scene.numbers || entered?.coming;
      const parts = [];
      if (row !== null && isNew) parts.push(rowSentence(scene, row));
      if (row !== null && col !== null) parts.push(fill(scene.t("spoken.cell"), { share: cellPhrase(scene, row, col) }));
      if (row === null && col !== null) parts.push(colSentence(scene, col));
      entered = enteredAt(scene, row);
      node.textContent = parts.join(" ");
    },
    // After a row was pinned or let go, by whatever means.
    pinned(scene) {
      const { row } = scene.state;
      const { t } = scene;
      entered = row === null ? null : enteredAt(scene, row);
      node.textContent = row === null ? t("spoken.unpinned") : fill(t("spoken.pinned"), { row: rowSentence(scene, row) });
    },
    // After a row came that is on its way no longer.
    came(scene) {
      if (!entered?.coming || entered.numbers !== scene.numbers) return;
      if (scene.hover.row === entered.row) this.walked(scene);
      else if (scene.state.row === entered.row) this.pinned(scene);
    },
    forget() {
      entered = null;
      node.textContent = "";
    },
  };
}
