import type { TerminalSize } from '../../runtime/index.ts';

const MAX_CHARACTERS = 4096;
const LARGEST = 0xffff;

/** Reads the sizes that a client sends, one JSON object after the other, in pieces of any length. */
export class TerminalSizes {
  #rest = '';

  /** The sizes that are complete with this piece. What is no size is passed over. */
  push(piece: Uint8Array): TerminalSize[] {
    this.#rest += Buffer.from(piece).toString('latin1');
    const sizes: TerminalSize[] = [];
    let end = 0;
    for (const match of this.#rest.matchAll(/\{[^{}]*\}/g)) {
      end = match.index + match[0].length;
      const size = parseSize(match[0]);
      if (size) sizes.push(size);
    }
    this.#rest = this.#rest.slice(end).slice(-MAX_CHARACTERS);
    return sizes;
  }
}

function parseSize(json: string): TerminalSize | undefined {
  try {
    const { Width: columns, Height: rows } = JSON.parse(json) as { Width?: unknown; Height?: unknown };
    return isLength(columns) && isLength(rows) ? { columns, rows } : undefined;
  } catch {
    return undefined;
  }
}

const isLength = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) <= LARGEST;
