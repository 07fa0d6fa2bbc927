// Saving: a blob becomes a file of the reader's.
// Does not know what is in it.

import { el } from "./dom.js";

export function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  // The download has its own hold on the blob by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
