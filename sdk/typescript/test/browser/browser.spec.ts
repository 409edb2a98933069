// The SDK in real Chromium, on a page of the server's own origin, over the real API.
import { expect, test, type BrowserContext, type Locator, type Page } from "@playwright/test";
import { build } from "esbuild";
import { join } from "node:path";
import { PAGE_ELSEWHERE, Program } from "./program.js";

const program = new Program();
let script = "";
let fixture = 0;

/** Draws a fixture and the connection, and lets a test reach the client. */
const APP = `
import { createClient, fixture, prediction, board } from "./index.ts";
import { deviceCache, indexedDb } from "./device.ts";
const id = Number(new URLSearchParams(location.search).get("id"));
const base = new URLSearchParams(location.search).get("base");
const client = createClient({ ...(base && { baseUrl: base }), pollMs: 500, staleMs: 2000, timeoutMs: 2000, device: deviceCache({ driver: indexedDb(), gatherMs: 50 }) });
const show = () => {
  const entry = client.peek(prediction(id));
  const home = entry?.data.markets.find((one) => one.market === "h2h").outcomes[0].probability.toFixed(6);
  out.dataset.first ??= entry?.source ?? "";
  if (!out.dataset.first) delete out.dataset.first;
  out.dataset.way = client.connection.now.way;
  out.textContent = [entry?.source ?? "nothing", home, client.connection.now.state, client.connection.now.leader ? "leads" : "follows", entry && client.stale(entry) ? "stale" : "fresh"].join(" ");
};
const out = document.body.appendChild(document.createElement("p"));
client.watch(prediction(id), show);
client.connection.watch(show);
show();
`;

test.beforeAll(async () => {
  const built = await build({ stdin: { contents: APP, resolveDir: join(import.meta.dirname, "../../src"), loader: "ts" }, bundle: true, write: false, format: "esm", target: "es2022" });
  script = built.outputFiles[0]!.text;
  program.prepare();
  await program.start();
  const kickoff = new Date(Date.now() + 24 * 3_600_000).toISOString();
  const written = await program.write("fixtures", [{ competition: "E0", season: "2026/27", kickoff, home: "Arsenal", away: "Chelsea" }]);
  fixture = written.data[0]!.fixture_id;
});

test.afterAll(async () => {
  await program.kill();
  program.clear();
});

async function open(context: BrowserContext): Promise<{ page: Page; out: () => Locator }> {
  const page = await context.newPage();
  await page.goto(`${program.url}/sdk-test.html?id=${fixture}`);
  return { page, out: () => page.locator("p") };
}

/** Puts the test's page beside the server's own; without `live`, as if the server had no feed. */
async function serve(context: BrowserContext, live = false): Promise<string[]> {
  const asked: string[] = [];
  if (!live) {
    await context.route("**/v1/live*", (route) => route.fulfill({ status: 404 }));
    await context.routeWebSocket("**/v1/live*", (socket) => socket.close({ code: 4403 }));
  }
  await context.route("**/sdk-test.html*", (route) => route.fulfill({ contentType: "text/html", body: `<body><script type="module" src="/sdk-test.js"></script>` }));
  await context.route("**/sdk-test.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
  context.on("request", (request) => {
    if (request.url().includes("/prediction")) asked.push(request.url());
  });
  return asked;
}

/** The Expo example, bundled for a browser as Expo does, by the names its bundler would resolve. */
async function expoApp(): Promise<string> {
  const source = join(import.meta.dirname, "../../src");
  const built = await build({
    stdin: { contents: `import { createElement } from "react"; import { createRoot } from "react-dom/client"; import App from "./App"; createRoot(document.body).render(createElement(App));`, resolveDir: join(import.meta.dirname, "../../examples/expo"), loader: "ts" },
    alias: { "react-native": "react-native-web", "@sports-edge/sdk": join(source, "index.ts"), "@sports-edge/sdk/device": join(source, "device.ts"), "@sports-edge/sdk/react": join(source, "react.ts") },
    define: { "process.env.EXPO_PUBLIC_SPORTS_EDGE_URL": JSON.stringify(program.url), "process.env.NODE_ENV": `"production"` },
    resolveExtensions: [".web.js", ".js", ".tsx", ".ts"],
    mainFields: ["module", "main"],
    conditions: ["module"],
    jsx: "automatic",
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
  });
  return built.outputFiles[0]!.text;
}

/** What the page gives home, once it shows a prediction: the connection may be there before the first one. */
async function shown(out: Locator): Promise<string> {
  await expect(out).toContainText(/^\w+ 0\.\d{6} /);
  return (await out.textContent())!.split(" ")[1]!;
}

const quote = (price: number) =>
  program.write("quotes", [{ fixture_id: fixture, bookmaker: "one", market: "h2h", outcomes: [{ outcome: "home", price }, { outcome: "draw", price: 3 }, { outcome: "away", price: 3.1 }] }]);

test("two tabs show the same, and one asks for both", async ({ context }) => {
  const asked = await serve(context);
  const one = await open(context);
  await expect(one.out()).toContainText("polling leads fresh");
  const two = await open(context);
  await expect(two.out()).toContainText("polling follows fresh");
  await expect(two.out()).toContainText(/^tab /);
  const before = await two.out().textContent();
  await quote(1.3);
  await expect(two.out()).not.toHaveText(before!);
  await expect(one.out()).toContainText(await shown(two.out()));
  asked.length = 0;
  await one.page.waitForTimeout(3_000);
  // Half a second apart by one tab; two that asked would be twice as many.
  expect(asked.length).toBeLessThanOrEqual(7);
  await one.page.close();
  await expect(two.out()).toContainText("leads fresh");
});

test("it follows the server's feed over a socket, and asks for nothing meanwhile", async ({ context }) => {
  const asked = await serve(context, true);
  const { page, out } = await open(context);
  await expect(out()).toContainText("live leads");
  const before = await shown(out());
  asked.length = 0;
  await quote(1.6);
  await expect(out()).not.toContainText(before);
  await page.waitForTimeout(2_000);
  await expect(out()).toContainText("live leads");
  await expect(out()).toHaveAttribute("data-way", "ws");
  expect(asked).toEqual([]);
});

test("a page of another origin that the server names follows it over a socket, and one that it does not is let read nothing", async ({ context }) => {
  const asked = await serve(context, true);
  const elsewhere = async (origin: string) => {
    const page = await context.newPage();
    await page.goto(`${origin}/sdk-test.html?id=${fixture}&base=${encodeURIComponent(program.url)}`);
    return page.locator("p");
  };
  const named = await elsewhere(PAGE_ELSEWHERE);
  await expect(named).toContainText("live leads fresh");
  await expect(named).toHaveAttribute("data-way", "ws");
  const before = await shown(named);
  await quote(1.9);
  await expect(named).not.toContainText(before);
  asked.length = 0;
  const stranger = await elsewhere("http://other.example");
  await expect.poll(() => asked.length).toBeGreaterThan(0);
  await expect(stranger).toContainText("offline");
  await expect(stranger).toContainText("nothing");
});

test("a socket whose server is killed resumes at the next one", async ({ context }) => {
  await serve(context, true);
  const { out } = await open(context);
  await expect(out()).toContainText("live leads");
  const before = await shown(out());
  await program.kill();
  await expect(out()).not.toContainText("live");
  await program.start();
  await quote(3.1);
  await expect(out()).toContainText("live leads", { timeout: 30_000 });
  await expect(out()).toHaveAttribute("data-way", "ws");
  await expect(out()).not.toContainText(before);
});

test("without a network it shows what it has, and goes on when there is one again", async ({ context }) => {
  await serve(context);
  const { out } = await open(context);
  await expect(out()).toContainText("polling leads fresh");
  await context.setOffline(true);
  await expect(out()).toContainText("offline");
  await expect(out()).toContainText("stale");
  await context.setOffline(false);
  await expect(out()).toContainText("leads fresh");
});

test("a server that is killed and started again is found again", async ({ context }) => {
  await serve(context);
  const { out } = await open(context);
  await expect(out()).toContainText("polling leads fresh");
  const before = await shown(out());
  await program.kill();
  await expect(out()).toContainText("offline");
  await expect(out()).toContainText(before);
  await program.start();
  await quote(2.4);
  await expect(out()).toContainText("leads fresh");
  await expect(out()).not.toContainText(before);
});

test("a reload shows at once what the device kept", async ({ context }) => {
  await serve(context);
  const { page, out } = await open(context);
  await expect(out()).toContainText("network");
  await page.waitForTimeout(500);
  await page.reload();
  await expect(out()).toHaveAttribute("data-first", "device");
  await expect(out()).toContainText("leads fresh");
});

test("the Expo example shows the server's board, follows a game, and says when the network is gone", async ({ context }) => {
  const app = await expoApp();
  await context.route("**/expo.html", (route) => route.fulfill({ contentType: "text/html", body: `<meta charset="utf-8"><body style="height:100vh"><script type="module" src="/expo.js"></script>` }));
  await context.route("**/expo.js", (route) => route.fulfill({ contentType: "text/javascript", body: app }));
  const page = await context.newPage();
  await page.goto(`${program.url}/expo.html`);
  await expect(page.getByTestId("connection")).toHaveText("Live");
  await expect(page.getByTestId(`home-${fixture}`)).toHaveText(/^\d+\.\d %$/);
  await page.getByTestId(`tile-${fixture}`).click();
  const home = page.getByTestId("probability-home");
  await expect(home).toHaveText(/^home \d+\.\d %$/);
  const before = (await home.textContent())!;
  await quote(1.15);
  await expect(home).not.toHaveText(before);
  await expect(page.getByTestId("age")).toContainText("from network");
  await expect(page.getByLabel(/^Win probability over \d+ moments/)).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByTestId("connection")).toHaveText("Offline: what is shown was last known");
  await context.setOffline(false);
  await expect(page.getByTestId("connection")).toHaveText("Live", { timeout: 30_000 });
});
