// The page's client of the SDK: one connection for all tabs, what was last known kept on the device,
// and how long changes take to the screen told to the server now and then.
import { createClient, type Client } from "@sports-edge/sdk";
import { deviceCache, indexedDb } from "@sports-edge/sdk/device";
import { afterFrame, Latency } from "@sports-edge/sdk/live";
import { socketTo } from "./early";

/** How often latencies are told. */
export const REPORT_MS = 30_000;

let client: Client | undefined;
let latency: Latency | undefined;

/** The client of this page. */
export function connect(): Client {
  const device = typeof indexedDB === "undefined" ? {} : { device: deviceCache({ driver: indexedDb() }) };
  return (client ??= createClient({ ...device, socket: socketTo }));
}

/** A change of this moment of the server's clock was drawn: once it is painted, it is measured. */
export function drawn(at: number): void {
  if (latency === undefined) {
    // The first is not measured: the clocks are compared before the next.
    const made = (latency = new Latency(connect()));
    const tell = (questions?: number): void => void made.sync(questions).catch(() => undefined);
    let told = 0;
    tell();
    setInterval(() => {
      if (made.count === told) return;
      told = made.count;
      tell(1);
    }, REPORT_MS);
    return;
  }
  const here = latency;
  afterFrame(() => here.painted(at));
}
