// Address: one parameter of the address, read and written without a step in the history.
// Does not know what it says. The rest of the address and history.state are the page's.

// Browsers refuse addresses that change too often, as they would under a key held down.
const WRITE_AFTER_MS = 200;

// What was written last, for as long as the document lives. The server does not hear of it: when
// it changes the address it may put an older text back, and what it is asked may be older, too.
let kept = null;

export function createAddress(parameter) {
  let timer = 0;
  let pending = null;
  const read = () => new URL(window.location.href).searchParams.get(parameter) ?? "";

  // What waits to be written is kept, but no longer written: the address may be another page's.
  function rest() {
    clearTimeout(timer);
    if (pending) kept = pending();
    pending = null;
  }

  // "" takes the parameter away.
  function write(text) {
    rest();
    kept = text;
    const url = new URL(window.location.href);
    if (text) url.searchParams.set(parameter, text);
    else url.searchParams.delete(parameter);
    if (url.href !== window.location.href) window.history.replaceState(window.history.state, "", url);
  }

  function settle() {
    if (pending) write(pending());
  }

  return {
    read,
    write,
    settle,
    rest,
    // What to begin with; `asked` is what the server was asked for.
    first: (asked) => kept ?? (read() || asked),
    writeSoon(text) {
      rest();
      pending = text;
      timer = setTimeout(settle, WRITE_AFTER_MS);
    },
  };
}
