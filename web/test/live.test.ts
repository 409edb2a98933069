import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { follow, LOST_MS, pausing, tell, wayOf, type Following, type Held } from "../src/live";
import { surroundings, testFeed, type TestFeed } from "./feed";

type Count = { n: number };
const held = (more: Partial<Held<Count>> = {}): Held<Count> => ({ key: "scoreboard?limit=30", rev: "3.7", at: Date.now(), data: { n: 3 }, ...more });
const key = held().key as never;

let feed: TestFeed;
let live: Following;
const changed = vi.fn<(n: number, doubt: string | null) => void>();
const standing = vi.fn<(word: string, trouble: string) => void>();

function start(of: Held<Count> = held()): void {
  live = follow(surroundings(feed), of, {
    changed: ({ data, doubt }) => changed(data.n, doubt),
    standing: (connection, trouble) => standing(wayOf(connection), trouble),
  });
}

beforeEach(() => {
  feed = testFeed();
  for (const mock of [changed, standing]) mock.mockReset();
});
afterEach(async () => {
  live?.stop();
  await feed.client.close();
  vi.useRealTimers();
});

const open = () => vi.waitFor(() => expect(standing).toHaveBeenLastCalledWith("Live", ""));

describe("following", () => {
  it("resumes from the revision of the page, without another word for what is shown already", async () => {
    start();
    await open();
    expect(feed.asked()).toEqual({ "scoreboard?limit=30": "3.7" });
    feed.send({ t: "same", k: key, id: "3.7", ts: Date.now() });
    feed.send({ t: "d", k: key, b: "3.7", id: "4.7", ts: Date.now(), d: [["/n", 4]] });
    await vi.waitFor(() => expect(changed).toHaveBeenCalledWith(4, null));
    expect(changed).toHaveBeenCalledTimes(1);
  });

  it("draws once for all that comes within a frame", async () => {
    start();
    await open();
    for (let rev = 4; rev < 24; rev += 1) feed.send({ t: "d", k: key, b: `${rev - 1}.7`, id: `${rev}.7`, ts: Date.now(), d: [["/n", rev]] });
    await vi.waitFor(() => expect(changed).toHaveBeenLastCalledWith(23, null));
    expect(changed.mock.calls.length).toBeLessThan(5);
  });

  it("shows what it has while paused, and the newest afterwards", async () => {
    start();
    await open();
    live.pause(true);
    feed.send({ t: "d", k: key, b: "3.7", id: "4.7", ts: Date.now(), d: [["/n", 4]] });
    feed.send({ t: "d", k: key, b: "4.7", id: "5.7", ts: Date.now(), d: [["/n", 5]] });
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    expect(changed).not.toHaveBeenCalled();
    live.pause(false);
    expect(changed.mock.calls).toEqual([[5, null]]);
  });

  it("tells of a doubt, and of a source that is silent", async () => {
    start();
    await open();
    const reason = "nothing was heard of the game for more than 5 min while the clock runs";
    feed.send({ t: "d", k: key, b: "3.7", id: "4.7", ts: Date.now(), d: [["/play", { stale: { since: "2026-05-01T15:10:02Z", reason } }]] });
    await vi.waitFor(() => expect(changed).toHaveBeenCalledWith(3, reason));
  });

  it("says that figures may be old only when a connection stays lost", async () => {
    start();
    await open();
    feed.cut();
    expect(standing).toHaveBeenLastCalledWith("Connecting", "");
    await open();
    feed.refuse();
    feed.cut();
    await vi.waitFor(() => expect(standing.mock.lastCall?.[1]).toContain("may be old"), { timeout: LOST_MS + 10_000 });
  }, 20_000);

  it("follows what was not read from the feed by asking for the whole", async () => {
    start(held({ rev: null }));
    await open();
    expect(feed.asked()).toEqual({ "scoreboard?limit=30": null });
    feed.send({ t: "snap", k: key, id: "1.7", ts: Date.now(), d: { n: 9 } });
    await vi.waitFor(() => expect(changed).toHaveBeenCalledWith(9, null));
  });

  it("leaves the page as it is where the program's files are gone, and when it was stopped before", async () => {
    live = follow({ ...surroundings(feed), connect: () => Promise.reject(new Error("gone")) }, held(), {
      changed: () => {},
      standing: (connection, trouble) => standing(wayOf(connection), trouble),
    });
    await vi.waitFor(() => expect(standing.mock.lastCall?.[1]).toContain("may be old"));
    live.stop();
    start();
    live.stop();
    await Promise.resolve();
    expect(feed.opened()).toBe(0);
  });
});

describe("what a page says of its connection", () => {
  it("has a word for each state", () => {
    const word = (state: "idle" | "connecting" | "live" | "polling" | "offline") => wayOf({ state, way: "ws", leader: true, since: 0 });
    expect([word("live"), word("polling"), word("offline"), word("connecting")]).toEqual(["Live", "Asking", "Offline", "Connecting"]);
  });

  it("stands in the banner, where there is one", () => {
    document.body.innerHTML = "";
    tell(document, "lost");
    document.body.innerHTML = '<div id="banner"></div>';
    tell(document, "lost");
    expect(document.getElementById("banner")?.textContent).toBe("lost");
  });

  it("can be paused by a button, where there is one", () => {
    const pause = vi.fn<(paused: boolean) => void>();
    pausing(null, pause)();
    document.body.innerHTML = '<button id="b" hidden>Pause</button>';
    const button = document.getElementById("b") as HTMLButtonElement;
    const end = pausing(button, pause);
    button.click();
    expect([button.hidden, button.textContent, button.getAttribute("aria-pressed")]).toEqual([false, "Resume", "true"]);
    button.click();
    end();
    button.click();
    expect(pause.mock.calls).toEqual([[true], [false]]);
  });
});
