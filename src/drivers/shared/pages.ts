import { Code, CsiStatus } from '../../csi/index.ts';
import { isHandle } from './names.ts';

/** Tokens can be told from anything else; what follows is the last id of the page before. */
const TOKEN_PREFIX = 'after:';

/**
 * A page of ids, in their order. It goes on behind the last id of the page before, whether that volume still exists or
 * not. `maxEntries` 0: no limit.
 * @throws CsiStatus ABORTED for a token that is none of ours (error table of ListVolumes).
 */
export function pageOf(
  ids: readonly string[],
  { maxEntries, startingToken }: { readonly maxEntries: number; readonly startingToken: string },
): { ids: readonly string[]; nextToken: string } {
  const last = startingToken.slice(TOKEN_PREFIX.length);
  if (startingToken !== '' && !(startingToken.startsWith(TOKEN_PREFIX) && isHandle(last)))
    throw new CsiStatus(
      Code.ABORTED,
      `starting_token ${JSON.stringify(startingToken)} is none of ours; start again without one`,
    );
  const rest = ids.filter((id) => startingToken === '' || id > last).sort();
  const page = maxEntries > 0 ? rest.slice(0, maxEntries) : rest;
  return { ids: page, nextToken: page.length < rest.length ? `${TOKEN_PREFIX}${page.at(-1)}` : '' };
}
