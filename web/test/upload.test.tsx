// Uploading, from a page like the server's to a real server that answers like ours.
import { fireEvent } from "@testing-library/preact";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { startModels } from "../src/models";
import { browserIs, SIGNED_IN } from "./signed";

interface Taken {
  url: string;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

vi.setConfig({ testTimeout: 60_000 });

const FILE = Buffer.from("tree\nversion=v4\n".repeat(1000));
const HASH = createHash("sha256").update(FILE).digest("hex");
const THERE = JSON.stringify({ version: 4 });
let server: Server;
let taken: Taken[] = [];
let answer = (_: Taken, to: ServerResponse): void => void to.writeHead(201).end(THERE);
let stop = (): void => {};

beforeEach(async () => {
  taken = [];
  answer = (_, to) => void to.writeHead(201).end(THERE);
  server = createServer((asked, to) => {
    // The page of this test has another address.
    for (const name of ["origin", "headers", "methods"]) to.setHeader(`access-control-allow-${name}`, "*");
    to.setHeader("access-control-allow-headers", "authorization, content-type, accept, inference-header-content-length");
    if (asked.method === "OPTIONS") return void to.writeHead(204).end();
    const pieces: Buffer[] = [];
    asked.on("data", (piece: Buffer) => pieces.push(piece));
    asked.on("end", () => {
      const it = { url: asked.url ?? "", headers: asked.headers, body: Buffer.concat(pieces) };
      taken.push(it);
      answer(it, to);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const plain = XMLHttpRequest.prototype.open;
  vi.spyOn(XMLHttpRequest.prototype, "open").mockImplementation(function (this: XMLHttpRequest, method: string, url: string | URL) {
    plain.call(this, method, `http://127.0.0.1:${port}${url}`, true);
  });
  const get = FormData.prototype.get;
  vi.spyOn(FormData.prototype, "get").mockImplementation(function (this: FormData, field: string) {
    const chosen = document.querySelector<HTMLInputElement>(`dialog [name=${field}]`)?.files?.[0];
    return chosen ?? get.call(this, field);
  });
  browserIs(null);
  HTMLDialogElement.prototype.showModal = function (this: HTMLDialogElement) {
    this.open = true;
  };
});
afterEach(async () => {
  await act(async () => stop());
  vi.restoreAllMocks();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const text = (selector: string): string => document.querySelector(selector)?.textContent ?? "";
/** Waits for what only comes once the page was drawn again. */
const until = async (check: () => void): Promise<void> => {
  await vi.waitFor(
    async () => {
      await act(() => new Promise((done) => setTimeout(done, 5)));
      check();
    },
    { timeout: 20_000 },
  );
};

async function open(model = "goals", bytesMax = 1 << 20): Promise<void> {
  document.body.innerHTML = `<div id="banner"></div><main id="main" tabindex="-1"><div id="controls"></div>
    <div id="live"${model && ` data-model="${model}"`}><button type="button" id="upload" data-act="upload" data-bytes-max="${bytesMax}" data-says="It is checked.">Upload</button></div></main>`;
  // Who shows a key is signed in with it.
  const fetch = vi.fn<typeof globalThis.fetch>(async (_, asked) => {
    if (asked?.method !== "POST") return new Response(null, { status: 304 });
    const { key } = JSON.parse(String(asked.body)) as { key: string };
    return SIGNED_IN(key.split("_")[1] ?? "")("/v1/session");
  });
  await act(async () => {
    stop = startModels({ fetch, page: document, now: () => 0 });
  });
  fireEvent.click(document.querySelector("#upload") as Element);
  await until(() => expect(document.querySelector("dialog")).not.toBeNull());
}

/** Chooses a file as its user would; a form of jsdom reads it from there. */
function choose(name: string, content: Buffer | string, called = `${name}.txt`): void {
  const input = document.querySelector(`[name=${name}]`) as HTMLInputElement;
  const bytes = Uint8Array.from(Buffer.from(content));
  const file = new File([bytes], called);
  // jsdom's files cannot be read as streams; those of Node.js can.
  Object.assign(file, { stream: () => new Response(bytes).body, text: async () => new Response(bytes).text() });
  Object.defineProperty(input, "files", { value: [file], configurable: true });
}
const type = (name: string, value: string): void => {
  (document.querySelector(`[name=${name}]`) as HTMLInputElement).value = value;
};
const submit = async (): Promise<void> => {
  await act(async () => void fireEvent.submit(document.querySelector("dialog form") as Element));
};

it("sends the file with its hash and says that it is there", async () => {
  await open();
  expect(text("#act-title")).toBe("Upload a version of goals");
  choose("file", FILE);
  type("key", "se_a_b");
  await submit();
  await until(() => expect(text("#banner")).toBe("Version 4 of goals is there."));
  expect(document.querySelector("dialog")).toBeNull();
  expect(taken[0]?.url).toBe(`/v1/models/goals/versions?sha256=${HASH}`);
  expect(taken[0]?.headers.authorization).toBeUndefined();
  expect(taken[0]?.headers["inference-header-content-length"]).toBeUndefined();
  expect(document.cookie).toBe("signed-in=a");
});

it("refuses what can be known here: nothing, too much, and JSON that is none", async () => {
  browserIs("a");
  await open("goals", 10);
  choose("file", "");
  await submit();
  await until(() => expect(text(".fault")).toContain("The file is empty"));
  choose("file", "0123456789a", "big.txt");
  await submit();
  await until(() => expect(text(".fault")).toContain("big.txt has 11 B; the setting models.upload_bytes_max allows 10 B."));
  choose("file", "tree");
  choose("golden", "[1,", "golden.json");
  await submit();
  await until(() => expect(text(".fault")).toContain("golden.json is no JSON"));
  expect(taken).toEqual([]);
});

it("says what the server says, and keeps what was typed", async () => {
  await open("");
  expect(text("#act-title")).toBe("Upload a model");
  choose("file", FILE);
  type("model", "shots");
  type("version", "2");
  type("key", "se_old_key");
  answer = (_, to) => void to.writeHead(401).end(JSON.stringify({ title: "The API key does not count", detail: "it is not known" }));
  await submit();
  await until(() => expect(text(".fault")).toBe("The API key does not countit is not known"));
  await until(() => expect(document.activeElement?.getAttribute("name")).toBe("key"));
  type("key", "se_new_key");
  answer = (_, to) => void to.writeHead(409).end(JSON.stringify({ title: "There is such a version already", detail: "model shots has version 2 already" }));
  await submit();
  await until(() => expect(text(".fault")).toContain("model shots has version 2 already"));
  expect(taken.map((it) => it.url)).toEqual(Array(2).fill(`/v1/models/shots/versions?sha256=${HASH}&version=2`));
  answer = (_, to) => void to.destroy();
  await submit();
  await until(() => expect(text(".fault")).toContain("The upload broke off"));
});

it("shows how far it is, and is stopped without a word of failure", async () => {
  browserIs("a");
  await open();
  choose("file", FILE);
  answer = () => {};
  await submit();
  await until(() => expect(taken.length).toBe(1));
  expect(text(".progress")).not.toBe("");
  const cancel = new Event("cancel", { cancelable: true });
  fireEvent(document.querySelector("dialog") as Element, cancel);
  expect(cancel.defaultPrevented).toBe(true);
  await act(async () => void fireEvent.click(document.querySelector("dialog .buttons [type=button]") as Element));
  await until(() => expect(document.querySelector(".progress")).toBeNull());
  expect(text(".fault")).toBe("");
  await act(async () => void fireEvent.click(document.querySelector("dialog .buttons [type=button]") as Element));
  expect(document.querySelector("dialog")).toBeNull();
});
