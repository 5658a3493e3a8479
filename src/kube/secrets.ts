import type { Secret } from './types.ts';

/** A Secret's entries, decoded, as a driver or an environment gets them: text. Bytes that are no UTF-8 become U+FFFD. */
export function secretText({ data }: Pick<Secret, 'data'>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64').toString('utf8')]),
  );
}
