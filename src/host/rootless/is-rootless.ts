import { readFileSync } from 'node:fs';
import { isWholeMachine, parseIdMap } from './id-map.ts';

/** Whether this process is in a user namespace that does not have the whole machine. */
export function isRootless(): boolean {
  try {
    return !isWholeMachine(parseIdMap(readFileSync('/proc/self/uid_map', 'utf8')));
  } catch {
    // No such file, no such thing.
    return false;
  }
}
