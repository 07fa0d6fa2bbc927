// What is wrong with a page that shows a text, as sentences; none if nothing is.
// Given { view, typed, said, tokens, flag, usual }; reads the page and changes nothing of it.
// `visible` is the components' own, put before this by any_text.py.

const LIVE = "img iframe object embed video audio source form base meta marquee".split(" ");
const FINISHED = 6 * 8; // Streamlit's ForwardMsg: script_finished, a number
const FORMATTED = "em, strong, del, code, a, mark, .katex, img, [style*='color']";

// Everything in the page, what stands in shadow roots too.
function everything() {
  const found = [];
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      found.push(node);
      if (node.shadowRoot) walk(node.shadowRoot);
    }
  };
  walk(document);
  return found;
}

// How many there are of what a text could have brought; more than usual is too many.
function countLive(nodes) {
  const counts = Object.fromEntries([...LIVE, "handlers", "links"].map((name) => [name, 0]));
  for (const node of nodes) {
    const name = node.localName;
    if (name in counts) counts[name] += 1;
    if (node.getAttributeNames().some((attribute) => attribute.startsWith("on"))) counts.handlers += 1;
    if (name !== "a" || !node.hasAttribute("href")) continue;
    if (!["blob:", "data:"].includes(node.protocol) && node.origin !== location.origin) counts.links += 1;
  }
  return counts;
}

function burst(nodes) {
  const main = document.querySelector("[data-testid=stMain]");
  const wide = window.innerWidth + 1;
  const found = [];
  if (document.documentElement.scrollWidth > wide) found.push(`the document is ${document.documentElement.scrollWidth} wide`);
  if (main && main.scrollWidth > main.clientWidth) found.push(`the page scrolls sideways: ${main.scrollWidth}`);
  for (const node of nodes) {
    const isPart = node.dataset?.headlight || node.parentNode?.dataset?.headlight;
    if (!isPart && !["stAlert", "stText", "stCaptionContainer", "stHtml"].includes(node.dataset?.testid)) continue;
    const { left, right, width } = node.getBoundingClientRect();
    if (width && (left < -1 || right > wide)) {
      found.push(`${node.dataset.headlight ?? node.dataset.testid ?? node.className} is from ${left} to ${right}`);
    }
  }
  return found;
}

// What each view shows of the tokens: [[position or place, text], …], or null if nothing.
const SHOWN = {
  attention: (root) => [...root.querySelectorAll("[data-key] .text")].map((node, i) => [i, node.textContent]),
  walk: (root) =>
    [...root.querySelectorAll(".token-chip")].map((chip) => [parseInt(chip.querySelector("small").textContent), chip.querySelector(".token-text").textContent]),
  order: (root) => {
    const row = root.querySelector('[data-panel="order-tokens"] tbody tr');
    return row && [...row.children].slice(1).map((cell, i) => [i, cell.textContent]);
  },
};

function misread(view, root, tokens) {
  const shown = SHOWN[view]?.(root);
  if (!shown) return [];
  const found = [];
  const wrong = shown.filter(([at, text]) => at < tokens.length && text !== visible(tokens[at]));
  if (wrong.length) found.push(`token ${wrong[0][0]} is shown as ${wrong[0][1]} and is ${tokens[wrong[0][0]]}`);
  const isGapless = view !== "walk";
  if (isGapless && shown.length < tokens.length) found.push(`${shown.length} of ${tokens.length} tokens are shown`);
  return found;
}

// A component by its name; the last one is remembered, for finding it is work.
let known = null;
function find(name) {
  const isKnown = known?.isConnected && known.dataset.headlight === name;
  known = isKnown ? known : everything().find((node) => node.dataset?.headlight === name);
  return known;
}

const componentOf = (view) => ({ attention: "attention", walk: "steps", example: "textbook" })[view] ?? "positions";

// What there is to wait for, asked often: whether anything else is wrong is asked afterwards.
function busy({ view, said }) {
  const app = document.querySelector("[data-testid=stApp]");
  if (app?.dataset.testScriptState !== "notRunning") return ["the script is running"];
  if (said || view === "mistakes") return [];
  const state = find(componentOf(view))?.dataset.state ?? "ready";
  return state === "ready" ? [] : [`${componentOf(view)} is ${state}`];
}

function missing({ view, tokens }) {
  if (view === "mistakes") return document.querySelector(".broken") ? [] : ["no mistake is shown"];
  const name = componentOf(view);
  const root = find(name);
  if (!root) return [`${name} is not there`];
  if (name === "positions" && root.dataset.view !== view) return [`${root.dataset.view} is shown`];
  return misread(view, root, tokens);
}

function wrong(asked) {
  const waits = busy(asked);
  if (waits.length) return waits;
  const nodes = everything();
  const found = [];
  const alerts = [...document.querySelectorAll("[data-testid=stAlert]")];
  const told = alerts.map((node) => node.innerText.replaceAll("\u2060", "")).join("\n");
  if (asked.said) {
    if (!told.includes(asked.said)) found.push(`it does not say ${asked.said}`);
  } else {
    found.push(...missing(asked));
  }
  const box = document.querySelector(".st-key-text input");
  if (!box) found.push("the text's box is gone");
  else if (box.value !== asked.typed) found.push(`the box holds ${box.value.length} characters: ${box.value.slice(0, 60)}`);
  if (window[asked.flag]) found.push("A SCRIPT RAN");
  if (document.title !== "Headlight") found.push(`the title is ${document.title}`);
  if (getComputedStyle(document.body).display === "none") found.push("the page is hidden");
  const written = nodes.filter((node) => ["script", "style"].includes(node.localName) && !node.src);
  const own = asked.typed.trim();
  const isIn = (node) => node.textContent.includes(asked.flag) || (own.length > 20 && node.textContent.includes(own));
  if (written.some(isIn)) found.push("a script or a style holds the text");
  const exception = document.querySelector("[data-testid=stException]");
  if (exception) found.push(`an exception is shown: ${exception.textContent.slice(0, 200)}`);
  if (alerts.some((node) => node.querySelector(FORMATTED))) found.push("a notice is formatted");
  for (const [name, count] of Object.entries(countLive(nodes))) {
    if (count > (asked.usual?.[name] ?? Infinity)) found.push(`${count} × ${name}, usually ${asked.usual[name]}`);
  }
  return [...found, ...burst(nodes)];
}

// How many runs of the script have ended: Streamlit sends a message for each.
let runs = 0;
const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", async ({ data }) => {
      const bytes = new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : data);
      // What came with it is drawn first.
      if (isFinished(bytes)) requestAnimationFrame(() => requestAnimationFrame(() => (runs += 1)));
    });
  }
};

// A message is fields: a tag, and a number or a length with so many bytes.
function isFinished(bytes) {
  const number = () => {
    let value = 0;
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    return value;
  };
  let at = 0;
  while (at < bytes.length) {
    const tag = number();
    if (tag === FINISHED) return true;
    const value = number();
    if (tag % 8 === 2) at += value;
  }
  return false;
}

const held = () => [document.querySelector(".st-key-text input").value, runs];

window.anyText = { wrong, held, find, live: () => countLive(everything()) };
