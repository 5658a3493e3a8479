import { fnv32 } from './fnv.ts';

/**
 * How far to rotate the list of places for a claim, so that the volumes of a StatefulSet spread over them: the hash of
 * the set's name plus the ordinal. Several claims of one pod land in one place: of `CLAIM-SET-ORDINAL` only SET counts.
 * Source: getPVCNameHashAndIndexOffset. Unsigned 32 bits, as there.
 */
export function spreadingOffset(claimName: string): number {
  const match = /^(.*)-(\d+)$/s.exec(claimName);
  const ordinal = match ? Number(match[2]) : 0;
  if (!match || ordinal > 0xffff_ffff) return fnv32(claimName);
  const base = match[1]!;
  return (fnv32(base.slice(base.lastIndexOf('-') + 1)) + ordinal) >>> 0;
}
