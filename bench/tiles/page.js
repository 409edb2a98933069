// 200 tiles that a socket changes, drawn by React: from our client's hooks, from SWR's, from TanStack
// Query's. The same frames for all; the peers get the least that their users would write.
import { createElement as h, memo, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import useSWR, { mutate, SWRConfig } from "swr";
import { createClient } from "../../sdk/typescript/src/index.ts";
import { SportsEdgeProvider, useKey } from "../../sdk/typescript/src/react.ts";

const TILES = 200;
const keys = Array.from({ length: TILES }, (_, at) => `fixtures/${at + 1}/play`);
const begin = () => ({ home: "Home", away: "Away", p: 0.5, s: 0, clock: { period: 1, seconds: 0 }, moments: [] });
window.drawn = 0;

const Shown = ({ data }) => {
  useEffect(() => {
    window.drawn += 1;
  });
  return h("li", { className: "tile" }, h("b", null, `${data.home} – ${data.away}`), h("span", null, ` ${data.s} `), h("i", null, `${(100 * data.p).toFixed(1)} %`));
};
const list = (Tile) => h("ul", null, keys.map((name) => h(Tile, { key: name, name })));

/** The peers' own socket. */
function follow(take) {
  const held = new Map(keys.map((key) => [key, begin()]));
  const socket = new WebSocket(`ws://${location.host}/v1/live`);
  socket.onopen = () => socket.send(JSON.stringify({ op: "sub", k: keys, since: {} }));
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.t !== "d") return;
    const state = { ...held.get(frame.k) };
    for (const [pointer, value] of frame.d) state[pointer.slice(1)] = value;
    held.set(frame.k, state);
    take(frame.k, state);
  };
}

const kinds = {
  sdk() {
    const client = createClient({ tabs: false });
    const Tile = memo(({ name }) => {
      const { data } = useKey(name);
      return data ? h(Shown, { data }) : null;
    });
    return h(SportsEdgeProvider, { client }, list(Tile));
  },
  swr() {
    const Tile = memo(({ name }) => h(Shown, { data: useSWR(name, null, { fallbackData: begin() }).data }));
    follow((key, state) => void mutate(key, state, { revalidate: false }));
    return h(SWRConfig, { value: { revalidateOnFocus: false, revalidateOnReconnect: false } }, list(Tile));
  },
  tanstack() {
    const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
    const Tile = memo(({ name }) => h(Shown, { data: useQuery({ queryKey: [name], queryFn: begin, initialData: begin }).data }));
    follow((key, state) => client.setQueryData([key], state));
    return h(QueryClientProvider, { client }, list(Tile));
  },
};

window.long = [];
new PerformanceObserver((entries) => window.long.push(...entries.getEntries().map((it) => it.duration))).observe({ type: "longtask" });
createRoot(document.body.appendChild(document.createElement("main"))).render(kinds[new URLSearchParams(location.search).get("kind")]());
