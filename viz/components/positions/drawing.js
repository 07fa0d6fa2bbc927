// Drawing: brings plotly to the page, once, when the first chart is looked at.
// Does not know charts.
// Plotly writes its style sheet into the document, which a shadow root does not see: it is copied.

let coming = null;

// Returns plotly, or fails where the script cannot be had.
export function plotly(address) {
  coming ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      coming = null;
      script.remove();
      reject(new Error(address));
    };
    document.head.append(script);
  });
  return coming;
}

export function copyStyles(node) {
  const root = node.getRootNode();
  if (root === document || root.querySelector("style[data-plotly]")) return;
  const rules = [];
  for (const sheet of document.styleSheets) {
    if (!sheet.ownerNode?.id?.startsWith("plotly.js-style")) continue;
    for (const rule of sheet.cssRules) rules.push(rule.cssText);
  }
  if (!rules.length) return;
  const style = document.createElement("style");
  style.dataset.plotly = "";
  style.textContent = rules.join("\n");
  root.append(style);
}
