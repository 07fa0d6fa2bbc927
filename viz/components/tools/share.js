// Share: a menu with a link to what is on the screen, its QR code, and rules for those who open it.
// Does not know what the parameters of the address mean, but for its own two.
// The code is an image of this server: no other host hears of the link.

import { el, foldingMenu } from "../attention/dom.js";

const RULES = [["lock", "model"], ["lock", "text"], ["hide", "header"], ["hide", "pages"]];
const LOCAL = new Set(["localhost", "127.0.0.1", "[::1]", "0.0.0.0"]);

export function createShare(root) {
  let data = null;
  let parts = null;
  let drawn = "";
  const chosen = new Set();

  const t = (key) => data.strings[key] ?? key;

  // The address as it is now: components write into it without the server knowing.
  function link() {
    const url = new URL(window.location.href);
    if (LOCAL.has(url.hostname) && data.room) url.hostname = data.room;
    for (const name of ["lock", "hide"]) {
      const words = RULES.filter(([of, word]) => of === name && chosen.has(`${of}.${word}`)).map(([, word]) => word);
      if (words.length) url.searchParams.set(name, words.join(","));
      else url.searchParams.delete(name);
    }
    return url;
  }

  function show() {
    if (!parts.menu.open) return;
    const url = link();
    parts.link.value = url.href;
    const fits = new TextEncoder().encode(url.href).length <= data.most;
    parts.code.hidden = !fits;
    parts.long.hidden = fits;
    if (fits) parts.code.src = new URL(`api/qr.svg?text=${encodeURIComponent(url.href)}`, new URL("./", document.baseURI)).href;
    parts.alone.hidden = !LOCAL.has(url.hostname);
    parts.cut.hidden = data.text_fits;
    parts.said.textContent = "";
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(parts.link.value);
      parts.said.textContent = t("copied");
    } catch {
      // Pages that came over plain HTTP may not write to the clipboard.
      parts.link.focus();
      parts.link.select();
      parts.said.textContent = t("not_copied");
    }
  }

  function build() {
    const rules = RULES.map(([name, word]) => {
      const key = `${name}.${word}`;
      const box = el("input", {
        type: "checkbox",
        "data-rule": key,
        change: () => {
          if (box.checked) chosen.add(key);
          else chosen.delete(key);
          show();
        },
      });
      box.checked = chosen.has(key);
      return el("label", {}, box, el("span", { text: t(key) }));
    });
    const line = el("input", { type: "text", class: "link", readonly: true, "aria-label": t("link"), focus: (event) => event.target.select() });
    parts = {
      link: line,
      code: el("img", { class: "code", alt: t("qr"), hidden: true }),
      long: el("p", { text: t("too_long"), hidden: true }),
      alone: el("p", { text: t("here_only"), hidden: true }),
      cut: el("p", { text: t("no_text"), hidden: true }),
      said: el("span", { class: "said", role: "status" }),
    };
    const button = el("button", { type: "button", "data-do": "copy", text: t("copy"), click: copy });
    const sheet = el(
      "div",
      { class: "sheet" },
      el("strong", { text: t("title") }),
      el("div", { class: "row" }, line, button),
      parts.said,
      parts.cut,
      parts.alone,
      parts.code,
      parts.long,
      el("fieldset", {}, el("legend", { text: t("rules") }), ...rules),
    );
    parts.menu = foldingMenu(t("share"), sheet);
    parts.menu.addEventListener("toggle", show);
    root.replaceChildren(parts.menu);
  }

  const onOutside = (event) => {
    if (parts?.menu.open && !event.composedPath().includes(root)) parts.menu.open = false;
  };
  document.addEventListener("pointerdown", onOutside);

  return {
    receive(received) {
      data = received;
      const said = JSON.stringify(data);
      if (said === drawn) return;
      drawn = said;
      const wasOpen = parts?.menu.open ?? false;
      build();
      parts.menu.open = wasOpen;
    },
    destroy() {
      document.removeEventListener("pointerdown", onOutside);
    },
  };
}
