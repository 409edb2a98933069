import { describe, expect, it } from "vitest";
import { morph } from "../src/morph";

function element(html: string): HTMLElement {
  const box = document.createElement("div");
  box.innerHTML = html;
  return box;
}

/** Morphs one piece of HTML into another and holds the result against it. */
function check(before: string, after: string): HTMLElement {
  const old = element(before);
  morph(old, element(after));
  expect(old.innerHTML).toBe(after);
  return old;
}

describe("morphing", () => {
  it("changes text, attributes, and what is more or less", () => {
    check("<p>one</p>", "<p>two</p>");
    check('<p class="a" title="x">one</p>', '<p class="b" id="q">one</p>');
    check("<p>one</p>", "<p>one</p><p>two</p>");
    check("<p>one</p><p>two</p>text", "<p>one</p>");
    check("<p>one</p>", "<h2>one</h2>");
    check("", '<svg class="bar"><rect width="3%"></rect></svg>');
    check("a<!--b-->", "a<!--c-->");
  });

  it("leaves what a reader folded out as it is, and folds nothing out for them", () => {
    const old = element("<details open><summary>a</summary>1</details><details><summary>b</summary>2</details>");
    morph(old, element("<details><summary>a</summary>3</details><details open><summary>b</summary>4</details>"));
    expect(old.innerHTML).toBe('<details open=""><summary>a</summary>3</details><details><summary>b</summary>4</details>');
  });

  it("keeps elements that are the same, wherever they moved", () => {
    const old = element('<ol><li id="a">1</li><li id="b"><button>x</button></li></ol>');
    const kept = old.querySelector("button");
    morph(old, element('<ol><li id="c">0</li><li id="b"><button>y</button></li><li id="a">1</li></ol>'));
    expect(old.querySelector("button")).toBe(kept);
    expect(old.innerHTML).toBe('<ol><li id="c">0</li><li id="b"><button>y</button></li><li id="a">1</li></ol>');
  });

  it("never makes what has an id into something else", () => {
    const old = element('<p id="a">1</p>');
    const first = old.firstChild;
    morph(old, element("<p>2</p>"));
    expect(old.innerHTML).toBe("<p>2</p>");
    expect(old.firstChild).not.toBe(first);
  });
});
