import type { Lexer } from 'yaml';
import { MAX_DEPTH as MAX_OBJECT_DEPTH } from '../../registry/depth.ts';
import { MAX_DEPTH } from './json.ts';
import { YamlSyntaxError } from './yaml-error.ts';

/**
 * The parser takes its time for each token, however short: for so many about a second. Real manifests have one in six
 * characters, so that these are more than an object may have that is to be stored (1.5 MiB).
 */
const MAX_TOKENS = 300_000;

const OPEN = new Set(['[', '{']);
const CLOSE = new Set([']', '}']);
/** What begins something inside of a line: `- - - a` nests as much as three lines do. */
const BEGIN = new Set(['-', '?', ':']);

/**
 * Looks through a text before the parser does, which takes a frame of the stack for each level and long for many tokens.
 * @throws YamlSyntaxError
 */
export function checkTokens(lexer: Lexer, text: string): void {
  let tokens = 0;
  let brackets = 0;
  let begun = 0;
  let deepest = 0;
  for (const token of lexer.lex(text)) {
    if (++tokens > MAX_TOKENS) throw new YamlSyntaxError(`yaml: more than ${MAX_TOKENS} tokens`);
    if (OPEN.has(token)) brackets++;
    else if (CLOSE.has(token)) brackets--;
    else if (brackets === 0 && BEGIN.has(token)) begun++;
    else if (token === '\n' || token === '\r\n') begun = 0;
    deepest = Math.max(deepest, brackets + begun);
  }
  for (const limit of [MAX_DEPTH, MAX_OBJECT_DEPTH])
    if (deepest > limit) throw new YamlSyntaxError(`yaml: exceeded max depth of ${limit}`);
}
