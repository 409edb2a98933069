// A server that speaks docs/api/live.md and the few REST addresses the tests use: real HTTP, real
// WebSockets, one state per key with its whole history. Ways can be shut to make a client step down.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { Ask, Change, Frame } from "../src/live/frames.js";

interface State {
  epoch: number;
  rev: number;
  /** When it came to be so. */
  at: number;
  data: Record<string, unknown>;
  history: (Frame & { t: "d" })[];
}

/** As which revision a state is told. */
const idOf = ({ epoch, rev }: State): string => `${epoch * 1000 + rev}.00000000abcd`;

/** What a write answers with: the fixture of each entry, which is 8 where it does not say. */
const written = (body: string): object[] =>
  body.startsWith('{"data"') ? (JSON.parse(body) as { data: object[] }).data.map((entry) => ({ fixture_id: 8, ...entry })) : [];

type Reader = { keys: Set<string>; send: (frame: Frame) => void; end: () => void };

export class FeedServer {
  readonly states = new Map<string, State>();
  readonly readers = new Set<Reader>();
  readonly seen: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[] = [];
  /** Answers to come before the usual ones: status, headers, body. */
  readonly script: [number, Record<string, string>, string][] = [];
  shut = new Set<string>();
  /** Loses this share of frames. */
  loses: (frame: Frame) => boolean = () => false;
  /** What it says of a revision that it does not know. */
  why = "unknown";
  /** Whether who asks over a socket has asked too much. */
  spent = false;
  /** Keys asked for over sockets, each time anew. */
  readonly asked: string[] = [];
  opened = 0;
  /** Whether no key counts. */
  revoked = false;
  /** What a proxy answers in place of a server that is away. */
  away = 0;
  /** What it answers a long poll at once, whatever is held. */
  polled: Frame[] | undefined;
  /** Told of each way that is taken. */
  took: (way: string) => void = () => undefined;
  /** The code that sockets are closed with at once. */
  refuses = 0;
  #http = createServer((request, response) => void this.#answer(request, response));
  #sockets = new WebSocketServer({ noServer: true });
  #port = 0;

  async start(): Promise<this> {
    this.#http.on("upgrade", (request, socket, head) => {
      if (this.away) return void socket.end(`HTTP/1.1 ${this.away} Away\r\n\r\n`);
      if (this.shut.has("ws")) return void socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
      return this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#socket(ws));
    });
    await new Promise<void>((done) => this.#http.listen(this.#port, "127.0.0.1", done));
    this.#port = (this.#http.address() as AddressInfo).port;
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Cuts every connection to the feed. */
  cut(): void {
    for (const reader of [...this.readers]) reader.end();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#http.closeAllConnections();
    await new Promise((done) => this.#http.close(done));
    this.#http = createServer((request, response) => void this.#answer(request, response));
  }

  set(key: string, data: Record<string, unknown>): void {
    this.states.set(key, { epoch: (this.states.get(key)?.epoch ?? 0) + 1, rev: 1, at: Date.now(), data, history: [] });
  }

  /** Changes members of a state and tells who follows it. */
  change(key: string, members: Record<string, unknown>): void {
    const state = this.states.get(key)!;
    Object.assign(state.data, members);
    const d = Object.entries(members).map(([name, value]): Change => [`/${name}`, value]);
    const b = idOf(state);
    state.rev += 1;
    state.at = Date.now();
    const frame = { t: "d" as const, k: key, b, id: idOf(state), ts: state.at, d };
    state.history.push(frame);
    this.tell(frame);
  }

  tell(frame: Frame): void {
    for (const reader of this.readers) {
      if ((!("k" in frame) || reader.keys.has(frame.k!)) && !this.loses(frame)) reader.send(frame);
    }
  }

  snap(key: string): Frame {
    const state = this.states.get(key)!;
    return { t: "snap", k: key, id: idOf(state), ts: state.at, d: structuredClone(state.data) };
  }

  /** What a reader that holds `since` has to be told. */
  #missed(key: string, since: string | undefined): Frame[] {
    const state = this.states.get(key);
    if (!state) return [{ t: "err", k: key, code: "not-live", detail: "this key is not followed" }];
    if (!since) return [this.snap(key)];
    if (since === idOf(state)) return [{ t: "same", k: key, id: since, ts: state.at }];
    const at = state.history.findIndex((frame) => frame.b === since);
    return at < 0 ? [{ t: "gap", k: key, why: this.why }, this.snap(key)] : state.history.slice(at);
  }

  #socket(ws: WebSocket): void {
    this.opened += 1;
    const reader: Reader = { keys: new Set(), send: (frame) => ws.send(JSON.stringify(frame)), end: () => ws.terminate() };
    this.readers.add(reader);
    if (this.refuses) return void ws.close(this.refuses, "no");
    reader.send({ t: "hb", ts: Date.now() });
    ws.on("close", () => this.readers.delete(reader));
    ws.on("message", (data) => {
      const ask = JSON.parse(String(data)) as Ask;
      for (const key of ask.k) {
        if (ask.op === "unsub") reader.keys.delete(key);
        else if (this.asked.push(key) && this.spent) {
          reader.send({ t: "err", k: key, code: "too-many-requests", detail: "one request too many" });
        } else {
          reader.keys.add(key);
          for (const frame of this.#missed(key, ask.since[key])) reader.send(frame);
        }
      }
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const part of request) body += String(part);
    const { method = "", url = "", headers } = request;
    this.seen.push({ method, url, headers, body });
    const say = (status: number, more: Record<string, string>, text: string) => response.writeHead(status, more).end(text);
    if (this.away) return void say(this.away, {}, "<html>nobody is there</html>");
    const scripted = this.script.shift();
    if (scripted) return void say(...scripted);
    if (this.revoked) return void say(401, {}, '{"type":"/docs/problems#invalid-key","title":"The key does not count"}');
    const { pathname, searchParams } = new URL(url, this.url);
    if (pathname === "/v1/live/tickets") return void say(200, {}, '{"ticket":"t1"}');
    if (pathname === "/v1/live") return this.#feed(request, response, searchParams);
    if (method !== "GET") return void say(200, { "sports-edge-position": "42" }, JSON.stringify({ data: written(body) }));
    const state = this.states.get(url.replace(/^\/v1\//, ""));
    if (!state) return void say(404, {}, '{"type":"/docs/problems#unknown-route","title":"There is nothing at this path"}');
    const etag = `"${idOf(state)}"`;
    if (headers["if-none-match"] === etag) return void say(304, { etag }, "");
    say(200, { etag }, JSON.stringify(state.data));
  }

  #feed(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
    const way = request.headers.accept === "text/event-stream" ? "sse" : "poll";
    if (this.shut.has(way)) return void response.writeHead(404).end("{}");
    this.opened += 1;
    this.took(way);
    if (this.polled) return void response.end(JSON.stringify({ frames: this.polled }));
    const keys = query.getAll("k");
    const since = query.get("since")!.split(",");
    const missed = keys.flatMap((key, at) => this.#missed(key, since[at] === "-" ? undefined : since[at]));
    const send = (frame: Frame) =>
      way === "sse" ? response.write(`id: ${frame.t}\ndata: ${JSON.stringify(frame)}\n\n`) : response.end(JSON.stringify({ frames: [frame] }));
    const reader: Reader = { keys: new Set(keys), send, end: () => response.destroy() };
    this.readers.add(reader);
    response.on("close", () => this.readers.delete(reader));
    if (way === "sse") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      missed.forEach(send);
    } else if (query.get("wait_ms") === "0" || missed.some(({ t }) => t !== "same")) response.end(JSON.stringify({ frames: missed }));
  }
}
