// The real program on a database of its own, filled from the sample; can be killed and started again
// on the same port.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../../../..");
const BINARY = process.env["E2E_BINARY"] ?? join(ROOT, "target/release/sports-edge");

/** An origin of pages that the server lets ask. */
export const PAGE_ELSEWHERE = "http://app.example";

export class Program {
  url = "";
  key = "";
  readonly #folder = mkdtempSync(join(tmpdir(), "sports-edge-sdk-"));
  #process: ChildProcess | undefined;

  #env(listen: string) {
    return { ...process.env, SPORTS_EDGE_DATA_DIR: this.#folder, SPORTS_EDGE_LISTEN: listen, SPORTS_EDGE_LOG__LEVEL: "warn", SPORTS_EDGE_ALLOWED_ORIGINS: PAGE_ELSEWHERE };
  }

  prepare(): void {
    for (const args of [["import", join(ROOT, "data/sample")], ["train"]]) execFileSync(BINARY, args, { env: this.#env("127.0.0.1:0"), stdio: ["ignore", "ignore", "inherit"] });
  }

  async start(): Promise<void> {
    const listen = this.url ? new URL(this.url).host : "127.0.0.1:0";
    this.#process = spawn(BINARY, ["serve"], { env: this.#env(listen), cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface({ input: this.#process.stdout! })) {
      this.url ||= (/http:\/\/[\d.:]+/.exec(line) ?? [""])[0];
      this.key ||= (/: (se_\S+)$/.exec(line) ?? ["", ""])[1]!;
      if (this.url && this.key) break;
    }
    for (let tries = 0; tries < 300; tries += 1) {
      const answer = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error("the server was not ready in time");
  }

  async kill(): Promise<void> {
    const ended = new Promise((done) => this.#process!.once("exit", done));
    this.#process!.kill("SIGKILL");
    await ended;
  }

  clear(): void {
    rmSync(this.#folder, { recursive: true });
  }

  async write(path: string, data: object[]): Promise<{ data: { fixture_id: number }[] }> {
    const answer = await fetch(`${this.url}/v1/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.key}`, "content-type": "application/json" },
      body: JSON.stringify({ data }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { data: { fixture_id: number }[] };
  }
}
