// A real client of the SDK whose only way to the feed is in the test's hands.
import { createClient, type Client } from "@sports-edge/sdk";
import type { Frame, Rung } from "@sports-edge/sdk/live";

/** What a test tells a page, and sees of it. */
export interface TestFeed {
  client: Client;
  /** What the page asked to follow last, with the revisions it holds. */
  asked: () => Record<string, string | null>;
  send: (frame: Frame) => void;
  /** The connection breaks; another is opened by itself. */
  cut: () => void;
  /** How often a connection was opened. */
  opened: () => number;
  /** No connection opens any more. */
  refuse: () => void;
}

export function testFeed(fetch: typeof globalThis.fetch = async () => new Response("", { status: 503 })): TestFeed {
  let ear: Parameters<Rung>[2] | undefined;
  let wish: Parameters<Rung>[1] | undefined;
  let [opened, refused] = [0, false];
  const way: Rung = (_, its, told) => {
    [ear, wish] = [told, its];
    opened += 1;
    if (refused) queueMicrotask(() => told.ended(false));
    else queueMicrotask(() => told.opened());
    return { changed: () => {}, again: () => {}, close: () => {} };
  };
  const client = createClient({ baseUrl: "http://server.test", live: [["test", way]], tabs: false, retries: 0, pollMs: 500, fetch });
  return {
    client,
    asked: () => Object.fromEntries((wish?.keys() ?? []).map((key) => [key, wish!.held(key)])),
    send: (frame) => ear!.frame(frame, JSON.stringify(frame).length),
    cut: () => ear!.ended(false),
    opened: () => opened,
    refuse: () => (refused = true),
  };
}

/** Surroundings with a client, for tests. */
export function surroundings(feed: TestFeed, more: { fetch?: typeof fetch; now?: () => number } = {}) {
  return { fetch: more.fetch ?? fetch, page: document, now: more.now ?? (() => Date.now()), connect: async () => feed.client };
}
