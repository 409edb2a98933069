// The display menu without a reload: choices count at once and are remembered in the cookies the
// server reads.
import { price } from "./format";
import type { OddsFormat } from "./wire";

const YEAR_SECONDS = 31_536_000;
const ODDS_EVENT = "odds-format";

function remember(page: Document, name: string, value: string): void {
  page.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=${YEAR_SECONDS}; SameSite=Lax`;
}

/** Takes over the display menu. */
export function takeMenu(page: Document): void {
  const form = page.querySelector<HTMLFormElement>("#display form");
  if (form === null) return;
  form.querySelector("button")?.setAttribute("hidden", "");
  form.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    remember(page, input.name, input.value);
    if (input.name === "theme") page.documentElement.dataset["theme"] = input.value;
    if (input.name === "odds") showOdds(page, input.value as OddsFormat);
  });
}

/** Writes every price of the page in another format. */
export function showOdds(page: Document, format: OddsFormat): void {
  for (const element of page.querySelectorAll<HTMLDataElement>("data.odds")) {
    element.textContent = price(Number(element.value), format);
  }
  page.dispatchEvent(new CustomEvent<OddsFormat>(ODDS_EVENT, { detail: format }));
}

/** Calls `then` with every new format; the function returned stops it. */
export function onOdds(page: Document, then: (format: OddsFormat) => void): () => void {
  const listener = (event: Event): void => then((event as CustomEvent<OddsFormat>).detail);
  page.addEventListener(ODDS_EVENT, listener);
  return () => page.removeEventListener(ODDS_EVENT, listener);
}

/** Tells the server where the visitor is, for the next page; whether it had not been told so and is now. */
export function rememberZone(page: Document, zone: string): boolean {
  const told = (): boolean => page.cookie.split("; ").includes(`tz=${encodeURIComponent(zone)}`);
  if (told()) return false;
  remember(page, "tz", zone);
  return told();
}
