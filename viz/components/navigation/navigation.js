// Navigation: links to the pages, which carry along what is being looked at.
// Does not know what the pages show; the server changes the page, so that nothing is loaded twice.
// Another component asks for a page with the event "headlight:go" on the window.

const instances = new WeakMap();
const LEAVING_MS = 5000; // a server that takes longer has other troubles

// Streamlit writes the parameters of the page to come into the address of the one that is left, as
// a step of the history between the two. Back would lead there, and not to what was looked at.
function leaveInOneStep() {
  const { history, location } = window;
  const push = history.pushState;
  const restore = () => {
    if (history.pushState === once) history.pushState = push;
  };
  function once(state, title, url) {
    if (new URL(url, location.href).pathname === location.pathname) return;
    restore();
    push.call(history, state, title, url);
  }
  history.pushState = once;
  setTimeout(restore, LEAVING_MS);
}

function createLinks(root) {
  let data = { links: [], carried: [], label: "", listens: false, language: "" };
  let tell = () => {};
  let drawn = "";

  // What the address says now: components write into it without the server knowing.
  function carriedNow() {
    const now = new URL(window.location.href).searchParams;
    return Object.fromEntries(data.carried.filter((name) => now.has(name)).map((name) => [name, now.get(name)]));
  }

  // A page ignores the parameters of another.
  function addressOf(link) {
    const now = new URL(window.location.href).searchParams;
    for (const [name, value] of Object.entries(link.parameters)) now.set(name, value);
    return `${link.path}?${now}`;
  }

  function draw() {
    const said = JSON.stringify(data);
    if (said === drawn) return;
    drawn = said;
    root.setAttribute("aria-label", data.label);
    if (data.language) document.documentElement.lang = data.language;
    root.replaceChildren(
      ...data.links.map((link) => {
        const node = document.createElement("a");
        node.textContent = link.label;
        if (link.question) node.title = link.question;
        node.href = link.path;
        const told = Object.entries(link.parameters);
        Object.assign(node.dataset, told.length ? link.parameters : { page: link.page });
        if (link.is_here) node.setAttribute("aria-current", "page");
        // The address that a new tab gets is made when it is needed.
        for (const name of ["pointerdown", "focus"]) node.addEventListener(name, () => (node.href = addressOf(link)));
        node.addEventListener("click", (event) => {
          if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
          event.preventDefault();
          if (!link.is_here) go(link.page, { ...carriedNow(), ...link.parameters });
        });
        return node;
      }),
    );
  }

  function go(page, parameters) {
    // From one view of a page to another, the address stays at its path.
    if (!data.links.some((link) => link.is_here && link.page === page)) leaveInOneStep();
    tell({ page, parameters });
  }

  const onGo = (event) => {
    if (!data.listens) return;
    const { page, parameters } = event.detail;
    go(page, { ...carriedNow(), ...parameters });
  };
  window.addEventListener("headlight:go", onGo);

  return {
    turn: 0,
    receive(received, setTriggerValue) {
      data = received;
      tell = (where) => setTriggerValue("go", where);
      draw();
    },
    destroy: () => window.removeEventListener("headlight:go", onGo),
  };
}

export default function navigation({ parentElement, data: [told], setTriggerValue }) {
  let links = instances.get(parentElement);
  if (!links) {
    links = createLinks(parentElement.querySelector("[data-headlight]"));
    instances.set(parentElement, links);
  }
  const turn = (links.turn += 1);
  links.receive(told, setTriggerValue);
  // Streamlit also cleans up after a call that a newer one overtook: only the latest may destroy.
  return () =>
    setTimeout(() => {
      if (links.turn !== turn) return;
      links.destroy();
      instances.delete(parentElement);
    });
}
