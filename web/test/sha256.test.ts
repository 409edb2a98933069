// Our SHA-256 against the one of Node.js.
import { createHash, randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { Sha256 } from "../src/sha256";

const theirs = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

it("hashes every length around its blocks as Node.js does", () => {
  for (let length = 0; length <= 260; length += 1) {
    const bytes = randomBytes(length);
    const sum = new Sha256();
    sum.update(bytes);
    expect(sum.hex(), `${length} bytes`).toBe(theirs(bytes));
  }
});

it("does not care how the bytes are cut", () => {
  const bytes = randomBytes(100_003);
  for (const piece of [1, 7, 63, 64, 65, 4096]) {
    const sum = new Sha256();
    for (let at = 0; at < bytes.length; at += piece) sum.update(bytes.subarray(at, at + piece));
    expect(sum.hex()).toBe(theirs(bytes));
  }
});
