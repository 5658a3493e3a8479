import type { ListOptions } from '../../client/index.ts';
import { badRequest, expired, StatusError, statusFailure } from '../../kube/index.ts';
import type { Store, Table } from '../store/index.ts';
import { keyAfter, LATEST, readToken, writeToken } from './continue-token.ts';
import { type Entry, type EntryList, type ResourceDefinition, storedForm } from './contract.ts';
import { parseSelection, type Selection } from './selection.ts';

const EXPIRED_LIST = 'The resourceVersion for the provided list is too old.';
const EXPIRED_CONTINUE =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.';

/**
 * Lists what is durable. Pages of one list all show the state of its first page's revision, rebuilt from the recent
 * changes. The answer is never older than any earlier one, so a resourceVersion asks for nothing more than that it
 * has been reached, unless it is to be matched exactly.
 * @throws StatusError 400; 410 when the history no longer reaches back, for a continued list with a token that goes on
 * in the present state; 504 for a revision that is not reached yet
 */
export function list(
  store: Store,
  table: Table,
  definition: ResourceDefinition,
  options: ListOptions = {},
): EntryList {
  const selection = parseSelection(definition, options);
  checkMatch(options);
  const { exact, start } = whereToList(options, store.revision);
  const prefix = definition.namespaced && options.namespace ? `${options.namespace}/` : '';
  const walk =
    exact === undefined
      ? present(table, definition, selection, prefix, start)
      : table.entriesAt(exact, start, prefix);
  if (!walk) throw options.continue ? inconsistent(start) : expired(EXPIRED_LIST);

  // A list of any state comes from upstream's cache, which does not cut it into pages (cacher computeListLimit).
  const limited = options.limit && options.limit > 0 && options.resourceVersion !== '0';
  const limit = limited ? options.limit! : Number.POSITIVE_INFINITY;
  const revision = exact ?? store.revision;
  const entries: Entry[] = [];
  let last = '';
  let remaining = 0;
  const form = storedForm(definition);
  for (const [key, stored] of walk) {
    const entry = form ? form.read(stored) : stored;
    if (!selection.everything && !selection.matches(entry.object)) continue;
    if (entries.length < limit) {
      entries.push(entry);
      last = key;
      continue;
    }
    remaining++;
    // Upstream counts the rest only for lists without selectors.
    if (!selection.everything) break;
  }
  if (remaining === 0) return { entries, revision };
  return {
    entries,
    revision,
    continue: writeToken({ revision, start: keyAfter(last) }),
    remainingItemCount: selection.everything ? remaining : undefined,
  };
}

/**
 * Which state a list shows, the present one when `exact` is undefined, and from which key on
 * (storage.ValidateListOptions).
 */
function whereToList(options: ListOptions, current: number): { exact: number | undefined; start: string } {
  const asked = parseRevision(options.resourceVersion);
  if (options.continue) {
    const token = readToken(options.continue);
    if (asked !== undefined)
      throw badRequest('specifying resource version is not allowed when using continue');
    if (token.revision > current) throw tooLarge(token.revision, current);
    return { exact: token.revision <= LATEST ? undefined : token.revision, start: token.start };
  }
  if (asked !== undefined && asked > current) throw tooLarge(asked, current);
  const match = options.resourceVersionMatch;
  const isExact =
    match === 'Exact' || (match === undefined && options.limit !== undefined && options.limit > 0);
  return { exact: isExact ? asked : undefined, start: '' };
}

/** The present objects that may be in the selection, by the shortest way. */
function present(
  table: Table,
  definition: ResourceDefinition,
  { name, indexed }: Selection,
  prefix: string,
  start: string,
): Iterable<[string, Entry]> {
  if (name !== undefined && (!definition.namespaced || prefix !== '')) {
    const key = `${prefix}${name}`;
    const entry = key >= start ? table.get(key) : undefined;
    return entry ? [[key, entry]] : [];
  }
  return indexed ? table.entriesWith(indexed, start, prefix) : table.entries(start, prefix);
}

/** @throws StatusError 400 when the text is no resourceVersion; `undefined` for unset and '0': any. */
export function parseRevision(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === '0') return undefined;
  const revision = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(revision)) return revision;
  throw badRequest(
    `Invalid value: ${JSON.stringify(text)}: resourceVersion is not a number that this server gave out`,
  );
}

function checkMatch(options: ListOptions): void {
  const { resourceVersion, resourceVersionMatch: match } = options;
  if (match === undefined) return;
  if (!resourceVersion)
    throw badRequest('resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (options.continue) throw badRequest('resourceVersionMatch is forbidden when continue is provided');
  if (match === 'Exact' && resourceVersion === '0')
    throw badRequest('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    throw badRequest(
      `resourceVersionMatch ${JSON.stringify(match)} is not supported: supported values: "Exact", "NotOlderThan"`,
    );
  }
}

export const tooOld = (asked: number, floor: number) =>
  expired(`too old resource version: ${asked} (${floor})`);

export const tooLarge = (asked: number, current: number) =>
  statusFailure(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

/** 410 with the token with which a client that can live with it may go on. */
function inconsistent(start: string): StatusError {
  const { status } = expired(EXPIRED_CONTINUE);
  return new StatusError({
    ...status,
    metadata: { continue: writeToken({ revision: LATEST, start }) },
  });
}
