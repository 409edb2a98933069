// Where the browser begins.
import { boot } from "./boot";

void boot(
  {
    fetch: (input, init) => fetch(input, init),
    page: document,
    now: () => Date.now(),
    connect: () => import("./client").then((it) => it.connect()),
    drawn: (at) => void import("./client").then((it) => it.drawn(at)),
  },
  (address) => location.assign(address),
);
