// Tiles: asks for the parts of a map that are missing, a few at a time, and for no others.
// Does not know what a tile shows. Who scrolls on no longer wants what was in sight before.

const AT_ONCE = 2; // a server of two cores computes no more
const REST = 60; // milliseconds; a map that is scrolled passes many tiles

// get(key, signal) resolves with a tile, or throws; came(key, tile or null) is told.
export function createTiles(get, came) {
  let wanted = [];
  let resting = 0;
  const running = new Map(); // key → its controller

  async function ask(key) {
    const controller = new AbortController();
    running.set(key, controller);
    let tile = null;
    try {
      tile = await get(key, controller.signal);
    } catch {
      tile = null;
    }
    if (running.get(key) !== controller) return;
    running.delete(key);
    if (!controller.signal.aborted) came(key, tile);
    next();
  }

  function next() {
    while (wanted.length && running.size < AT_ONCE) {
      const key = wanted.shift();
      if (!running.has(key)) ask(key);
    }
  }

  function stop(others) {
    for (const [key, controller] of running) {
      if (others.includes(key)) continue;
      controller.abort();
      running.delete(key);
    }
  }

  return {
    want(keys) {
      clearTimeout(resting);
      wanted = [];
      if (!keys.length) return stop(keys);
      resting = setTimeout(() => {
        stop(keys);
        wanted = [...keys];
        next();
      }, REST);
    },
  };
}
