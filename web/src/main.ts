// Where the browser begins.
import { boot } from "./boot";

void boot(
  {
    fetch: (input, init) => fetch(input, init),
    page: document,
    now: () => Date.now(),
    connect: () => import("./client").then((it) => it.connect()),
  },
  (address) => location.assign(address),
);
