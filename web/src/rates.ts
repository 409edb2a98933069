// Requests a second, made of counts that the server wrote at two moments.

/** `0/s`, `3.2/s`, `1,234/s` */
export function perSecond(rate: number): string {
  if (rate === 0) return "0/s";
  return rate < 9.95 ? `${rate.toFixed(1)}/s` : `${Math.round(rate).toLocaleString("en-GB")}/s`;
}

/** Remembers counts and writes what they grew by. */
export class Rates {
  private readonly before = new Map<string, { count: number; at: number }>();

  /** Writes a rate into every place for one; the first count of a place makes none yet. */
  show(root: Element, now: number): void {
    for (const place of root.querySelectorAll<HTMLElement>(".rate")) {
      const name = place.dataset["of"] ?? "";
      const count = Number(place.dataset["count"]);
      const before = this.before.get(name);
      this.before.set(name, { count, at: now });
      // A server that was started again counts from zero.
      const sound = before !== undefined && count >= before.count && now > before.at;
      place.textContent = sound ? perSecond(((count - before.count) * 1000) / (now - before.at)) : "";
    }
  }
}
