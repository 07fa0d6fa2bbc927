// Choices: where the reader is (stack, layer, head, query, key, step, pinned cell, digits), in
// memory and in the URL. Does not draw and does not know the DOM.
// Only its own parameters are touched: the rest of the URL and history.state are the page's.

const DIGITS = ["2", "4", "full"];
// After the back button new data may follow; for this long the URL, not the reader, has chosen.
const POPPED_MS = 3000;

const asNumber = (text) => (/^\d{1,6}$/.test(String(text ?? "")) ? Number(text) : null);

function pinIn(text) {
  const found = /^(\d{1,6}),(\d{1,6})$/.exec(text ?? "");
  return found && [Number(found[1]), Number(found[2])];
}

export function createChoices() {
  let header = null;
  let popped = -Infinity;
  // The last layer and head that were chosen, to come back to from a stack that has fewer.
  let wished = { layer: 0, head: 0 };
  const state = { stack: 0, layer: 0, head: 0, query: 0, key: null, step: "", pin: null, digits: "2" };
  const current = () => header.stacks[state.stack];
  const idOf = ([section, name]) => `${section}.${name}`;
  const firstStep = () => idOf(current().outline[0]);

  function within(value, n) {
    return Math.min(Math.max(0, n - 1), value);
  }

  function settle(layer, head) {
    const { layers, heads } = current();
    const below = layers.filter((known) => known <= layer);
    state.layer = below.length ? below[below.length - 1] : layers[0];
    state.head = within(head, heads[layers.indexOf(state.layer)]);
  }

  function place(wanted) {
    const { stacks } = header;
    state.stack = Math.max(0, stacks.findIndex((s) => s.name === wanted.stack));
    const stack = current();
    wished = { layer: wanted.layer, head: wanted.head };
    settle(wanted.layer, wanted.head);
    state.query = within(wanted.query, header.tokens[stack.queries].length);
    state.key = wanted.key !== null && wanted.key < header.tokens[stack.keys].length ? wanted.key : null;
    state.step = stack.outline.some((ref) => idOf(ref) === wanted.step) ? wanted.step : firstStep();
    state.pin = wanted.pin;
    state.digits = DIGITS.includes(wanted.digits) ? wanted.digits : "2";
  }

  function write(how) {
    const url = new URL(window.location.href);
    const values = {
      stack: current().name,
      layer: String(state.layer),
      head: String(state.head),
      row: String(state.query),
      col: state.key === null ? null : String(state.key),
      step: state.step === firstStep() ? null : state.step,
      pin: state.pin && state.pin.join(","),
      digits: state.digits === "2" ? null : state.digits,
    };
    for (const [name, value] of Object.entries(values)) {
      if (value === null) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    // A comma needs no code in a query; "0%2C7" is hard to read.
    url.search = url.search.replace(/([?&]pin=\d+)%2C/, "$1,");
    if (url.href === window.location.href) return;
    if (how === "push") window.history.pushState(window.history.state, "", url);
    else window.history.replaceState(window.history.state, "", url);
  }

  function opening() {
    const { names_key: namesKey, ...opens } = header.opens;
    return { ...opens, key: namesKey ? opens.key : null };
  }

  return {
    state,
    opening,
    idOf,
    place: () => ({ ...state, stack: current().name }),
    // New data. The same recording: the reader's place stands. Another one begins where the server
    // read it in the address; what was pinned is another cell there, unless the back button
    // brought it.
    receive(next) {
      const before = header;
      header = next;
      if (before && before.api === next.api) return;
      const isBack = performance.now() - popped < POPPED_MS;
      if (isBack) {
        this.readUrl();
        return;
      }
      place(before ? { ...opening(), pin: null } : opening());
      if (before) write("replace");
    },
    chooseStack(index) {
      const from = current();
      const name = state.step.split(".")[1];
      const isOwn = state.step.startsWith(`${from.name}.`);
      state.stack = index;
      settle(wished.layer, wished.head);
      // A query is a token; it stays where the same tokens ask.
      if (from.queries !== current().queries) state.query = within(state.query, header.tokens[current().queries].length);
      state.key = null;
      state.pin = null;
      // A step of the stack that is left has its like in the one that is chosen.
      const like = `${current().name}.${name}`;
      if (isOwn && current().outline.some((ref) => idOf(ref) === like)) state.step = like;
      if (!current().outline.some((ref) => idOf(ref) === state.step)) state.step = firstStep();
    },
    chooseHead(layer, head) {
      wished = { layer, head };
      settle(layer, head);
      state.pin = null;
    },
    chooseQuery(query) {
      state.query = query;
      state.key = null; // each query has a key of its own that it looks at most
      state.pin = null;
    },
    // A choice of a head or a token is a step in the history; called after painting, for it is slow.
    remember: () => write("push"),
    // A walk is not: fifty steps would be fifty clicks on the back button.
    set(name, value) {
      state[name] = value;
      write("replace");
    },
    // The back button: the URL speaks; what it leaves out falls back to the default.
    readUrl() {
      popped = performance.now();
      const url = new URL(window.location.href).searchParams;
      const opens = opening();
      place({
        stack: url.get("stack") ?? opens.stack,
        layer: asNumber(url.get("layer")) ?? opens.layer,
        head: asNumber(url.get("head")) ?? opens.head,
        query: asNumber(url.get("row")) ?? opens.query,
        key: asNumber(url.get("col")),
        step: url.get("step") ?? "",
        pin: pinIn(url.get("pin")),
        digits: url.get("digits") ?? "2",
      });
    },
  };
}
