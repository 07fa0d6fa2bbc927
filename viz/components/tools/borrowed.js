// Borrowed: replaces Streamlit's own words, wherever in its part of the page they turn up.
// Does not know the words. What stands in components is theirs: their shadow roots are not entered.
// Only a whole text that is one of the words is replaced, and none of ours or of a reader's.

import { fill } from "../attention/text.js";

const ATTRIBUTES = ["aria-label", "placeholder", "title"];
// Where the page's own texts stand, and what readers and models wrote.
const OURS = ["stHtml", "stText", "stMarkdown", "stMarkdownContainer", "stIconMaterial"].map((id) => `[data-testid=${id}]`);
const NO_WORDS = ["script", "style", "textarea", ...OURS].join();
const NO_NAMES = "[data-testid=stHtml]"; // Streamlit's buttons stand in our captions

export function createBorrowed() {
  let words = []; // [regular expression, what is said]
  let known = "";
  // Of a text node or an element: what Streamlit wrote and what was made of it, by attribute ("" is
  // the text itself). Streamlit does not write again what it believes to be there.
  const replaced = new WeakMap();

  function said(text) {
    for (const [pattern, ours] of words) {
      const found = pattern.exec(text);
      if (found) return fill(ours, found.groups ?? {});
    }
    return text;
  }

  function replace(node, name, now, write) {
    if (!now) return;
    const known = replaced.get(node)?.[name];
    const theirs = known?.made === now ? known.theirs : now;
    const made = said(theirs);
    if (made === now) return;
    replaced.set(node, { ...replaced.get(node), [name]: { theirs, made } });
    write(made);
  }

  function readText(node) {
    if (!node.parentElement?.closest(NO_WORDS)) replace(node, "", node.data, (made) => (node.data = made));
  }

  function readAttributes(element) {
    if (!ATTRIBUTES.some((name) => element.hasAttribute(name)) || element.closest(NO_NAMES)) return;
    for (const name of ATTRIBUTES) {
      if (element.hasAttribute(name)) replace(element, name, element.getAttribute(name), (made) => element.setAttribute(name, made));
    }
  }

  function read(root) {
    if (root.nodeType === Node.TEXT_NODE) readText(root);
    if (root.nodeType !== Node.ELEMENT_NODE) return;
    readAttributes(root);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (node.nodeType === Node.TEXT_NODE) readText(node);
      else readAttributes(node);
    }
  }

  const observer = new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "childList") addedNodes.forEach(read);
      else if (type === "attributes") readAttributes(target);
      else readText(target);
    }
  });
  const watched = { subtree: true, childList: true, characterData: true, attributeFilter: ATTRIBUTES };
  observer.observe(document.body, watched);

  return {
    receive(data) {
      const told = JSON.stringify(data.words);
      if (told === known) return; // what has come since was read as it came
      known = told;
      words = data.words.map(([pattern, ours]) => [new RegExp(pattern, "s"), ours]);
      read(document.body);
    },
    destroy: () => observer.disconnect(),
  };
}
