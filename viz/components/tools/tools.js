// Tools: what the header has beside the choices, one after the other: words, look, tour, link.
// Knows the parts and where each is to stand; not what they do. One component, for each costs every
// run of the server a message, and the browser a widget and a script to fetch.

import { component, el } from "../attention/dom.js";
import { createBorrowed } from "./borrowed.js";
import { createLook } from "./look.js";
import { createShare } from "./share.js";
import { createTerms } from "./terms.js";
import { createTour } from "./tour.js";

// Those without a picture are given a place all the same; it takes no room.
const PARTS = { terms: createTerms, borrowed: createBorrowed, look: createLook, tour: createTour, share: createShare };

function createView(root) {
  const places = Object.keys(PARTS).map((part) => el("div", { "data-part": part }));
  root.replaceChildren(...places);
  const views = places.map((place) => [place.dataset.part, PARTS[place.dataset.part](place)]);
  return {
    receive(data) {
      for (const [part, view] of views) view.receive(data[part]);
    },
    destroy() {
      for (const [, view] of views) view.destroy();
    },
  };
}

export default component("tools", createView);
