// Walk: the keyboard in a column of tokens, which is one stop of the Tab key for all of them.
// Does not know shares or lines; reports the token that was walked to, and the one that was chosen.
// The column keeps the focus, for of thousands of tokens only those in sight are in the DOM.

const PAGE_OF_TOKENS = 10;

export const optionId = (kind, index) => `headlight-${kind}-${index}`;

// kind: "query" or "key". count(), current(): how many tokens, and where a walk begins.
// beside(key): the column that an arrow leads to, or undefined.
export function walkable(column, kind, { count, current, beside, go, choose, leave }) {
  let at = null;

  function target({ key }) {
    const last = count() - 1;
    // The first arrow shows where the walk starts; the next ones move.
    const from = at ?? current();
    const step = { ArrowUp: -1, ArrowDown: 1, PageUp: -PAGE_OF_TOKENS, PageDown: PAGE_OF_TOKENS }[key];
    if (step) return Math.min(last, Math.max(0, at === null ? from : from + step));
    return { Home: 0, End: last, Enter: from, " ": from }[key];
  }

  column.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = target(event);
    const neighbour = beside(event.key);
    if (neighbour) neighbour.focus({ preventScroll: true });
    else if (next !== undefined) {
      at = next;
      go(at);
      column.setAttribute("aria-activedescendant", optionId(kind, at));
      if (event.key === "Enter" || event.key === " ") choose(at);
    } else return;
    event.preventDefault();
  });
  column.addEventListener("blur", () => {
    at = null;
    column.removeAttribute("aria-activedescendant");
    leave();
  });
}
