// How soon the board, or a game's page, is there on a slow phone: largest contentful paint in Chromium at
// 150 ms round trip, 1.6 Mbit/s and a processor four times slower, when the chart of the game is drawn, and
// when the page follows the feed (where a game is under way); and what the page weighs.
//
//   node bench/first_paint.mjs http://127.0.0.1:8080/ [--runs 9] [--chromium /usr/bin/chromium]
//   node bench/first_paint.mjs http://127.0.0.1:8080/fixtures/8
//
// Needs `npm ci` in web/. Prints one JSON object; exits 1 where a target is missed.
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { get } from "node:http";

const require = createRequire(new URL("../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const TARGET = { lcp_ms: 400, live_ms: 1_000, chart_ms: 1_000, html_bytes: 14_000, js_bytes: 60_000, shift: 0.001 };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "9" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});
const address = positionals[0] ?? "http://127.0.0.1:8080/";

/** Bytes of a body as they go over the wire. */
function weigh(url, encoding) {
  return new Promise((resolve, reject) => {
    get(url, { headers: { "accept-encoding": encoding, accept: "text/html,*/*" } }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve({ bytes: Buffer.concat(chunks).length, coding: answer.headers["content-encoding"] }));
    }).on("error", reject);
  });
}

async function once(browser) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 });
  const page = await context.newPage();
  const client = await context.newCDPSession(page);
  await client.send("Network.enable");
  await client.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 150,
    downloadThroughput: 1_600_000 / 8,
    uploadThroughput: 750_000 / 8,
  });
  await client.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  const scripts = [];
  page.on("request", (request) => {
    if (request.resourceType() === "script") scripts.push(request.url());
  });
  await page.addInitScript(() => {
    window.seen = { lcp: 0, shift: 0, element: "", live: null, chart: null };
    const isLive = () =>
      document.querySelector("#live-state.on") !== null ||
      document.querySelector("#play-state:not([hidden])")?.textContent === "Live";
    let drawn = false;
    new MutationObserver(() => {
      if (window.seen.live === null && isLive()) window.seen.live = performance.now();
      if (drawn || document.querySelector("#course svg.chart path") === null) return;
      drawn = true;
      // The frame after the one that draws it.
      requestAnimationFrame(() => requestAnimationFrame(() => (window.seen.chart = performance.now())));
    }).observe(document, { subtree: true, childList: true, attributes: true });
    new PerformanceObserver((list) => {
      const last = list.getEntries().at(-1);
      window.seen.lcp = last.startTime;
      window.seen.element = last.element?.tagName ?? "";
    }).observe({ type: "largest-contentful-paint", buffered: true });
    new PerformanceObserver((list) => {
      for (const it of list.getEntries()) window.seen.shift += it.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto(address, { waitUntil: "networkidle" });
  await page.waitForTimeout(1_500);
  const seen = await page.evaluate(() => ({
    ...window.seen,
    first: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
    answered: performance.getEntriesByType("navigation")[0].responseStart,
  }));
  await context.close();
  return { ...seen, scripts };
}

const browser = await chromium.launch({
  executablePath: values.chromium,
  args: "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(" "),
});
const runs = [];
for (let run = 0; run < Number(values.runs); run += 1) runs.push(await once(browser));
await browser.close();

const median = (of) => runs.map(of).sort((a, b) => a - b)[Math.floor(runs.length / 2)];
const everywhere = (of) => (runs.every((it) => of(it) !== null) ? Math.round(median(of)) : null);
const html = await weigh(address, "br");
let js = 0;
for (const url of new Set(runs.flatMap((it) => it.scripts))) js += (await weigh(url, "br")).bytes;
const result = {
  address,
  runs: runs.length,
  lcp_ms: Math.round(median((it) => it.lcp)),
  lcp_ms_range: [Math.min, Math.max].map((of) => Math.round(of(...runs.map((it) => it.lcp)))),
  first_contentful_paint_ms: Math.round(median((it) => it.first)),
  live_ms: everywhere((it) => it.live),
  chart_ms: everywhere((it) => it.chart),
  answered_ms: Math.round(median((it) => it.answered)),
  shift: Math.max(...runs.map((it) => it.shift)),
  element: runs[0].element,
  html_bytes: html.bytes,
  html_coding: html.coding,
  js_bytes: js,
};
console.log(JSON.stringify(result, null, 2));
const missed = Object.entries(TARGET).filter(([name, most]) => result[name] > most);
for (const [name, most] of missed) console.error(`${name}: ${result[name]} is above ${most}`);
process.exitCode = missed.length === 0 ? 0 : 1;
