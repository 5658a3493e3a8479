import type { ListOptions } from '../../client/index.ts';
import { badRequest, expired, statusFailure } from '../../kube/index.ts';
import type { Store, Table } from '../store/index.ts';
import type { Entry, EntryList, ResourceDefinition } from './contract.ts';
import { parseSelection } from './selection.ts';

const EXPIRED_CONTINUE =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.';

/**
 * Lists what is durable. Pages of one list all show the state of its first page's revision, rebuilt from the recent
 * changes. The answer is never older than any earlier one, so a resourceVersion asks for nothing more than that it
 * has been reached, unless the match is Exact.
 * @throws StatusError 400, 410 (the history no longer reaches back), 504 (a revision that is not reached yet)
 */
export function list(
  store: Store,
  table: Table,
  definition: ResourceDefinition,
  options: ListOptions = {},
): EntryList {
  const selection = parseSelection(definition, options);
  const token = options.continue ? readToken(options.continue) : undefined;
  const asked = parseRevision(options.resourceVersion);
  checkMatch(options, asked);
  if (asked !== undefined && asked > store.revision) throw tooLarge(asked, store.revision);
  const exact = token?.revision ?? (options.resourceVersionMatch === 'Exact' ? asked : undefined);
  const revision = exact ?? store.revision;
  const prefix = definition.namespaced && options.namespace ? `${options.namespace}/` : '';
  const start = token?.start ?? '';

  const walk =
    exact === undefined
      ? (only(table, definition, selection.name, prefix, start) ?? table.entries(start, prefix))
      : table.entriesAt(exact, start, prefix);
  if (!walk) throw token ? expired(EXPIRED_CONTINUE) : tooOld(revision, table.log.floor);

  const limit = options.limit && options.limit > 0 ? options.limit : Number.POSITIVE_INFINITY;
  const entries: Entry[] = [];
  let next: string | undefined;
  let remaining = 0;
  for (const [key, entry] of walk) {
    if (!selection.everything && !selection.matches(entry.object)) continue;
    if (entries.length < limit) {
      entries.push(entry);
      continue;
    }
    next ??= key;
    // Upstream counts the rest only for lists without selectors.
    if (!selection.everything) break;
    remaining++;
  }
  if (next === undefined) return { entries, revision };
  return {
    entries,
    revision,
    continue: writeToken({ revision, start: next }),
    remainingItemCount: selection.everything ? remaining : undefined,
  };
}

/** The one entry that a selection by name can hold; `undefined` when it takes a walk. */
function only(
  table: Table,
  definition: ResourceDefinition,
  name: string | undefined,
  prefix: string,
  start: string,
): Iterable<[string, Entry]> | undefined {
  if (name === undefined || (definition.namespaced && prefix === '')) return undefined;
  const key = `${prefix}${name}`;
  const entry = key >= start ? table.get(key) : undefined;
  return entry ? [[key, entry]] : [];
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

function checkMatch(options: ListOptions, asked: number | undefined): void {
  if (options.resourceVersionMatch === undefined) return;
  if (options.continue) {
    throw badRequest('resourceVersionMatch is forbidden for continue');
  }
  if (!options.resourceVersion) {
    throw badRequest('resourceVersionMatch is forbidden unless resourceVersion is provided');
  }
  if (options.resourceVersionMatch === 'Exact' && asked === undefined) {
    throw badRequest('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
  if (options.resourceVersionMatch !== 'Exact' && options.resourceVersionMatch !== 'NotOlderThan') {
    throw badRequest(
      `resourceVersionMatch ${JSON.stringify(options.resourceVersionMatch)} is not supported: supported values: "Exact", "NotOlderThan"`,
    );
  }
}

export const tooOld = (asked: number, floor: number) =>
  expired(`too old resource version: ${asked} (${floor})`);

const tooLarge = (asked: number, current: number) =>
  statusFailure(504, 'Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

interface Token {
  /** The state that all pages show. */
  readonly revision: number;
  /** The first key of the next page. */
  readonly start: string;
}

function writeToken(token: Token): string {
  return Buffer.from(JSON.stringify({ v: 1, rv: token.revision, start: token.start })).toString('base64url');
}

function readToken(text: string): Token {
  try {
    const { v, rv, start } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Record<
      string,
      unknown
    >;
    if (v === 1 && Number.isSafeInteger(rv) && typeof start === 'string')
      return { revision: rv as number, start };
  } catch {
    // Falls through to the same answer.
  }
  throw badRequest('continue key is not valid: it is not one that this server gave out');
}
