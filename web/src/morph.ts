// Makes elements look like fresh ones and keeps those that are the same, so that focus, selection
// and scroll stay where they are while figures change.

/** Makes `old` and everything in it look like `fresh`. */
export function morph(old: Element, fresh: Element): void {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !isTheirs(old, name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !isTheirs(old, name)) old.setAttribute(name, value);
  }
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const match = partner(old, place, child);
    if (match === null) {
      old.insertBefore(old.ownerDocument.importNode(child, true), place);
      continue;
    }
    if (match === place) place = place.nextSibling;
    else old.insertBefore(match, place);
    if (match instanceof Element) morph(match, child as Element);
    else if (match.nodeValue !== child.nodeValue) match.nodeValue = child.nodeValue;
  }
  while (place !== null) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

/** The node that stands for `child` already: the one with its id, else the one in its place. */
function partner(old: Element, place: ChildNode | null, child: ChildNode): ChildNode | null {
  const id = child instanceof Element ? child.id : "";
  if (id !== "") return [...old.children].find((it) => it.id === id && it.nodeName === child.nodeName) ?? null;
  const same = place !== null && place.nodeName === child.nodeName && !(place instanceof Element && place.id !== "");
  return same ? place : null;
}

/** Whether an attribute is the reader's: what they folded out stays so. */
function isTheirs(element: Element, name: string): boolean {
  return name === "open" && element.nodeName === "DETAILS";
}
