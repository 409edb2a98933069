// Prints the board whenever it changes: node examples/script/board.mjs http://127.0.0.1:8080
import { board, createClient } from "@sports-edge/sdk";

const client = createClient({ baseUrl: process.argv[2] ?? "http://127.0.0.1:8080" });
const key = board({ limit: 10 });
let last;
client.watch(key, () => {
  const entry = client.peek(key);
  if (!entry || entry.data === last) return;
  last = entry.data;
  for (const { fixture, prediction } of entry.data.data) {
    const home = prediction ? `${(100 * prediction.probabilities[0]).toFixed(1)} %` : "–";
    console.log(`${fixture.kickoff}  ${fixture.home.name} – ${fixture.away.name}  ${home}`);
  }
});
