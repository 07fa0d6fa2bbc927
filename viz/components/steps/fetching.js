// Fetching: the frames of steps, from the payload, from what is kept, or from the server.
// Does not draw. Knows the route of a step, nothing about the page.
// The neighbours of a step are fetched ahead, so that it is usually here before it is asked for.

import { decodeStep } from "./stepframe.js";

const MOST_FRAMES = 64;

// The recording is no longer kept: asking again is of no use.
export class Gone extends Error {}

export function createFrames() {
  let api = "";
  let kept = new Map(); // path → step, oldest first
  let running = new Map(); // path → promise

  const address = (path) => new URL(`${api}/${path}`, document.baseURI).href;

  function keep(path, step) {
    kept.delete(path);
    kept.set(path, step);
    while (kept.size > MOST_FRAMES) kept.delete(kept.keys().next().value);
  }

  async function ask(path) {
    const into = kept;
    const answer = await fetch(address(path));
    if (answer.status === 410) throw new Gone();
    if (!answer.ok) throw new Error(`${answer.status}`);
    const step = decodeStep(new Uint8Array(await answer.arrayBuffer()));
    if (into === kept) keep(path, step);
    return step;
  }

  return {
    // Of another recording nothing is kept. `bytes` is the frame that came along.
    receive(base, path, bytes) {
      if (base !== api) {
        kept = new Map();
        running = new Map();
      }
      api = base;
      keep(path, decodeStep(bytes));
    },
    path: ({ stack, layer, head, query, key }, id, around) =>
      `${stack}/${layer}/${head}/${query}/${key ?? "auto"}/${id}${around === null ? "" : `?around=${around}`}`,
    address,
    get(path) {
      const step = kept.get(path);
      if (step) keep(path, step);
      return step ?? null;
    },
    load(path) {
      if (kept.has(path)) return Promise.resolve(kept.get(path));
      if (!running.has(path)) {
        const into = running;
        into.set(path, ask(path).finally(() => into.delete(path)));
      }
      return running.get(path);
    },
    // What fails ahead of time is asked for again when it is needed, and told then.
    ahead(path) {
      this.load(path).catch(() => {});
    },
  };
}
