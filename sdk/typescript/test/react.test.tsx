// @vitest-environment jsdom
// Hooks drawn by React against a real HTTP server.
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, cleanup, render, screen, waitFor } from "@testing-library/react";
import { Component, createElement as h, Suspense, type ReactNode } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToReadableStream, renderToString } from "react-dom/server.browser";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createClient, type Client, type Key } from "../src/index.js";
import { SportsEdgeProvider, useBoard, useConnection, useEdges, useFixture, useFreshness, useKey, usePrediction, useWinProbability } from "../src/react.js";
import { follow, queryOptions } from "../src/tanstack.js";
import { FeedServer } from "./feed.js";

let server: FeedServer;
let client: Client;
const KEY = "fixtures/8" as Key<{ n: number; m?: number }>;
const make = () => createClient({ baseUrl: server.url, live: false, pollMs: 100, tabs: false });
const show = (child: ReactNode) => render(h(SportsEdgeProvider, { client }, child));

beforeEach(async () => {
  server = await new FeedServer().start();
  server.set(KEY, { n: 0 });
  client = make();
});
afterEach(async () => {
  cleanup();
  await client.close();
  await server.stop();
});

function Fixture({ drawn }: { drawn?: () => void }) {
  const { data, source, stale, age } = useKey(KEY);
  drawn?.();
  return h("p", null, data ? `n=${data.n} ${source} ${stale} ${age >= 0}` : "nothing yet");
}

it("shows what comes and what changes", async () => {
  show(h(Fixture));
  expect(screen.getByText("nothing yet")).toBeTruthy();
  await screen.findByText("n=0 network false true");
  server.change(KEY, { n: 1 });
  await screen.findByText("n=1 network false true");
  cleanup();
  show(h(Fixture));
  expect(screen.getByText(/n=1 memory/)).toBeTruthy();
});

it("draws again only when what it selected has changed", async () => {
  let draws = 0;
  const Part = () => {
    const { data, rev } = useKey(KEY, { select: ({ n }) => [n] });
    draws += 1;
    return h("p", null, `n=${data} ${rev}`);
  };
  show(h(Part));
  await screen.findByText(/n=0/);
  const before = draws;
  server.change(KEY, { m: 1 });
  await waitFor(() => expect(client.peek(KEY)?.data.m).toBe(1));
  expect(draws).toBe(before);
  server.change(KEY, { n: 2 });
  await screen.findByText(/n=2/);
});

it("a page drawn by a server is taken over without a second request", async () => {
  await client.load(KEY);
  const initial = JSON.parse(JSON.stringify(client.dehydrate())) as ReturnType<Client["dehydrate"]>;
  const html = renderToString(h(SportsEdgeProvider, { client }, h(Fixture)));
  expect(html).toContain("n=0");
  const requests = server.seen.length;
  const there = createClient({ baseUrl: server.url, live: false, tabs: false });
  const holder = document.body.appendChild(document.createElement("div"));
  holder.innerHTML = html;
  const faults: unknown[] = [];
  const root = await act(async () => hydrateRoot(holder, h(SportsEdgeProvider, { client: there, initial }, h(Fixture)), { onRecoverableError: (fault) => faults.push(fault) }));
  await new Promise((done) => setTimeout(done, 200));
  expect(holder.textContent).toContain("n=0");
  expect(server.seen.length).toBe(requests);
  expect(faults).toEqual([]);
  act(() => root.unmount());
  holder.remove();
  await there.close();
});

it("a page that is taken over says how old a state is as the server said it, and goes on from there", async () => {
  let time = 1_000_000;
  const clock = () => time;
  await client.close();
  client = createClient({ baseUrl: server.url, live: false, tabs: false, clock });
  const Age = () => h("p", null, `${useKey(KEY).age} ${useKey(KEY).stale} ${useFreshness(KEY).age} ${useFreshness(KEY).stale}`);
  await client.load(KEY);
  client.store.mark(KEY, { seen: client.clock.now() - 7 });
  const html = renderToString(h(SportsEdgeProvider, { client }, h(Age)));
  expect(html).toContain("7 false 7 false");
  time += 60_000;
  const initial = JSON.parse(JSON.stringify(client.dehydrate())) as ReturnType<Client["dehydrate"]>;
  const there = createClient({ baseUrl: server.url, live: false, tabs: false, clock });
  there.clock.learn(client.clock.now(), time, time + 1_000);
  const holder = document.body.appendChild(document.createElement("div"));
  holder.innerHTML = html;
  const faults: unknown[] = [];
  const root = await act(async () => hydrateRoot(holder, h(SportsEdgeProvider, { client: there, initial }, h(Age)), { onRecoverableError: (fault) => faults.push(fault) }));
  expect(faults).toEqual([]);
  await waitFor(() => expect(holder.textContent).not.toContain("7 false 7 false"));
  act(() => root.unmount());
  holder.remove();
  await there.close();
});

it("waits by Suspense where it is asked to, and tells an error", async () => {
  const Waiting = ({ of }: { of: Key }) => h("p", null, JSON.stringify(useKey(of, { suspense: true }).data));
  show(h(Suspense, { fallback: "waiting" }, h(Waiting, { of: KEY })));
  expect(screen.getByText("waiting")).toBeTruthy();
  await screen.findByText('{"n":0}');
  const Failing = () => h("p", null, String(useFixture(9).error));
  show(h(Failing));
  await screen.findByText(/There is nothing at this path/);
  expect(() => render(h(Fixture))).toThrow("SportsEdgeProvider");
});

class Boundary extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};
  static getDerivedStateFromError = (error: Error) => ({ error });
  override render() {
    const again = h("button", { onClick: () => this.setState({ error: undefined as never }) }, `caught: ${this.state.error?.message}`);
    return this.state.error ? again : this.props.children;
  }
}

it("throws by Suspense what keeps a state from being had, and asks anew for who draws later", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  let time = 1_000_000;
  await client.close();
  client = createClient({ baseUrl: server.url, live: false, tabs: false, clock: () => time });
  const Waiting = ({ of }: { of: Key }) => h("p", null, JSON.stringify(useKey(of, { suspense: true }).data));
  const page = (of: Key) => h(Boundary, null, h(Suspense, { fallback: "waiting" }, h(Waiting, { of })));
  show(page("fixtures/9"));
  const again = await screen.findByText(/caught: There is nothing at this path/);
  expect(server.seen).toHaveLength(1);
  act(() => again.click());
  await screen.findByText(/caught/);
  expect(server.seen).toHaveLength(1);
  time += 1_000;
  server.set("fixtures/9", { n: 9 });
  act(() => screen.getByText(/caught/).click());
  await screen.findByText('{"n":9}');
  // A server that draws in a stream goes on, too.
  const faults: unknown[] = [];
  const stream = await renderToReadableStream(h(SportsEdgeProvider, { client }, page("fixtures/10")), { onError: (fault) => void faults.push(fault) });
  await stream.allReady;
  expect(String(faults[0])).toContain("There is nothing at this path");
});

it("remembers why so many keys could not be had, and no more", () => {
  for (let n = 0; n < 150; n += 1) client.store.fail(`fixtures/${n}`, new Error(String(n)));
  expect(client.store.keys()).toHaveLength(100);
  expect(client.store.error("fixtures/149")).toMatchObject({ message: "149" });
});

it("tells the connection and how old a state is", async () => {
  const State = () => {
    const { state } = useConnection();
    const { age, stale, doubt } = useFreshness(KEY, 20);
    return h("p", null, `${state} ${age === undefined ? "none" : age >= 0} ${stale} ${doubt}`);
  };
  show(h("div", null, h(State), h(Fixture)));
  expect(screen.getByText(/none false null/)).toBeTruthy();
  await screen.findByText("polling true false null");
  act(() => client.store.mark(KEY, { doubt: "why" }));
  expect(screen.getByText(/true true why/)).toBeTruthy();
});

it("draws a line of who wins and prolongs it", async () => {
  const made = (as_of: string, home: number) => ({ as_of, markets: [{ market: "h2h", outcomes: [{ probability: home }, { probability: 1 - home }] }] });
  server.set("fixtures/8/prediction", made("2026-01-08T00:00:00Z", 0.5));
  server.set("board", { data: [] });
  server.set("edges", { data: [] });
  const batch = vi.spyOn(client, "post").mockResolvedValue({ data: [{ prediction: made("2026-01-01T00:00:00Z", 0.4) }, { prediction: null }, { prediction: made("2026-01-08T00:00:00Z", 0.5) }] } as never);
  const Line = () => {
    const { data } = useWinProbability(8, { points: 3 });
    const lists = [useBoard().data, useEdges().data, usePrediction(8).data].filter(Boolean).length;
    return h("p", null, `${lists} ${data?.map(({ probabilities }) => probabilities[0]).join(",")}`);
  };
  show(h(Line));
  await screen.findByText("3 0.4,0.5");
  expect((batch.mock.calls[0]![1] as unknown as { body: { data: unknown[] } }).body.data).toHaveLength(3);
  server.change("fixtures/8/prediction", made("2026-01-08T01:00:00Z", 0.6));
  await screen.findByText("3 0.4,0.5,0.6");
  // Of a game that was abandoned nothing is forecast: no point, and none without figures.
  server.change("fixtures/8/prediction", { as_of: "2026-01-08T02:00:00Z", markets: [] });
  server.change("fixtures/8/prediction", made("2026-01-08T03:00:00Z", 0.7));
  await screen.findByText("3 0.4,0.5,0.6,0.7");
});

/** A line of a fixture, and what became of it. */
function Line({ id }: { id: number }) {
  const { data, error } = useWinProbability(id, { points: 2 });
  return h("p", null, `${id}: ${data?.map(({ probabilities }) => probabilities[0]).join(",")} ${error ? "failed" : "fine"}`);
}
const predicted = (as_of: string, home: number) => ({ as_of, markets: [{ market: "h2h", outcomes: [{ probability: home }] }] });

it("draws the line of the fixture that is asked for now, whichever answer comes last", async () => {
  for (const id of [8, 9]) server.set(`fixtures/${id}/prediction`, predicted("2026-01-08T00:00:00Z", id / 10));
  const answers: (() => void)[] = [];
  vi.spyOn(client, "post").mockImplementation((_, asked) => {
    const id = (asked as unknown as { body: { data: { fixture_id: number }[] } }).body.data[0]!.fixture_id;
    const answer = { data: [{ prediction: predicted("2026-01-01T00:00:00Z", id / 100) }, { prediction: predicted("2026-01-08T00:00:00Z", id / 10) }] };
    return new Promise((done) => answers.push(() => done(answer as never)));
  });
  const of = (id: number) => h(SportsEdgeProvider, { client }, h(Line, { id }));
  const view = render(of(8));
  await waitFor(() => expect(answers).toHaveLength(1));
  view.rerender(of(9));
  await waitFor(() => expect(answers).toHaveLength(2));
  await act(async () => answers[1]!());
  await screen.findByText("9: 0.09,0.9 fine");
  await act(async () => answers[0]!());
  screen.getByText("9: 0.09,0.9 fine");
  server.change("fixtures/9/prediction", predicted("2026-01-08T01:00:00Z", 0.95));
  await screen.findByText("9: 0.09,0.9,0.95 fine");
});

it("asks for the beginning of a line again after it could not be had, and then the error is gone", async () => {
  server.set("fixtures/8/prediction", predicted("2026-01-08T00:00:00Z", 0.5));
  const batch = vi.spyOn(client, "post").mockRejectedValueOnce(new Error("no answer"));
  batch.mockResolvedValue({ data: [{ prediction: predicted("2026-01-01T00:00:00Z", 0.4) }, { prediction: predicted("2026-01-08T00:00:00Z", 0.5) }] } as never);
  show(h(Line, { id: 8 }));
  await screen.findByText("8: 0.5 failed");
  // What came meanwhile stays behind it.
  server.change("fixtures/8/prediction", predicted("2026-01-08T01:00:00Z", 0.6));
  await screen.findByText(/^8: 0.4,0.5.* fine$/);
  await screen.findByText("8: 0.4,0.5,0.6 fine");
  expect(batch).toHaveBeenCalledTimes(2);
});

it("a query of TanStack shows what the client holds and follows it", async () => {
  const queries = new QueryClient();
  const end = follow(client, queries);
  const Query = () => h("p", null, JSON.stringify(useQuery(queryOptions(client, KEY)).data));
  const view = render(h(QueryClientProvider, { client: queries }, h(Query)));
  await screen.findByText('{"n":0}');
  server.change(KEY, { n: 3 });
  await screen.findByText('{"n":3}');
  expect(queryOptions(client, KEY).initialData).toEqual({ n: 3 });
  view.unmount();
  await waitFor(() => expect(client.store.watched()).toEqual([]));
  end();
  queries.clear();
});
