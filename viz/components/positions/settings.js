// Settings: which view is open and what its controls are set to; the address says the same.
// Does not know what controls mean; values are texts, as in an address.
// Nothing here calls the server.

// Browsers refuse addresses that change too often, as they would under a slider that is dragged.
const WRITE_AFTER_MS = 400;

// What was set, by view, for as long as the document lives: whoever comes back finds it again.
const kept = { view: "", values: new Map() };

export function createSettings(parameter) {
  let names = new Set(); // every control's name, of all views
  let timer = 0;

  const mine = () => {
    if (!kept.values.has(kept.view)) kept.values.set(kept.view, new Map());
    return kept.values.get(kept.view);
  };

  // A new view is a step of the history, and so is a setting, once the hand rests: "back" goes
  // there. What follows from a step within a short time belongs to it.
  function write(isStep = false) {
    clearTimeout(timer);
    const url = new URL(window.location.href);
    for (const name of names) url.searchParams.delete(name);
    url.searchParams.set(parameter, kept.view);
    for (const [name, value] of mine()) url.searchParams.set(name, value);
    if (url.href === window.location.href) return;
    if (isStep) window.history.pushState(window.history.state, "", url);
    else window.history.replaceState(window.history.state, "", url);
  }

  // The address wins over what was kept, if it says anything. Returns the name of a view that it
  // asks for and that there is not, or null.
  function read(views, opens) {
    const asked = new URL(window.location.href).searchParams;
    const named = asked.get(parameter);
    const isFirst = kept.view === "";
    if (views.includes(named)) kept.view = named;
    else if (!views.includes(kept.view)) kept.view = opens;
    if (named || isFirst) {
      const said = [...names].filter((name) => asked.has(name)).map((name) => [name, asked.get(name)]);
      kept.values.set(kept.view, new Map(said));
    }
    return views.includes(named) ? null : named;
  }

  return {
    get view() {
      return kept.view;
    },
    get parameters() {
      return [...mine()];
    },
    know(more) {
      names = new Set(more);
    },
    read,
    write,
    rest: () => clearTimeout(timer),
    open(view) {
      kept.view = view;
      write(true);
    },
    // null: back to what the view opens with
    set(name, value) {
      if (value === null) mine().delete(name);
      else mine().set(name, value);
      clearTimeout(timer);
      timer = setTimeout(write, WRITE_AFTER_MS, true);
    },
    clear() {
      mine().clear();
      write(true);
    },
  };
}
