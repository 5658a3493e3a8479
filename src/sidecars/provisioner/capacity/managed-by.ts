import { fnv32a } from '../fnv.ts';

const BASE = 'external-provisioner';
/** Of a label's value. */
const MAX_LENGTH = 63;
/** Of a hash, and of a hash between two dashes. */
const HASH_LENGTH = 8;
const DASHED_HASH_LENGTH = HASH_LENGTH + 2;

/** Which provisioner an object is of: the one of the cluster, or that of a node. */
export function managedBy(nodeName: string | undefined): string {
  return nodeName === undefined ? BASE : shortName(BASE, nodeName);
}

/** BASE-SUFFIX; where that is too long, a hash takes the place of what is cut. Source: getNameWithMaxLength. */
export function shortName(base: string, suffix: string): string {
  const name = base === '' ? suffix : `${base}-${suffix}`;
  if (name.length <= MAX_LENGTH) return name;
  const room = MAX_LENGTH - DASHED_HASH_LENGTH - suffix.length;
  if (room > 0) return `${base.slice(0, room)}-${hashOf(base)}-${suffix}`;
  const prefix = base.slice(0, MAX_LENGTH - HASH_LENGTH - 1);
  return prefix === '' ? hashOf(name) : `${prefix}-${hashOf(name)}`;
}

function hashOf(text: string): string {
  return fnv32a(text).toString(16).padStart(HASH_LENGTH, '0');
}
