// How long an event takes to the screen: from just before it is sent to the server until the board in
// Chromium has painted it; server, browser and this program on one machine, by one clock.
//
//   node bench/event_to_pixel.mjs http://127.0.0.1:8080 KEY [--events 200] [--chromium /usr/bin/chromium]
//
// KEY has the scope write. Makes a game of its own. Needs `npm ci` in web/. Prints one JSON object;
// exits 1 where a target is missed.
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { parseArgs } from "node:util";

const require = createRequire(new URL("../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const TARGET = { p50_ms: 20, p99_ms: 50 };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: "string", default: "200" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});
const [base, key] = positionals;
const count = Number(values.events);

async function post(path, entry) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(base + path, { method: "POST", headers, body: JSON.stringify({ data: [entry] }) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const quantile = (sorted, share) => Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1));

const kickoff = new Date(Date.now() - 60_000).toISOString();
const game = { competition: "E0", season: `bench-${Date.now()}`, kickoff, home: "Arsenal", away: "Chelsea" };
const fixture_id = (await post("/v1/fixtures", game)).data[0].fixture_id;
await post("/v1/events", { fixture_id, sequence: 1, at: new Date().toISOString(), kind: "period_start", period: 1 });

const browser = await chromium.launch({ executablePath: values.chromium, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage();
await page.goto(base);
await page.locator("#live-state.on").waitFor();
const told = new Map();
await page.exposeFunction("painted", (score, at) => told.get(score)?.(at));
await page.evaluate((id) => {
  const row = document.querySelector(`#f${id} .teams`);
  let last = row.querySelector(".score").textContent;
  new MutationObserver(() => {
    const score = row.querySelector(".score").textContent;
    if (score === last) return;
    last = score;
    // The page changes in a frame's callback; the task after those comes when the frame was drawn.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => window.painted(Number(score), performance.timeOrigin + performance.now());
    port2.postMessage(undefined);
  }).observe(row, { subtree: true, childList: true, characterData: true });
}, fixture_id);

const took = [];
for (let event = 1; event <= count; event += 1) {
  // A score that differs from the one before.
  const home = 1 + (event % 5);
  const seen = new Promise((done) => told.set(home, done));
  const sent = performance.timeOrigin + performance.now();
  await post("/v1/events", { fixture_id, sequence: 1 + event, at: new Date().toISOString(), kind: "score", home, away: 0 });
  took.push((await seen) - sent);
  // Events do not come in step with frames.
  await new Promise((done) => setTimeout(done, 20 + Math.random() * 40));
}
await browser.close();

const sorted = took.slice(Math.min(10, count >> 2)).sort((a, b) => a - b);
const result = { events: sorted.length, p50_ms: quantile(sorted, 0.5), p90_ms: quantile(sorted, 0.9), p99_ms: quantile(sorted, 0.99), processors: cpus().length, target: TARGET };
const missed = result.p50_ms > TARGET.p50_ms || result.p99_ms > TARGET.p99_ms;
console.log(JSON.stringify({ ...result, missed }));
process.exit(missed ? 1 : 0);
