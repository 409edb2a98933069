// Which cookie says who is signed in: that of the server's own port, however it is reached.
import { expect, test } from "vitest";

import { signedIn } from "../src/operate";

/** A page of a server that calls the cookie so, in a browser that sends these. */
const page = (visitor: string, cookie: string) => ({ body: { dataset: { visitor } }, cookie }) as unknown as Document;

test("the cookie of this server is read and none of another port", () => {
  expect(signedIn(page("signed-in", "theme=dark; signed-in=Ab3dEf9h"))).toBe("se_Ab3dEf9h");
  expect(signedIn(page("signed-in-8080", "signed-in=no; signed-in-80=no; signed-in-8080=yes"))).toBe("se_yes");
  expect(signedIn(page("signed-in-8080", "signed-in=no; not-signed-in-8080=no; signed-in-8080="))).toBeNull();
});

test("over TLS it has another name", () => {
  expect(signedIn(page("signed-in", "__Host-signed-in=yes"))).toBe("se_yes");
  expect(signedIn(page("signed-in-8443", "__Host-signed-in=no; __Host-signed-in-8443=yes"))).toBe("se_yes");
  // The plain one beside it may be another host's.
  expect(signedIn(page("signed-in", "signed-in=no; __Host-signed-in=yes"))).toBe("se_yes");
});
