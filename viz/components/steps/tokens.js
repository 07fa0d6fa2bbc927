// Tokens: the text as the model reads it, for steps that have no numbers yet.
// Does not know what a token means.

import { el } from "../attention/dom.js";

export function createTokens(list) {
  return {
    draw({ step, t }) {
      const chips = step.rule === "tokens" ? step.tokens : [];
      list.hidden = chips.length === 0;
      let next = 0;
      list.replaceChildren(
        ...chips.flatMap((token) => {
          const isGap = token.position !== next;
          next = token.position + 1;
          const text = el("bdi", { class: "token-text", text: token.shown });
          const small = el("small", { text: `${token.position} · id ${token.id}` });
          const classes = `token-chip ${token.kind ?? ""} ${token.position === step.cell[0] ? "now" : ""}`;
          const chip = el("li", { class: classes, title: token.kind ? t(`token.${token.kind}`) : null }, text, small);
          return isGap ? [el("li", { class: "token-gap", text: "…" }), chip] : [chip];
        }),
      );
    },
  };
}
