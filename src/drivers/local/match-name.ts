/**
 * Whether a name matches a pattern of Go's filepath.Match: `*` and `?` stand for any characters, `[a-z]` and `[^a-z]` for
 * one of some, a backslash takes the next character as it is. A pattern that is none is undefined.
 */
export function matchesName(pattern: string, name: string): boolean | undefined {
  const expression = expressionOf(pattern);
  return expression?.test(name);
}

function expressionOf(pattern: string): RegExp | undefined {
  const pieces = /\*|\?|\[(\^?)((?:\\.|[^\]\\])+)\]|\\(.)|([^*?[\\])/gsu;
  let at = 0;
  let source = '';
  for (const match of pattern.matchAll(pieces)) {
    if (match.index !== at) return undefined;
    at += match[0].length;
    const piece = pieceOf(match);
    if (piece === undefined) return undefined;
    source += piece;
  }
  return at === pattern.length ? new RegExp(`^${source}$`, 'su') : undefined;
}

function pieceOf([whole, not = '', set, escaped, plain]: RegExpMatchArray): string | undefined {
  if (whole === '*') return '[^/]*';
  if (whole === '?') return '[^/]';
  if (set === undefined) return literal((escaped ?? plain)!);
  const ranges = [...set.matchAll(/(\\.|[^\\-])(?:-(\\.|[^\\-]))?|(.)/gsu)];
  // A range has both its ends; a dash that has none must be escaped.
  if (ranges.some(([, , , stray]) => stray !== undefined)) return undefined;
  const parts = ranges.map(([, from, to]) => {
    const [low, high] = [plainOf(from!), plainOf(to ?? from!)];
    // Go takes a range the wrong way round for one that has nothing in it.
    return low > high ? '' : `${literal(low)}-${literal(high)}`;
  });
  const body = parts.join('');
  if (body === '') return not === '' ? '[]' : '[^]';
  return `[${not}${body}]`;
}

const plainOf = (character: string): string => (character.length > 1 ? character.slice(1) : character);

function literal(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
