import type { Document, LineCounter, Tags } from 'yaml';
import { MAX_DEPTH } from './json.ts';
import { YamlSyntaxError } from './yaml-error.ts';

/** A YAML text as the value that its JSON form would have. */
export interface YamlText {
  readonly value: unknown;
  /** e.g. `line 7: key "a" already set in map`; the last one counts. */
  readonly duplicateKeys: readonly string[];
}

/** What the parser can nest without running out of stack. */
const MAX_PARSED_DEPTH = 1_000;
/** Scalars of YAML 1.1 that sigs.k8s.io/yaml leaves as they are written. */
const LEFT_AS_TEXT = new Set(['TIME', 'timestamp']);

/**
 * YAML 1.1 (where `yes` is true), of a text with several documents the first.
 * @throws YamlSyntaxError
 */
export async function parseYaml(bytes: Buffer): Promise<YamlText> {
  if (!isUtf8(bytes)) throw new YamlSyntaxError('yaml: invalid leading UTF-8 octet');
  const { LineCounter: Lines, parseAllDocuments } = await import('yaml');
  const lines = new Lines();
  const text = bytes.toString('utf8');
  if (isDeep(text)) throw new YamlSyntaxError(`yaml: exceeded max depth of ${MAX_DEPTH}`);
  let document: Document | undefined;
  try {
    const documents = parseAllDocuments(text, {
      version: '1.1',
      uniqueKeys: false,
      merge: true,
      lineCounter: lines,
      prettyErrors: false,
      customTags: (tags: Tags) =>
        tags.filter((tag) => typeof tag === 'string' || !LEFT_AS_TEXT.has(tag.format ?? lastOf(tag.tag))),
    });
    document = Array.isArray(documents) ? (documents[0] as Document | undefined) : undefined;
    if (document === undefined) return { value: null, duplicateKeys: [] };
    const [problem] = document.errors;
    if (problem) {
      const { line } = lines.linePos(problem.pos[0]);
      throw new YamlSyntaxError(`yaml: line ${line}: ${lowerFirst(problem.message)}`);
    }
    return {
      value: document.toJS({ maxAliasCount: 100 }),
      duplicateKeys: await duplicatesOf(document, lines),
    };
  } catch (error) {
    if (error instanceof YamlSyntaxError) throw error;
    if (error instanceof ReferenceError && /alias count/.test(error.message))
      throw new YamlSyntaxError('yaml: document contains excessive aliasing');
    throw new YamlSyntaxError(`yaml: ${lowerFirst((error as Error).message)}`);
  }
}

/** Where a mapping has a key twice, in the order of the text. */
async function duplicatesOf(document: Document, lines: LineCounter): Promise<string[]> {
  const { isScalar, visit } = await import('yaml');
  const found: { offset: number; text: string }[] = [];
  visit(document, {
    Map(_key, { items }) {
      const names = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        const offset = key.range?.[0] ?? 0;
        if (names.has(name))
          found.push({
            offset,
            text: `line ${lines.linePos(offset).line}: key ${JSON.stringify(name)} already set in map`,
          });
        names.add(name);
      }
    },
  });
  return found.sort((a, b) => a.offset - b.offset).map(({ text }) => text);
}

/** Whether flow brackets nest deeper than the parser can follow; brackets inside of texts count too, which is safe. */
function isDeep(text: string): boolean {
  if (text.length < MAX_PARSED_DEPTH) return false;
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x5b || code === 0x7b) {
      if (++depth > MAX_PARSED_DEPTH) return true;
    } else if ((code === 0x5d || code === 0x7d) && depth > 0) {
      depth--;
    }
  }
  return false;
}

function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function lastOf(tag: string): string {
  return tag.slice(tag.lastIndexOf(':') + 1);
}

function lowerFirst(text: string): string {
  const [line = ''] = text.split('\n', 1);
  return line.charAt(0).toLowerCase() + line.slice(1);
}
