// Recent: remembers in this browser which checkpoints were opened, and forgets them on request.
// Does not know what a checkpoint is; the server keeps nothing of this list.
// Names are typed by people: they go in through textContent only.

const STORED = "headlight.recent";
// Telling the server makes the page run again, with what all boxes hold now. A run that has just
// changed a box may not have reached it yet, and what it held before must not come back.
const TELL_AFTER_MS = 50;

const instances = new WeakMap();

// A browser may refuse to store anything; the list then lasts as long as the page.
function read() {
  try {
    const found = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return Array.isArray(found) ? found.filter((ref) => typeof ref === "string") : [];
  } catch {
    return null;
  }
}

function write(refs) {
  try {
    localStorage.setItem(STORED, JSON.stringify(refs));
  } catch {
    // Nothing is lost but the memory.
  }
}

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function createList(root) {
  const hint = make("span", { class: "hint" });
  const summary = make("summary", {});
  const sheet = make("div", { class: "sheet" });
  const menu = make("details", {}, summary, sheet);
  root.replaceChildren(hint, menu);

  let refs = [];
  let data = { known: [], opened: "", most: 0, strings: {} };
  let tell = () => {};
  let told = "[]"; // what the server believes
  let last = "";
  let timer = 0;

  function set(next) {
    refs = next.slice(0, data.most);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const said = JSON.stringify(refs);
      if (said === told) return;
      told = said;
      tell(refs);
    }, TELL_AFTER_MS);
    draw();
  }

  function keep(next) {
    set(next);
    write(refs);
  }

  function forget(gone) {
    keep(refs.filter((ref) => ref !== gone));
    if (refs.length) sheet.querySelector("button").focus();
  }

  function draw() {
    const { strings } = data;
    hint.textContent = data.hint;
    summary.textContent = strings.recent;
    menu.hidden = refs.length === 0;
    if (menu.hidden) menu.open = false;
    const rows = refs.map((ref) =>
      make(
        "div",
        { class: "row" },
        make("bdi", { text: ref, title: ref }),
        make("button", {
          type: "button",
          "aria-label": strings.forget.replace("{ref}", () => ref),
          text: "×",
          click: () => forget(ref),
        }),
      ),
    );
    const all = make("button", { type: "button", text: strings.forget_all, click: () => keep([]) });
    sheet.replaceChildren(make("p", { text: strings.title }), ...rows, all);
  }

  function onStorage(event) {
    if (event.key === STORED || event.key === null) set(read() ?? refs);
  }
  function onPress(event) {
    if (menu.open && !event.composedPath().includes(menu)) menu.open = false;
  }
  function onKey(event) {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    summary.focus();
  }
  window.addEventListener("storage", onStorage);
  document.addEventListener("pointerdown", onPress);
  root.addEventListener("keydown", onKey);

  return {
    turn: 0,
    receive(received, setStateValue) {
      data = received;
      told = JSON.stringify(data.known);
      tell = (found) => setStateValue("refs", found);
      const kept = read() ?? refs;
      const { opened } = data;
      // What was just forgotten does not come back for still being open.
      if (opened && opened !== last) keep([opened, ...kept.filter((ref) => ref !== opened)]);
      else set(kept);
      last = opened;
    },
    destroy() {
      clearTimeout(timer);
      window.removeEventListener("storage", onStorage);
      document.removeEventListener("pointerdown", onPress);
    },
  };
}

export default function recent({ parentElement, data: [told], setStateValue }) {
  let list = instances.get(parentElement);
  if (!list) {
    list = createList(parentElement.querySelector("[data-headlight]"));
    instances.set(parentElement, list);
  }
  const turn = (list.turn += 1);
  list.receive(told, setStateValue);
  // Streamlit also cleans up after a call that a newer one overtook: only the latest may destroy.
  return () =>
    setTimeout(() => {
      if (list.turn !== turn) return;
      list.destroy();
      instances.delete(parentElement);
    });
}
