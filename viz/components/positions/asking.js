// Asking: fetches views, one at a time; while one is on its way only the latest wish is kept.
// Does not know what is in them.
// A slider that is dragged asks as often as answers come back, and not once a pixel.

export class Gone extends Error {}

export function createAsking(answered, failed) {
  let wish = null;
  let busy = false;

  async function pump() {
    busy = true;
    while (wish) {
      const { address, event } = wish;
      wish = null;
      try {
        const response = await fetch(address);
        if (response.status === 410) throw new Gone(address);
        if (!response.ok) throw new Error(`${response.status} ${address}`);
        const bytes = new Uint8Array(await response.arrayBuffer());
        // An answer to an older wish is drawn, too, while a slider is dragged: it follows the hand.
        answered(bytes, address, event, wish === null);
      } catch (error) {
        if (!wish) failed(error);
      }
    }
    busy = false;
  }

  return (address, event) => {
    // A wish that takes the place of another answers what that one was for, too.
    wish = { address, event: event ?? wish?.event ?? null };
    if (!busy) pump();
  };
}
