// TanStack Query's part: `@sports-edge/sdk/tanstack`. The client stays the one that asks and keeps;
// a query shows what it holds and follows what comes.
import type { Key } from "./api.js";
import type { Client } from "./client.js";

/** What is used of TanStack Query's `QueryClient`. */
export interface QueryClientLike {
  setQueryData(queryKey: readonly unknown[], data: unknown, options?: { updatedAt?: number }): unknown;
  getQueryCache(): {
    subscribe(listener: (event: { type: string; query: { queryKey: readonly unknown[]; getObserversCount(): number } }) => void): () => void;
  };
}

/** Where queries of ours begin. */
export const ROOT = "sports-edge";

/** Options of a query for `useQuery`, `prefetchQuery` and the like. */
export function queryOptions<T>(client: Client, key: Key<T>) {
  const held = client.peek(key);
  return {
    queryKey: [ROOT, key] as const,
    queryFn: async ({ signal }: { signal: AbortSignal }): Promise<T> => (await client.load(key, { maxAgeMs: 0, signal })).data,
    staleTime: client.staleMs,
    ...(held && { initialData: held.data, initialDataUpdatedAt: held.seen - client.clock.offset }),
  };
}

/** Follows every query of ours that something shows; the function returned ends that. */
export function follow(client: Client, queries: QueryClientLike): () => void {
  const ends = new Map<Key, () => void>();
  const leave = queries.getQueryCache().subscribe(({ query }) => {
    const [root, key] = query.queryKey as [unknown, Key];
    if (root !== ROOT) return;
    const shown = query.getObserversCount() > 0;
    if (shown && !ends.has(key)) {
      const told = () => {
        const entry = client.peek(key);
        if (entry) queries.setQueryData(query.queryKey, entry.data, { updatedAt: entry.seen - client.clock.offset });
      };
      ends.set(key, client.watch(key, told));
    } else if (!shown) {
      ends.get(key)?.();
      ends.delete(key);
    }
  });
  return () => {
    leave();
    for (const end of ends.values()) end();
  };
}
