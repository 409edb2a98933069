// Whether two answers say the same.

/** Whether two values of JSON are equal, whatever the order of members. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const [names, others] = [Object.keys(a), Object.keys(b)];
  const within = (it: object, name: string): unknown => (it as Record<string, unknown>)[name];
  return names.length === others.length && names.every((name) => name in b && equal(within(a, name), within(b, name)));
}
