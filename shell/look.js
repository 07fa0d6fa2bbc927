// Look: a light or a dark ground, and projector mode, as this browser's reader chose them.
// Does not know the page. It runs before Streamlit does, so that the first paint is right.
// A chosen ground stands in for the system's: whoever asks the browser for it hears the reader's.
// Asked for with the event "headlight:choose-look", and told by "headlight:look", on the window.

(() => {
  const KEPT = "headlight:look";
  const KEY = "F2"; // of projector mode: a letter would be in a writer's way
  const DARK = "(prefers-color-scheme: dark)";
  // In projector mode everything is larger by this, and by more where the screen has more room.
  const [LEAST, MOST, ROOMY] = [1.35, 3, 1200];
  const html = document.documentElement;
  const ask = window.matchMedia.bind(window);
  const system = ask(DARK);
  const systems = () => (system.matches ? "dark" : "light");
  let chosen = { ground: null, projector: false };

  class Ground extends EventTarget {
    media = DARK;
    onchange = null;
    get matches() {
      return (chosen.ground ?? systems()) === "dark";
    }
    addListener(listener) {
      this.addEventListener("change", listener);
    }
    removeListener(listener) {
      this.removeEventListener("change", listener);
    }
    tell() {
      const event = new MediaQueryListEvent("change", { media: DARK, matches: this.matches });
      this.dispatchEvent(event);
      this.onchange?.(event);
    }
  }
  const ground = new Ground();
  window.matchMedia = (query) => (String(query).trim() === DARK ? ground : ask(query));

  function show() {
    html.dataset.ground = ground.matches ? "dark" : "light";
    html.toggleAttribute("data-projector", chosen.projector);
    const room = html.clientWidth / ROOMY;
    html.style.setProperty("--larger", String(Math.min(MOST, Math.max(LEAST, room))));
    window.dispatchEvent(new Event("headlight:look"));
  }

  // A browser may forbid to keep anything; then the choice lasts as long as the page.
  function read() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT)) ?? {};
      const known = kept.ground === "light" || kept.ground === "dark";
      chosen = { ground: known ? kept.ground : null, projector: kept.projector === true };
    } catch {
      chosen = { ground: null, projector: false };
    }
  }

  function keep() {
    try {
      localStorage.setItem(KEPT, JSON.stringify(chosen));
    } catch {
      return;
    }
  }

  function choose(news) {
    const before = ground.matches;
    chosen = { ...chosen, ...news };
    // Who wants what the system wants goes along with it when it changes.
    if (chosen.ground === systems()) chosen.ground = null;
    keep();
    show();
    if (ground.matches !== before) ground.tell();
  }

  window.addEventListener("headlight:choose-look", ({ detail }) => choose(detail));
  document.addEventListener("keydown", (event) => {
    if (event.key !== KEY || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    choose({ projector: !chosen.projector });
  });
  system.addEventListener("change", () => {
    if (chosen.ground !== null) return;
    show();
    ground.tell();
  });
  window.addEventListener("resize", () => chosen.projector && show());
  read();
  show();
})();
