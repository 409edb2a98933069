// The program of the models' pages, on a page like the server's and answers like the API's.
import { fireEvent } from "@testing-library/preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { boot } from "../src/boot";
import type { Connected } from "../src/live";
import { NOTICE_MS, startModels } from "../src/models";
import { signedIn } from "../src/operate";
import { browserIs, SIGNED_IN } from "./signed";
import { PULSE_MS } from "../src/pulse";
import { perSecond } from "../src/rates";

const asked = vi.fn<typeof fetch>();
let now = 1_000_000;
const around: Connected = { fetch: asked, page: document, now: () => now, connect: () => Promise.reject(new Error("not asked for")) };
let stop = (): void => {};

const button = (act: string, more = ""): string =>
  `<button type="button" id="${act}" data-act="${act}" data-says="All traffic moves." ${more}>${act}</button>`;
const live = (count: number, buttons: string): string =>
  `<div id="live" data-model="goals"><small class="rate" data-of="goals" data-count="${count}"></small>${buttons}</div>`;
const shell = (inner: string): string =>
  `<div id="banner"></div><main id="main" tabindex="-1"><div id="controls"></div>${inner}</main>`;
const PROMOTE = button("promote", 'data-version="3"');
const CANARY = button("canary", 'data-version="3" data-share="10"');

const settle = async (ms = 0): Promise<void> => {
  await act(async () => {
    now += ms;
    await vi.advanceTimersByTimeAsync(ms);
  });
};
const page = (count: number, buttons = PROMOTE): Response => new Response(shell(live(count, buttons)), { headers: { etag: `"${count}"` } });
const problem = (status: number, body: object | string): Response => new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
const text = (selector: string): string => document.querySelector(selector)?.textContent ?? "";
const press = async (selector: string): Promise<void> => {
  fireEvent.click(document.querySelector(selector) as Element);
  await settle();
};
const type = (name: string, value: string): void => {
  (document.querySelector(`dialog [name=${name}]`) as HTMLInputElement).value = value;
};
const submit = async (): Promise<void> => {
  fireEvent.submit(document.querySelector("dialog form") as Element);
  await settle();
};
const calls = (): [string, string | undefined, unknown][] =>
  asked.mock.calls
    .filter(([url]) => String(url).startsWith("/v1"))
    .map(([url, init]) => [String(url), init?.method, init?.body ? JSON.parse(String(init.body)) : null]);

async function start(buttons: string): Promise<void> {
  document.body.innerHTML = shell(live(100, buttons));
  await act(async () => {
    stop = startModels(around);
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  asked.mockReset();
  asked.mockImplementation(async (url) => (String(url).startsWith("/v1") ? new Response("{}") : new Response(null, { status: 304 })));
  browserIs(null);
  HTMLDialogElement.prototype.showModal = vi.fn(function (this: HTMLDialogElement) {
    this.open = true;
  });
});
afterEach(async () => {
  await act(async () => stop());
  vi.useRealTimers();
});

describe("figures", () => {
  it("stay fresh, with rates made of two counts, and say when they are old", async () => {
    await start(PROMOTE);
    expect(text("#controls")).toContain("Live, every 5 s");
    expect(text(".rate")).toBe("");
    asked.mockResolvedValueOnce(page(150));
    await settle(PULSE_MS);
    expect(text(".rate")).toBe("10/s");
    await settle(PULSE_MS);
    expect(text(".rate")).toBe("0/s");
    asked.mockRejectedValueOnce(new TypeError("down"));
    await settle(PULSE_MS);
    expect(text("#banner")).toContain("these figures may be old");
    await settle(PULSE_MS * 2);
    expect(text("#banner")).toBe("");
  });

  it("rest while paused and are fetched at once afterwards", async () => {
    await start(PROMOTE);
    await press("[aria-pressed=false]");
    await settle(PULSE_MS * 3);
    expect(asked).not.toHaveBeenCalled();
    expect(text("#controls")).toContain("Paused");
    await press("[aria-pressed=true]");
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it("are written as people read them", () => {
    expect([0, 0.04, 3.21, 9.97, 1234.4].map(perSecond)).toEqual(["0/s", "0.0/s", "3.2/s", "10/s", "1,234/s"]);
  });

  it("leave a page alone that has none", async () => {
    document.body.innerHTML = shell("");
    stop = startModels(around);
    expect(document.documentElement.textContent).not.toContain("Live");
  });

  it("begin with the page", async () => {
    document.body.innerHTML = shell(live(1, PROMOTE));
    vi.useRealTimers();
    const leave = await boot(around, () => {});
    stop = () => leave();
    expect(text("#controls")).toContain("Pause");
    expect(document.documentElement.classList.contains("can-act")).toBe(true);
  });
});

describe("a promotion", () => {
  it("says what will change, asks for the key once, is done, and the page follows", async () => {
    await start(PROMOTE + CANARY);
    const first = document.querySelector<HTMLElement>("[data-act=promote]");
    first?.focus();
    await press("[data-act=promote]");
    expect(text("#act-title")).toBe("Promote version 3 of goals?");
    expect(text("#act-says")).toBe("All traffic moves.");
    expect(document.activeElement?.getAttribute("name")).toBe("key");
    type("key", " se_abcdefgh_secret ");
    asked.mockImplementationOnce(SIGNED_IN("abcdefgh"));
    asked.mockResolvedValueOnce(new Response("{}"));
    asked.mockResolvedValueOnce(page(101, CANARY));
    await submit();
    expect(calls()).toEqual([
      ["/v1/session", "POST", { key: "se_abcdefgh_secret" }],
      ["/v1/models/goals/promote", "POST", { version: 3 }],
    ]);
    expect(document.querySelector("dialog")).toBeNull();
    expect(text("#banner")).toBe("Version 3 of goals takes the traffic now.");
    // The button is gone, and the focus with it.
    expect(document.querySelector("[data-act=promote]")).toBeNull();
    expect(document.activeElement?.id).toBe("main");
    await settle(NOTICE_MS);
    expect(text("#banner")).toBe("");
    await press("[data-act=canary]");
    expect(text(".kept")).toContain("se_abcdefgh…");
    expect(document.querySelector("[name=key]")).toBeNull();
  });

  it("is not done where it is not confirmed", async () => {
    await start(PROMOTE);
    await press("[data-act=promote]");
    await press("dialog [type=button]");
    expect(document.querySelector("dialog")).toBeNull();
    await press("[data-act=promote]");
    fireEvent(document.querySelector("dialog") as Element, new Event("close"));
    await settle();
    expect(document.querySelector("dialog")).toBeNull();
    expect(calls()).toEqual([]);
  });

  it("that is refused says why, in place, and asks for a key where that may help", async () => {
    browserIs("old");
    await start(PROMOTE);
    await press("[data-act=promote]");
    expect(document.activeElement?.className).toBe("go");
    asked.mockResolvedValueOnce(problem(401, { title: "The API key does not count", detail: "the API key is not known" }));
    await submit();
    expect(text(".fault")).toBe("The API key does not countthe API key is not known");
    expect(document.activeElement?.getAttribute("name")).toBe("key");
    type("key", "se_mistyped");
    asked.mockResolvedValueOnce(problem(401, { title: "The API key is not valid", detail: "" }));
    await submit();
    expect(text(".fault")).toBe("The API key is not valid");
    expect(calls().at(-1)).toEqual(["/v1/session", "POST", { key: "se_mistyped" }]);
    type("key", "se_other_key");
    asked.mockImplementationOnce(SIGNED_IN("other"));
    asked.mockResolvedValueOnce(problem(403, { title: "The API key may not do this", detail: "" }));
    (document.activeElement as HTMLElement).blur();
    await submit();
    expect(document.activeElement?.getAttribute("name")).toBe("key");
    type("key", "se_new_key");
    asked.mockImplementationOnce(SIGNED_IN("new"));
    asked.mockResolvedValueOnce(problem(502, "<html>"));
    await submit();
    expect(text(".fault")).toBe("The server answered 502");
    expect(text(".kept")).toContain("se_new…");
    asked.mockRejectedValueOnce(new TypeError("down"));
    await submit();
    expect(text(".fault")).toContain("No answer");
  });

  it("that the gate refuses takes a second question, with the gate's reason in sight", async () => {
    browserIs("a");
    await start(PROMOTE);
    await press("[data-act=promote]");
    const gated = { type: "/docs/problems#change-refused", title: "Refused", detail: "version 3 was compared on 0 rows where 9 are wanted" };
    asked.mockResolvedValueOnce(problem(409, gated));
    await submit();
    expect(text(".fault")).toContain("0 rows where 9 are wanted");
    expect(document.querySelector("dialog .go")).toBeNull();
    expect(text("#act-title")).toBe("Promote version 3 of goals?");
    await press("dialog .danger");
    expect(text("#act-title")).toBe("Promote version 3 of goals although its gate refuses?");
    expect(text(".fault")).toContain("0 rows where 9 are wanted");
    // Enter pressed twice does not get there.
    expect(document.activeElement?.textContent).toBe("Cancel");
    expect(calls().length).toBe(1);
    expect(text("dialog .go")).toBe("Promote against the gate");
    await submit();
    expect(calls()[1]).toEqual(["/v1/models/goals/promote", "POST", { version: 3, force: true }]);
    expect(text("#banner")).toBe("Version 3 of goals takes the traffic now.");
  });

  it("cannot be sent or left twice while it is at work", async () => {
    browserIs("a");
    await start(PROMOTE);
    await press("[data-act=promote]");
    let answer = (_: Response): void => {};
    asked.mockImplementationOnce(() => new Promise((done) => (answer = done)));
    await submit();
    expect(text("dialog .go")).toBe("Working…");
    expect(document.querySelectorAll("dialog .buttons [disabled]").length).toBe(2);
    const cancel = new Event("cancel", { cancelable: true });
    fireEvent(document.querySelector("dialog") as Element, cancel);
    expect(cancel.defaultPrevented).toBe(true);
    answer(new Response("{}"));
    await settle();
    expect(document.querySelector("dialog")).toBeNull();
  });
});

describe("everything else", () => {
  it("goes to its own address and says so", async () => {
    browserIs("a");
    const cases: [string, string, [string, string, object | null], string, string][] = [
      [button("rollback"), "Roll goals back?", ["/v1/models/goals/rollback", "POST", null], "Roll back", "goals is rolled back."],
      [button("unload"), "Unload goals?", ["/v1/models/goals/unload", "POST", null], "Unload", "goals is unloaded."],
      [button("load", 'data-version="2"'), "Load version 2 of goals?", ["/v1/models/goals/versions/2/load", "POST", null], "Load", "in memory"],
      [CANARY, "Try version 3 of goals on a share of the requests?", ["/v1/models/goals/canary", "PUT", { version: 3, share: 0.1 }], "Set share", "gets 10% of"],
      [
        button("shadow", 'data-version="3" data-share="100" data-rows="50" data-difference="0.01" data-auto="yes"'),
        "Run version 3 of goals in the shadow?",
        ["/v1/models/goals/shadow", "PUT", { version: 3, share: 1, rows_min: 50, difference_max: 0.01, promote: true }],
        "Run in the shadow",
        "runs in the shadow of 100%",
      ],
      [
        button("shadow", 'data-version="3" data-share="100"'),
        "Run version 3 of goals in the shadow?",
        ["/v1/models/goals/shadow", "PUT", { version: 3, share: 1, rows_min: 0, difference_max: null, promote: false }],
        "Run in the shadow",
        "runs in the shadow of 100%",
      ],
      [button("end-shadow", 'data-version="3"'), "End the shadow, version 3 of goals?", ["/v1/models/goals/shadow", "DELETE", null], "End shadow", "in the shadow no more"],
      [
        button("unlabel", 'data-version="3" data-label="next"'),
        "Take label next away from version 3 of goals?",
        ["/v1/models/goals/labels/next", "DELETE", null],
        "Take it away",
        "labelled next no more",
      ],
      [button("delete", 'data-version="3"'), "Delete version 3 of goals?", ["/v1/models/goals/versions/3", "DELETE", null], "Delete for good", "is deleted"],
      [button("end-canary", 'data-version="3"'), "End the canary, version 3 of goals?", ["/v1/models/goals/canary", "DELETE", null], "End canary", "no canary any more"],
      [button("purge", `data-body='{"tags":["fixture:8"]}'`), "Purge the cache?", ["/v1/cache/purge", "POST", { tags: ["fixture:8"] }], "Purge", "It is forgotten"],
    ];
    for (const [html, asks, call, verb, said] of cases) {
      asked.mockClear();
      await start(html);
      await press("#live button");
      expect(text("#act-title")).toBe(asks);
      expect(text(".go")).toBe(verb);
      await submit();
      expect(calls()).toEqual([call]);
      expect(text("#banner")).toContain(said);
      await act(async () => stop());
    }
  });

  it("takes the label that was typed", async () => {
    browserIs("a");
    await start(button("label", 'data-version="3"'));
    await press("#live button");
    expect(text("#act-title")).toBe("Label version 3 of goals?");
    const label = document.querySelector<HTMLInputElement>("[name=label]") as HTMLInputElement;
    expect(document.activeElement).toBe(label);
    const fits = (value: string): boolean => {
      label.value = value;
      return label.checkValidity();
    };
    expect(["next", "v-2.1", "_a", "12a", "stables", "stable", "12", "a b", ".a", ""].map(fits)).toEqual([
      true, true, true, true, true, false, false, false, false, false,
    ]);
    type("label", "next");
    await submit();
    expect(calls()).toEqual([["/v1/models/goals/labels/next", "PUT", { version: 3 }]]);
    expect(text("#banner")).toBe("Version 3 of goals is labelled next now.");
  });

  it("asks for a key that may do what is asked", async () => {
    for (const [html, scope] of [[button("purge"), "admin"], [PROMOTE, "models"], [button("alert-test"), "write"]] as const) {
      await start(html);
      await press("#live button");
      expect(text("#key-why")).toContain(`--scope ${scope}`);
      await act(async () => stop());
    }
  });

  it("takes the share that was typed", async () => {
    browserIs("a");
    await start(CANARY);
    await press("#live button");
    expect(document.activeElement?.getAttribute("name")).toBe("share");
    type("share", "2.5");
    await submit();
    expect(calls()[0]?.[2]).toEqual({ version: 3, share: 0.025 });
  });

  it("may be done with another key", async () => {
    browserIs("a");
    await start(PROMOTE);
    await press("[data-act=promote]");
    await press("dialog .link");
    expect(document.querySelector("[name=key]")).not.toBeNull();
    expect(signedIn(document)).toBe("se_a");
  });

  it("shows at the top who signed in meanwhile", async () => {
    await start(PROMOTE);
    document.body.insertAdjacentHTML("beforeend", '<div id="visitor"><a href="/sign-in">Sign in</a></div>');
    asked.mockResolvedValueOnce(new Response(`<div id="visitor"><form><button>Sign out</button></form></div>`));
    await settle(PULSE_MS);
    expect(text("#visitor")).toBe("Sign out");
  });
});
