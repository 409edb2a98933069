// @vitest-environment jsdom
// The Expo example as Expo draws it in a browser (react-native-web), against a real HTTP server with
// the feed: what is shown, what moves, and what is said when the server or the network is gone.
import AsyncStorage from "@react-native-async-storage/async-storage";
import { cleanup, configure, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createElement as h } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { FeedServer } from "./feed.js";

// Node's own takes no event of jsdom's.
vi.stubGlobal("WebSocket", WebSocket);
// Longer than a busy machine takes, for nothing here is about how fast it is.
configure({ asyncUtilTimeout: 20_000 });
vi.setConfig({ testTimeout: 60_000 });

let server: FeedServer;
let close: () => Promise<void> = async () => undefined;

const fixture = (id: number, home: string, away: string) => ({
  id, competition: "E0", competition_name: "Premier League", season: "2026/27", kickoff: "2026-11-28T15:00:00Z", kickoff_precision: "minute",
  home: { id: 10 * id, sport: "football", name: home }, away: { id: 10 * id + 1, sport: "football", name: away }, neutral: false, status: "scheduled", stats: {}, score: null,
});
const row = (id: number, home: string, away: string, probability: number) => ({
  fixture: fixture(id, home, away), prediction: { model: "blend", probabilities: [probability, 0.25, 0.75 - probability] }, market: null, edge: null, play: null,
});
const made = (as_of: string, home: number) => ({ fixture_id: 8, as_of, play: null, markets: [{ market: "h2h", outcomes: [{ probability: home }, { probability: 0.25 }, { probability: 0.75 - home }] }] });

/** Starts the app anew, as after it was swept away: only what the device holds is left. */
async function launch(): Promise<void> {
  vi.resetModules();
  vi.stubEnv("EXPO_PUBLIC_SPORTS_EDGE_URL", server.url);
  const [{ default: App }, { client }] = await Promise.all([import("../examples/expo/App.js"), import("../examples/expo/src/client.js")]);
  close = () => client.close();
  render(h(App));
}

/** Ends it, with what is to be kept written. */
async function end(): Promise<void> {
  cleanup();
  await close();
}

beforeEach(async () => {
  await AsyncStorage.clear();
  server = await new FeedServer().start();
  server.set("board?limit=30", { data: [row(8, "Arsenal", "Chelsea", 0.5), row(9, "Leeds", "Everton", 0.4)] });
  server.set("fixtures/8", fixture(8, "Arsenal", "Chelsea"));
  server.set("fixtures/8/prediction", made("2026-11-28T12:00:00Z", 0.5));
});
afterEach(async () => {
  await end();
  await server.stop();
  vi.unstubAllEnvs();
});

it("a board of tiles moves with the feed", async () => {
  await launch();
  expect((await screen.findByTestId("home-8")).textContent).toBe("50.0 %");
  await waitFor(() => expect(screen.getByTestId("connection").textContent).toBe("Live"));
  server.change("board?limit=30", { data: [{ ...row(8, "Arsenal", "Chelsea", 0.55), play: { phase: "in_play", score: { home: 1, away: 0 }, clock: { period: 1, seconds: 605, running: true } } }, row(9, "Leeds", "Everton", 0.4)] });
  await waitFor(() => expect(screen.getByTestId("home-8").textContent).toBe("55.0 %"));
  expect(screen.getByTestId("tile-8").textContent).toContain("1:0 · 11′ of period 1");
  expect(screen.getByTestId("home-9").textContent).toBe("40.0 %");
  expect(screen.getByLabelText("home 55.0 %, draw 25.0 %, away 20.0 %")).toBeTruthy();
});

it("a tile opens its game, which shows who wins and how that moves", async () => {
  await launch();
  fireEvent.click(await screen.findByTestId("tile-8"));
  expect((await screen.findByTestId("probability-home")).textContent).toBe("home 50.0 %");
  expect(screen.getByRole("heading").textContent).toBe("Arsenal – Chelsea");
  expect(screen.getByTestId("age").textContent).toMatch(/^known \d+ s ago, from network$/);
  await waitFor(() => expect(screen.getByTestId("connection").textContent).toBe("Live"));
  server.change("fixtures/8/prediction", made("2026-11-28T12:01:00Z", 0.6));
  await waitFor(() => expect(screen.getByTestId("probability-home").textContent).toBe("home 60.0 %"));
  fireEvent.click(screen.getByText("‹ Board"));
  expect(screen.getByTestId("tile-9")).toBeTruthy();
});

it("without a server it starts with what AsyncStorage kept, says so, and goes on when there is one", async () => {
  await launch();
  await screen.findByTestId("tile-8");
  await waitFor(() => expect(screen.getByTestId("connection").textContent).toBe("Live"));
  await end();
  await server.stop();
  await launch();
  expect((await screen.findByTestId("home-8")).textContent).toBe("50.0 %");
  await waitFor(() => expect(screen.getByTestId("connection").textContent).toBe("Offline: what is shown was last known"));
  await server.start();
  server.change("board?limit=30", { data: [row(8, "Arsenal", "Chelsea", 0.45)] });
  fireEvent(window, new Event("online"));
  await waitFor(() => expect(screen.getByTestId("home-8").textContent).toBe("45.0 %"));
  expect(screen.queryByTestId("stale")).toBeNull();
});

it("a board that cannot be had is said, not shown empty", async () => {
  server.states.delete("board?limit=30");
  await launch();
  expect((await screen.findByText(/^The board cannot be had: /)).textContent).toContain("There is nothing at this path");
});

it("what is type-checked here is what its own package.json asks for", () => {
  const read = (path: string) => JSON.parse(readFileSync(join(import.meta.dirname, path), "utf8")) as Record<"dependencies" | "devDependencies", Record<string, string>> & { version: string };
  const [example, sdk] = [read("../examples/expo/package.json"), read("../package.json")];
  for (const name of ["react-native", "@react-native-async-storage/async-storage", "@react-native-community/netinfo"]) expect(example.dependencies[name], name).toBe(sdk.devDependencies[name]);
  for (const name of ["react-native-web", "react-native-safe-area-context"]) expect(example.dependencies[name], name).toBe(`~${sdk.devDependencies[name]}`);
  expect(example.dependencies["@sports-edge/sdk"]).toBe(`file:../../sports-edge-sdk-${sdk.version}.tgz`);
});
