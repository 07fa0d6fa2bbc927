// Terms: a label that is pointed at tells the English of the terms in it, in its tip.
// Does not know the labels. Looks into every component, for pointing does not stop at their edges.
// Texts of readers and models are no labels, nor are whole paragraphs.

const LONGEST = 120;
const MOST = 6;
const MOST_PARTS = 4; // of a label; to read all text of what holds half the page takes a while
const EVENTS = ["pointermove", "keyup"];
const NO_LABEL = "input, textarea, canvas, svg, td, th[scope=row], [data-query], [data-key], [data-token], [data-testid=stText]";

// A single Han character is a term only where it stands alone: 头 is a head, 开头 is a beginning.
const HAN = /\p{Script=Han}/u;
const standsThere = (word, text, at) =>
  text.startsWith(word, at) && (word.length > 1 || (!HAN.test(text[at - 1] ?? "") && !HAN.test(text[at + 1] ?? "")));

// Each stretch of a text belongs to the longest term that stands there.
function termsIn(text, pairs) {
  const found = new Map();
  for (let at = 0; at < text.length; ) {
    const pair = pairs.find(([word]) => standsThere(word, text, at));
    if (pair) found.set(...pair);
    at += pair ? pair[0].length : 1;
  }
  return [...found].slice(0, MOST).map(([word, english]) => `${word}: ${english}`);
}

export function createTerms() {
  let pairs = [];
  let last = null;
  const tips = new WeakMap(); // an element's own tip, and what was made of it

  const onPoint = (event) => {
    const [node] = event.composedPath();
    if (node === last) return;
    last = node;
    if (!(node instanceof HTMLElement) || node.closest(NO_LABEL)) return;
    const known = tips.get(node);
    const own = known && known.made === node.title ? known.own : node.title;
    const text = pairs.length && node.childElementCount <= MOST_PARTS ? node.textContent : "";
    const terms = text.length <= LONGEST ? termsIn(text, pairs) : [];
    if (!terms.length && !known) return;
    const made = [own, ...terms].filter(Boolean).join("\n");
    tips.set(node, { own, made });
    if (made) node.title = made;
    else node.removeAttribute("title");
  };
  // "pointerover" and "focusin" do not leave a component when they come from inside of it.
  for (const name of EVENTS) document.addEventListener(name, onPoint, true);

  return {
    receive(data) {
      ({ pairs } = data);
      last = null;
    },
    destroy() {
      for (const name of EVENTS) document.removeEventListener(name, onPoint, true);
    },
  };
}
