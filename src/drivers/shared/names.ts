import { createHash } from 'node:crypto';

/** What may be a file's name as it is: handles of our drivers, and names that can serve as one. */
const SAFE_NAME = /^[A-Za-z0-9][-A-Za-z0-9_.]{0,127}$/;

/** The handle of what a Create call with this name makes: always the same one, and safe in a path. */
export function handleOf(name: string, prefix: string): string {
  return isHandle(name) ? name : `${prefix}-${createHash('sha256').update(name).digest('hex').slice(0, 40)}`;
}

/** Whether the text could be a handle of ours. Only such text is ever a piece of a path. */
export function isHandle(text: string): boolean {
  return SAFE_NAME.test(text);
}
