/** Elements of the page, made without any markup: what a bundle says is text and can be nothing else. */

type Attributes = { [name: string]: string };

/** Makes an element with what is in it. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Finds an element of the page by its id. */
export function find<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as T;
}

const CODE = /`([^`]*)`|\b([0-9a-f]{64}|SHA256:[A-Za-z0-9+/]{43})/g;

/** Text in which names between backticks, hashes and fingerprints stand as code. */
export function prose(text: string): (Node | string)[] {
  const parts: (Node | string)[] = [];
  let at = 0;
  for (const match of text.matchAll(CODE)) {
    parts.push(text.slice(at, match.index), make('code', {}, match[1] ?? match[2] ?? ''));
    at = match.index + match[0].length;
  }
  return [...parts, text.slice(at)].filter((part) => part !== '');
}
