import { shellQuote } from './quote.ts';

/** Assignments that a shell reads: shim.sh and init.sh say which. */
export function shellSettings(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${shellQuote(value)}\n`)
    .join('');
}
