// Store: what the reader chose (stack, head, pinned row, colour, view), in memory and in the URL.
// Does not draw and does not know the DOM.
// Only its own six parameters are touched: the rest of the URL and history.state are the page's.

const SCALES = ["linear", "log", "row"];
const VIEWS = ["map", "lines", "both"];

// After the back button new data may follow; for this long the URL, not the reader, has chosen.
const POP_MS = 3000;

// A mean over layers stands for every layer, and a mean over heads for every head.
function findHead(stack, wanted) {
  const fits = (have, want) => have === null || String(have) === String(want);
  return stack.heads.findIndex((h) => fits(h.layer, wanted.layer) && fits(h.head, wanted.head));
}

// The head that is nearest to the wanted one: layers may be fewer, and have fewer heads.
function nearest(stack, wanted) {
  const found = findHead(stack, wanted);
  if (found >= 0) return found;
  const gap = (have, want) => (have === null ? 0 : Math.abs(have - Number(want)) || 0);
  const far = (h) => gap(h.layer, wanted.layer) * 1000 + gap(h.head, wanted.head);
  return stack.heads.reduce((best, h, i) => (far(h) < far(stack.heads[best]) ? i : best), 0);
}

// A row index within the stack, or null.
function validRow(text, stack) {
  if (text === null || text === undefined || !/^\d+$/.test(String(text))) return null;
  return Number(text) < stack.rows.length ? Number(text) : null;
}

export function createStore() {
  let header = null;
  let popped = -Infinity;
  let isStep = false; // whether a head or a stack was chosen that the address does not tell yet
  // The last layer and head that were not a mean, to come back to.
  let wished = { layer: 0, head: 0 };
  // stack: index into stacks; cell: index into that stack's heads; row: pinned query or null.
  const state = { stack: 0, cell: 0, row: null, scale: "linear", view: "both" };
  const current = () => header.stacks[state.stack];

  function wish({ layer, head }) {
    wished = { layer: layer ?? wished.layer, head: head ?? wished.head };
  }

  function place(wanted) {
    const stack = header.stacks.findIndex((s) => s.name === wanted.stack);
    state.stack = Math.max(0, stack);
    wish(wanted);
    state.cell = nearest(current(), wished);
    state.row = validRow(wanted.row, current());
    state.scale = SCALES.includes(wanted.scale) ? wanted.scale : "linear";
    state.view = VIEWS.includes(wanted.view) ? wanted.view : "both";
  }

  // A choice of stack or head is a step in the history.
  function write() {
    const url = new URL(window.location.href);
    const head = current().heads[state.cell];
    const values = {
      stack: current().name,
      layer: String(head.layer ?? wished.layer),
      head: String(head.head ?? wished.head),
      row: state.row === null ? null : String(state.row),
      scale: state.scale === "linear" ? null : state.scale,
      view: state.view === "both" ? null : state.view,
    };
    for (const [name, value] of Object.entries(values)) {
      if (value === null) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    const how = isStep ? "pushState" : "replaceState";
    isStep = false;
    if (url.href !== window.location.href) window.history[how](window.history.state, "", url);
  }

  // Tells the address what was chosen: it takes as long as a picture does.
  function remember() {
    if (isStep) write();
  }

  return {
    state,
    // New data. Same trace: the reader's choice stands. New trace: keep the head, drop the pin,
    // unless the back button brought it: then the URL says what was pinned. A variant of the same
    // model on the same text keeps the pin, too: one watches one row change. Another model keeps
    // a head that the reader chose, if it has it; else it opens where it is worth a look.
    receive(next) {
      if (header) remember();
      const before = header;
      const old = before && { ...state, name: current().name };
      header = next;
      if (!old) {
        place(next.chosen);
        const url = new URL(window.location.href).searchParams;
        const { name } = current();
        const shown = { stack: name, ...wished };
        // What the address still says of another model's head is not what is shown.
        if (Object.keys(shown).some((key) => url.has(key) && url.get(key) !== String(shown[key]))) write();
        return;
      }
      const same = before.trace === next.trace;
      if (!same && performance.now() - popped < POP_MS) {
        this.readUrl();
        return;
      }
      const kept = { stack: old.name, ...wished };
      const stack = next.stacks.find((s) => s.name === kept.stack);
      const exists = stack && findHead(stack, kept) >= 0;
      const moved = before.model !== next.model;
      const chose = !moved || ["stack", "layer", "head"].some((name) => String(kept[name]) !== String(before.opens[name]));
      const fallback = moved ? next.opens : next.chosen;
      const row = same || (!moved && before.asked === next.asked) ? old.row : null;
      place({ ...(exists && chose ? kept : fallback), row, scale: old.scale, view: old.view });
      write();
    },
    chooseStack(index) {
      remember();
      isStep = true;
      const old = current();
      state.stack = index;
      state.cell = nearest(current(), wished);
      // A pin means a token; it may only stay where the same tokens ask.
      const texts = (stack) => stack.rows.map((t) => t.text).join("\u0000");
      if (texts(old) !== texts(current())) state.row = null;
    },
    chooseCell(index) {
      remember();
      isStep = true;
      state.cell = index;
      wish(current().heads[index]);
    },
    remember,
    set(name, value) {
      remember();
      state[name] = value;
      write();
    },
    // The back button: the URL speaks; what it leaves out falls back to the default.
    readUrl() {
      popped = performance.now();
      isStep = false;
      const url = new URL(window.location.href).searchParams;
      const chosen = header.chosen;
      place({
        stack: url.get("stack") ?? chosen.stack,
        layer: url.get("layer") ?? chosen.layer,
        head: url.get("head") ?? chosen.head,
        row: url.get("row"),
        scale: url.get("scale"),
        view: url.get("view"),
      });
    },
  };
}
