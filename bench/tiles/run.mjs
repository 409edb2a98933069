// What a page of 200 live tiles costs at 2,000 updates a second on a processor four times slower: long
// tasks, and script and all work of the page's thread per update, beside SWR and TanStack Query.
//
//   npm ci && node run.mjs [--rounds 3] [--seconds 8] [--rate 2000] [--slower 4] [--chromium /usr/bin/chromium]
//
// A small server in this program speaks the live protocol to all alike. Prints one JSON object; exits 1
// where a target is missed.
import { build } from "esbuild";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { WebSocketServer } from "ws";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "8" },
    rate: { type: "string", default: "2000" },
    slower: { type: "string", default: "4" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});
const [rounds, seconds, rate, slower] = [values.rounds, values.seconds, values.rate, values.slower].map(Number);
const TILES = 200;
const KINDS = ["sdk", "swr", "tanstack"];

const built = await build({
  entryPoints: [new URL("page.js", import.meta.url).pathname],
  alias: { react: new URL("node_modules/react", import.meta.url).pathname, "react-dom": new URL("node_modules/react-dom", import.meta.url).pathname },
  define: { "process.env.NODE_ENV": `"production"` },
  bundle: true,
  minify: true,
  write: false,
  format: "esm",
  target: "es2022",
});
const script = built.outputFiles[0].text;

const server = createServer((request, response) => {
  const page = request.url.startsWith("/?");
  response.setHeader("content-type", page ? "text/html" : "text/javascript");
  if (page) response.end(`<!doctype html><meta charset="utf-8"><style>ul{display:grid;grid-template-columns:repeat(10,1fr)}li{height:40px;list-style:none;contain:strict}</style><body><script type="module" src="/page.js"></script>`);
  else if (request.url === "/page.js") response.end(script);
  else response.writeHead(404).end();
});
/** A revision as the server writes it. */
const idOf = (count) => `${1_700_000_000_000 + count}.00000000abcd`;
const sockets = new WebSocketServer({ server });
let sent = 0;
sockets.on("connection", (socket) => {
  const revisions = new Map();
  const say = (frame) => socket.send(JSON.stringify(frame));
  say({ t: "hb", ts: Date.now() });
  socket.on("message", (text) => {
    for (const k of JSON.parse(text).k) {
      revisions.set(k, 1);
      say({ t: "snap", k, id: idOf(1), ts: Date.now(), d: { home: "Home", away: "Away", p: 0.5, s: 0, clock: { period: 1, seconds: 0 }, moments: [] } });
    }
  });
  // Evenly, as far as a timer can: what is due since the last tick.
  let due = performance.now();
  const timer = setInterval(() => {
    if (revisions.size < TILES) return void (due = performance.now());
    for (; due < performance.now(); due += 1000 / rate) {
      const k = `fixtures/${1 + (sent % TILES)}/play`;
      const b = revisions.get(k);
      revisions.set(k, b + 1);
      sent += 1;
      say({ t: "d", k, b: idOf(b), id: idOf(b + 1), ts: Date.now(), d: [["/p", Math.random()], ["/s", sent % 7]] });
    }
  }, 1);
  socket.on("close", () => clearInterval(timer));
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const address = `http://127.0.0.1:${server.address().port}`;

async function once(browser, kind) {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(kind, error));
  const client = await page.context().newCDPSession(page);
  await client.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.goto(`${address}/?kind=${kind}`);
  await page.waitForFunction((tiles) => document.querySelectorAll("li").length === tiles && window.drawn > 2 * tiles, TILES);
  await client.send("Emulation.setCPUThrottlingRate", { rate: slower });
  await page.waitForTimeout(1_000);
  const metrics = async () => Object.fromEntries((await client.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
  await page.evaluate(() => (window.long = []));
  const [from, before] = [await metrics(), sent];
  await page.waitForTimeout(1_000 * seconds);
  const [to, updates] = [await metrics(), sent - before];
  const long = await page.evaluate(() => window.long);
  await page.close();
  const spent = (name) => (1e6 * (to[name] - from[name])) / updates;
  return { updates, script_us: spent("ScriptDuration"), task_us: spent("TaskDuration"), long: long.length, longest: Math.max(0, ...long) };
}

const browser = await chromium.launch({ executablePath: values.chromium, args: ["--no-sandbox", "--disable-gpu", "--headless"] });
const told = Object.fromEntries(KINDS.map((kind) => [kind, []]));
for (let round = 0; round < rounds; round += 1) for (const kind of KINDS) told[kind].push(await once(browser, kind));
await browser.close();
server.close();
server.closeAllConnections();

const middle = (kind, of) => told[kind].map(of).sort((a, b) => a - b)[rounds >> 1];
const result = Object.fromEntries(KINDS.map((kind) => [kind, {
  updates_per_s: Math.round(middle(kind, (it) => it.updates) / seconds),
  script_us: Number(middle(kind, (it) => it.script_us).toFixed(1)),
  task_us: Number(middle(kind, (it) => it.task_us).toFixed(1)),
  long_tasks: told[kind].map((it) => it.long),
  longest_ms: Math.round(Math.max(...told[kind].map((it) => it.longest))),
}]));
const { sdk, swr, tanstack } = result;
const ratios = { to_swr: Number((sdk.script_us / swr.script_us).toFixed(2)), to_tanstack: Number((sdk.script_us / tanstack.script_us).toFixed(2)) };
const missed = sdk.longest_ms > 50 || ratios.to_swr > 0.5 || ratios.to_tanstack > 0.3;
console.log(JSON.stringify({ tiles: TILES, rate, slower, rounds, seconds, ...result, ...ratios, missed }, null, 2));
process.exit(missed ? 1 : 0);
