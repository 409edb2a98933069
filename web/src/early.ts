// The socket that a page opened before its program was there (crates/api/templates/early.js).

/** A socket, and what was heard on it so far. */
interface Early extends WebSocket {
  heard: MessageEvent[];
}

/** Gives the socket that the page opened, once and where it goes there and is of use; else a new one. */
export function socketTo(address: string): WebSocket {
  const page = globalThis as { early?: Early };
  const { early } = page;
  delete page.early;
  if (early === undefined || early.url !== address || early.readyState > WebSocket.OPEN) {
    early?.close();
    return new WebSocket(address);
  }
  // Whoever takes it listens first.
  queueMicrotask(() => {
    for (const event of early.heard) early.onmessage?.(event);
  });
  return early;
}
