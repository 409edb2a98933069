// What the tests of the server's pages wrote down.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BoardState } from "../src/wire";

function snapshot(name: string): string {
  const folder = join(import.meta.dirname, "../../crates/api/src/pages/snapshots");
  const text = readFileSync(join(folder, `api__pages__tests__${name}.snap`), "utf8");
  return text.split("\n---\n").slice(1).join("\n---\n").trim();
}

/** The state a page of the board came with. */
export const state = JSON.parse(snapshot("board_state")) as BoardState;
/** The rows it showed. */
export const served = snapshot("board_rows").replaceAll(">\n<", "><");
