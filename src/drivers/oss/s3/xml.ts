import { XMLParser } from 'fast-xml-parser';

/** Keys are text as they are: `007` is no number, and a space at the end of one belongs to it. */
const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  ignoreAttributes: true,
  htmlEntities: true,
});

/** An element of an answer. */
export type Element = Readonly<Record<string, unknown>>;

/** The root element of a document, if it has this name; undefined for any other text. */
export function parseXml(text: string, root: string): Element | undefined {
  try {
    const document = parser.parse(text) as Element;
    return Object.hasOwn(document, root) ? elementOf(document[root]) : undefined;
  } catch {
    return undefined;
  }
}

/** The elements of a name below another, however many there are. */
export function childrenOf(parent: Element, name: string): readonly Element[] {
  const value = parent[name];
  return value === undefined ? [] : [value].flat().map(elementOf);
}

/** The text of an element; empty when it is not there. */
export function textOf(parent: Element, name: string): string {
  const value = parent[name];
  return typeof value === 'string' ? value : '';
}

/** A text as XML, with control characters by number: a newline in the name of an object is part of it. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\p{Cc}]/gu, (character) => `&#${character.codePointAt(0)};`);
}

function elementOf(value: unknown): Element {
  return typeof value === 'object' && value !== null ? (value as Element) : {};
}
