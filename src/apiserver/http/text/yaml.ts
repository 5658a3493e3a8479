import type { Document, LineCounter, Tags } from 'yaml';
import { YamlSyntaxError } from './yaml-error.ts';
import { checkTokens } from './yaml-tokens.ts';

/** A YAML text as the value that its JSON form would have. */
export interface YamlText {
  readonly value: unknown;
  /** e.g. `line 7: key "a" already set in map`; the last one counts. */
  readonly duplicateKeys: readonly string[];
}

/** Scalars of YAML 1.1 that sigs.k8s.io/yaml leaves as they are written. */
const LEFT_AS_TEXT = new Set(['TIME', 'timestamp']);
/** Collections that JSON does not have; reading one takes the square of its length. */
const NO_JSON = new Set(['omap', 'pairs', 'set']);

/**
 * YAML 1.1 (where `yes` is true), of a text with several documents the first.
 * @throws YamlSyntaxError
 */
export async function parseYaml(bytes: Buffer): Promise<YamlText> {
  if (!isUtf8(bytes)) throw new YamlSyntaxError('yaml: invalid leading UTF-8 octet');
  const { Lexer, LineCounter: Lines, parseAllDocuments } = await import('yaml');
  const lines = new Lines();
  const text = bytes.toString('utf8');
  checkTokens(new Lexer(), text);
  let document: Document | undefined;
  try {
    const documents = parseAllDocuments(text, {
      version: '1.1',
      uniqueKeys: false,
      merge: true,
      lineCounter: lines,
      prettyErrors: false,
      customTags: (tags: Tags) =>
        tags.filter(
          (tag) =>
            typeof tag === 'string' ||
            !(NO_JSON.has(lastOf(tag.tag)) || LEFT_AS_TEXT.has(tag.format ?? lastOf(tag.tag))),
        ),
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
