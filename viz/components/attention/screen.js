// Screen: from places on the screen to places in an element, which projector mode enlarges.
// Does not know what is enlarged, nor by whom.
// Events and boxes are in pixels of the screen; widths, heights and styles in the element's own.

// How many pixels of the screen one of the element's takes. Browsers that do not tell enlarge nothing.
export const enlargement = (node) => node.currentCSSZoom ?? 1;

// How many dots a canvas needs for one of its pixels.
export const sharpness = (node) => (window.devicePixelRatio || 1) * enlargement(node);

// The height of the window in the element's pixels.
export const windowHeight = (node) => window.innerHeight / enlargement(node);

// Where a point on the screen lies in an element.
export function pointIn(node, x, y) {
  const { left, top } = node.getBoundingClientRect();
  const larger = enlargement(node);
  return [(x - left) / larger, (y - top) / larger];
}

export const isProjected = () => document.documentElement.hasAttribute("data-projector");
