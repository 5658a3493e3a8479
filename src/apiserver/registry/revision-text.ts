import { statusFailure } from '../../kube/index.ts';

const MAX_UINT64 = 2n ** 64n - 1n;

/** Why a text is not the number of a revision, in strconv.ParseUint's words. */
export function revisionProblem(text: string): string | undefined {
  const parsing = `strconv.ParseUint: parsing ${JSON.stringify(text)}`;
  if (!/^\d+$/.test(text)) return `${parsing}: invalid syntax`;
  return BigInt(text) > MAX_UINT64 ? `${parsing}: value out of range` : undefined;
}

/**
 * The revision that an object carries; 0 when it carries none.
 * @throws StatusError 500, as upstream, for what is no number
 */
export function revisionOf(text: string | undefined): bigint {
  if (!text) return 0n;
  const problem = revisionProblem(text);
  if (problem !== undefined) throw statusFailure(500, '', problem);
  return BigInt(text);
}
