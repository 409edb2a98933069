// The ways to the server's feed, best first: a WebSocket, a stream of server-sent events, a request
// that waits. Each turns what comes into frames, and says when it opened and when it ended.
import type { Key } from "../api.js";
import type { Http } from "../http.js";
import type { Ask, Frame } from "./frames.js";
import { frameOf } from "./frames.js";

/** Where the feed is. */
export const LIVE = "/v1/live";
/** How long a request may be held when there is nothing new, in milliseconds. */
const WAIT_MS = 20_000;
/** The code of a close that says that trying again is no use. */
const FORBIDDEN = 4403;
/** From one request that waits to the next, in milliseconds: at least the first, and the second where nothing was gained. */
const APART_MS = 100;
const VAIN_MS = 1_000;
/** Keys that change together are told to the server together. */
const SETTLE_MS = 20;

/** What a connection tells. `ended` comes once; `gone` says that the server has no such way. */
export interface Ear {
  opened(): void;
  frame(frame: Frame, size: number): void;
  ended(gone: boolean): void;
}

/** What a connection follows: the keys, and the revision held of each. */
export interface Wish {
  keys(): Key[];
  held(key: Key): string | null;
}

/** One connection. */
export interface Link {
  /** The keys have changed. */
  changed(): void;
  /** Asks for a key anew: the whole of it. */
  again(key: Key): void;
  close(): void;
}

/** A way of connecting. */
export type Rung = (http: Http, wish: Wish, ear: Ear) => Link;

// As JSON, what is not held is left out.
const asked = (wish: Wish, k: Key[]): Ask => ({ op: "sub", k, since: Object.fromEntries(k.map((key) => [key, wish.held(key) ?? undefined])) });

/** A WebSocket. With an API key a ticket is fetched first, for a socket carries no headers. */
export const ws: Rung = (http, wish, ear) => {
  let socket: WebSocket | undefined;
  let over = false;
  let following = new Set<Key>();
  const say = (ask: Ask) => ask.k.length > 0 && socket!.send(JSON.stringify(ask));
  const end = (gone = false) => {
    if (over) return;
    over = true;
    socket?.close();
    ear.ended(gone);
  };
  const update = () => {
    if (socket?.readyState !== 1) return;
    const now = new Set(wish.keys());
    say({ op: "unsub", k: [...following].filter((key) => !now.has(key)) });
    say(asked(wish, [...now].filter((key) => !following.has(key))));
    following = now;
  };
  const open = async () => {
    const { socket: made } = http.options;
    if (!made && typeof WebSocket === "undefined") return end(true);
    const address = http.base.replace(/^http/, "ws") + LIVE;
    const ticket = http.options.apiKey ? await fetchTicket(http) : "";
    if (over) return;
    socket = made ? made(address + ticket) : new WebSocket(address + ticket);
    socket.onopen = update;
    socket.onmessage = ({ data }) => {
      // The server speaks first to whom it lets in; others are told why not by the close.
      ear.opened();
      const frame = frameOf(data as string);
      if (frame) ear.frame(frame, (data as string).length);
    };
    socket.onerror = () => end();
    socket.onclose = ({ code }) => end(code === FORBIDDEN);
    update();
  };
  open().catch((error: unknown) => end(http.tools.saysNo(error)));
  const changed = settled(update);
  return { changed, again: (key) => following.has(key) && say(asked(wish, [key])), close: () => end() };
};

async function fetchTicket(http: Http): Promise<string> {
  const { text } = await http.send({ method: "POST", address: `${LIVE}/tickets` });
  return `?ticket=${encodeURIComponent((http.tools.parsed(text) as { ticket: string }).ticket)}`;
}

/** The address of a stream or a request that waits: keys in order, and what is held of each. */
function liveAddress(wish: Wish, keys: Key[], more: string): string {
  const query = new URLSearchParams();
  for (const key of keys) query.append("k", key);
  // React Native's own has no `set`.
  query.append("since", keys.map((key) => wish.held(key) ?? "-").join(","));
  return `${LIVE}?${query}${more}`;
}

/** Runs a loop of requests, each cut short when the keys change. */
function looped({ tools }: Http, wish: Wish, ear: Ear, once: (keys: Key[], signal: AbortSignal) => Promise<void>): Link {
  let over = false;
  let cut = new AbortController();
  const run = async () => {
    while (!over) {
      cut = new AbortController();
      const keys = wish.keys();
      try {
        await (keys.length > 0 ? once(keys, cut.signal) : tools.sleep(WAIT_MS, cut.signal));
      } catch (error) {
        if (cut.signal.aborted) continue;
        over = true;
        ear.ended(tools.saysNo(error));
      }
    }
  };
  void run();
  const stop = () => cut.abort();
  return {
    changed: settled(stop),
    again: stop,
    close: () => {
      over = true;
      stop();
    },
  };
}

/** Server-sent events, read with `fetch` so that keys and sessions travel as in any call. */
export const sse: Rung = (http, wish, ear) =>
  looped(http, wish, ear, async (keys, signal) => {
    const address = liveAddress(wish, keys, "");
    const reader = (await http.stream(address, signal)).getReader();
    ear.opened();
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error(); // The stream ended.
      const events = (rest + decoder.decode(value, { stream: true })).replace(/\r\n?/g, "\n").split("\n\n");
      rest = events.pop()!;
      for (const event of events) {
        // Of each line what follows `data:`, of others nothing.
        const text = event.replace(/(\n|^)(data:|.*)/g, "");
        const frame = frameOf(text);
        if (frame) ear.frame(frame, text.length);
      }
    }
  });

/** A request that is held until there is something new; the first is not, for it says whether there is a server. */
export const poll: Rung = (http, wish, ear) => {
  let wait = 0;
  const { clock, tools } = http;
  return looped(http, wish, ear, async (keys, signal) => {
    const address = liveAddress(wish, keys, "&wait_ms=");
    const began = clock.local();
    const { text } = await http.send({ method: "GET", address: address + wait, signal, timeoutMs: WAIT_MS * 1.5, once: true });
    ear.opened();
    const { frames } = tools.parsed(text) as { frames: Frame[] };
    for (const frame of frames) ear.frame(frame, text.length);
    // A server that does not hold what leads no further must not be pressed.
    const apart = wait && address === liveAddress(wish, keys, "&wait_ms=") ? VAIN_MS : APART_MS;
    wait = WAIT_MS;
    await tools.sleep(began + apart - clock.local(), signal);
  });
};

/** Calls once for many calls that come together. */
function settled(run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      run();
    }, SETTLE_MS);
  };
}
