// The page's client of the SDK: one connection for all tabs, what was last known kept on the device.
import { createClient, type Client } from "@sports-edge/sdk";
import { deviceCache, indexedDb } from "@sports-edge/sdk/device";

let client: Client | undefined;

/** The client of this page. */
export function connect(): Client {
  const device = typeof indexedDB === "undefined" ? {} : { device: deviceCache({ driver: indexedDb() }) };
  return (client ??= createClient(device));
}
