import type { DeleteOptions, ListOptions, WatchOptions } from '../../client/index.ts';
import { badRequest, invalid, type StatusCause, statusFailure } from '../../kube/index.ts';
import { revisionProblem } from '../registry/revision-text.ts';
import { goTypeOf, typeProblem } from './text/json-types.ts';

const META_GROUP = 'meta.k8s.io';
type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions' | 'ListOptions';

/** What the query of a write says. */
export interface WriteParameters {
  readonly dryRun: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  readonly force: boolean;
}

/** What the query of a list or watch says. */
export interface ReadParameters {
  readonly list: Omit<ListOptions, 'namespace' | 'signal'>;
  readonly watch: Omit<WatchOptions, 'namespace' | 'signal'>;
}

const NAME_ALONE = /(^|&)([^=&]+)(?=&|$)/g;

/**
 * What follows the question mark of a request, of which anybody can send a megabyte. Names alone get the `=` that they
 * may leave out: Node takes the square of their number to read them without it.
 */
export function parseQuery(text: string): URLSearchParams {
  return new URLSearchParams(text.replace(NAME_ALONE, '$1$2='));
}

/** A boolean as the API server reads it: present is true, but for "false" and "0". */
export function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value.toLowerCase() !== 'false' && value !== '0';
}

const MAX_INT64 = 2n ** 63n - 1n;

/** @throws StatusError 400 for what is not a whole number of 64 bits. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  const parsing = `strconv.ParseInt: parsing ${JSON.stringify(value)}`;
  if (!/^[+-]?\d+$/.test(value)) throw badRequest(`${parsing}: invalid syntax`);
  const number = BigInt(value.replace('+', ''));
  if (number > MAX_INT64 || number < -MAX_INT64 - 1n) throw badRequest(`${parsing}: value out of range`);
  return Number(number);
}

/** @throws StatusError 422 for values that upstream refuses. */
export function writeParameters(
  query: URLSearchParams,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  apply = false,
): WriteParameters {
  const causes: StatusCause[] = [];
  const dryRun = query.getAll('dryRun');
  const manager = query.get('fieldManager') ?? '';
  const fieldValidation = query.get('fieldValidation') ?? '';
  if (apply && manager === '')
    causes.push({
      reason: 'FieldValueRequired',
      message: 'Required value: is required for apply patch',
      field: 'fieldManager',
    });
  if (kind === 'PatchOptions' && !apply && query.has('force'))
    causes.push({
      reason: 'FieldValueForbidden',
      message: 'Forbidden: may not be specified for non-apply patch',
      field: 'force',
    });
  causes.push(...fieldManagerCauses(manager), ...dryRunCauses(dryRun));
  if (!isFieldValidation(fieldValidation))
    causes.push(unsupported('fieldValidation', fieldValidation, ['', 'Ignore', 'Strict', 'Warn']));
  refuse(kind, causes);
  return {
    dryRun: dryRun.length > 0,
    fieldManager: manager || undefined,
    fieldValidation: (fieldValidation as WriteParameters['fieldValidation']) || undefined,
    force: flag(query, 'force'),
  };
}

/** @throws StatusError 400 and 422 for values that upstream refuses. */
export function readParameters(query: URLSearchParams, watch: boolean): ReadParameters {
  const text = (name: string) => query.get(name) || undefined;
  const resourceVersion = text('resourceVersion');
  const match = text('resourceVersionMatch');
  const sendInitialEvents = query.has('sendInitialEvents');
  refuse(
    'ListOptions',
    readCauses({ watch, match, sendInitialEvents, resourceVersion, token: text('continue') }),
  );
  const problem = resourceVersion === undefined ? undefined : revisionProblem(resourceVersion);
  if (problem !== undefined) {
    const why = `resourceVersion: Invalid value: ${JSON.stringify(resourceVersion)}: ${problem}`;
    throw watch ? statusFailure(500, '', why) : badRequest(`invalid resource version: ${why}`);
  }

  const selectors = { labelSelector: text('labelSelector'), fieldSelector: text('fieldSelector') };
  return {
    list: {
      ...selectors,
      limit: integer(query, 'limit') || undefined,
      continue: text('continue'),
      resourceVersion,
      resourceVersionMatch: match as ListOptions['resourceVersionMatch'],
    },
    watch: {
      ...selectors,
      resourceVersion,
      allowWatchBookmarks: flag(query, 'allowWatchBookmarks'),
      timeoutSeconds: integer(query, 'timeoutSeconds') || undefined,
      sendInitialEvents: sendInitialEvents ? flag(query, 'sendInitialEvents') : undefined,
    },
  };
}

/** metav1.DeleteOptions as a body carries it. */
interface DeleteBody {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly gracePeriodSeconds?: unknown;
  readonly orphanDependents?: unknown;
  readonly propagationPolicy?: unknown;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: unknown;
}

/** The options of a delete: from the body when there is one, else from the query. */
export function deleteOptions(query: URLSearchParams, body: unknown): DeleteOptions & { cascades: boolean } {
  const source: DeleteBody =
    body === undefined || body === null
      ? {
          gracePeriodSeconds: integer(query, 'gracePeriodSeconds'),
          orphanDependents: query.has('orphanDependents') ? flag(query, 'orphanDependents') : undefined,
          propagationPolicy: query.get('propagationPolicy') ?? undefined,
          dryRun: query.getAll('dryRun'),
        }
      : checkDeleteBody(body);
  const { gracePeriodSeconds, orphanDependents, propagationPolicy, preconditions } = source;
  const dryRun = Array.isArray(source.dryRun) ? (source.dryRun as string[]) : [];

  const causes: StatusCause[] = [];
  const policies = ['Foreground', 'Background', 'Orphan'];
  if (propagationPolicy !== undefined && orphanDependents !== undefined)
    causes.push({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${JSON.stringify(propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set`,
      field: 'propagationPolicy',
    });
  if (propagationPolicy !== undefined && !policies.includes(propagationPolicy as string))
    causes.push(unsupported('propagationPolicy', propagationPolicy, [...policies, 'nil']));
  causes.push(...dryRunCauses(dryRun));
  refuse('DeleteOptions', causes);

  const legacy = orphanDependents === undefined ? undefined : orphanDependents ? 'Orphan' : 'Background';
  return {
    gracePeriodSeconds: (gracePeriodSeconds as number | null | undefined) ?? undefined,
    propagationPolicy: (propagationPolicy as DeleteOptions['propagationPolicy']) ?? legacy,
    preconditions: preconditions ?? undefined,
    dryRun: dryRun.length > 0,
    cascades: orphanDependents === false,
  };
}

/**
 * Who writes, for managedFields: what the client says, else its user agent up to the slash, printable and at most
 * 128 bytes, else `unknown`.
 */
export function fieldManagerOf(
  parameters: Pick<WriteParameters, 'fieldManager'>,
  userAgent: string | undefined,
): string {
  if (parameters.fieldManager !== undefined) return parameters.fieldManager;
  const prefix = (userAgent ?? '').split('/', 1)[0]!;
  const printable = Buffer.from(prefix.replace(/[^\P{C}]/gu, '')).subarray(0, 128);
  return printable.toString('utf8') || 'unknown';
}

function checkDeleteBody(body: unknown): DeleteBody {
  const problem = typeProblem(body);
  if (problem !== undefined) throw badRequest(`couldn't get version/kind; json parse error: ${problem}`);
  const options = body as DeleteBody;
  const { kind, apiVersion } = options;
  if (kind && kind !== 'DeleteOptions')
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion ?? '')} in scheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"`,
    );
  for (const [field, type, fits] of DELETE_FIELDS) {
    const value = (options as Record<string, unknown>)[field];
    if (value === undefined || value === null || fits(value)) continue;
    throw unfit(`DeleteOptions.${field}`, value, type);
  }
  for (const [field, type] of PRECONDITIONS) {
    const value = options.preconditions?.[field] ?? '';
    if (typeof value !== 'string') throw unfit(`Preconditions.preconditions.${field}`, value, type);
  }
  return options;
}

const PRECONDITIONS = [
  ['uid', 'types.UID'],
  ['resourceVersion', 'string'],
] as const;

/** As encoding/json says that a value does not fit; of numbers it shows those that are no whole ones. */
function unfit(field: string, value: unknown, type: string): Error {
  const shown = typeof value === 'number' && type === 'int64' ? `number ${value}` : goTypeOf(value);
  return badRequest(`json: cannot unmarshal ${shown} into Go struct field ${field} of type ${type}`);
}

const DELETE_FIELDS: readonly [field: string, goType: string, fits: (value: unknown) => boolean][] = [
  ['gracePeriodSeconds', 'int64', Number.isInteger],
  ['preconditions', 'v1.Preconditions', (value) => typeof value === 'object' && !Array.isArray(value)],
  ['orphanDependents', 'bool', (value) => typeof value === 'boolean'],
  ['propagationPolicy', 'v1.DeletionPropagation', (value) => typeof value === 'string'],
  ['dryRun', '[]string', (value) => Array.isArray(value) && value.every((item) => typeof item === 'string')],
];

interface ReadQuery {
  readonly watch: boolean;
  readonly match: string | undefined;
  readonly sendInitialEvents: boolean;
  readonly resourceVersion: string | undefined;
  readonly token: string | undefined;
}

function readCauses({ watch, match, sendInitialEvents, resourceVersion, token }: ReadQuery): StatusCause[] {
  const causes: StatusCause[] = [];
  const field = 'resourceVersionMatch';
  const forbid = (name: string, why: string) =>
    causes.push({ reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field: name });
  const forbidInitialEvents = () => {
    if (sendInitialEvents) forbid('sendInitialEvents', 'sendInitialEvents is forbidden for list');
    return causes;
  };
  if (watch) {
    if (sendInitialEvents && match !== 'NotOlderThan')
      forbid(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
    // A watch from the present state is one with initial events, which upstream fills in.
    const fromNow = match === undefined && (resourceVersion === undefined || resourceVersion === '0');
    if (fromNow && !sendInitialEvents && token !== undefined)
      forbid(field, 'resourceVersionMatch is forbidden when continue is provided');
    if (match === undefined) return causes;
    if (!sendInitialEvents)
      forbid(field, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
    if (match !== 'NotOlderThan') causes.push(unsupported(field, match, ['NotOlderThan']));
    if (token !== undefined) forbid(field, 'resourceVersionMatch is forbidden when continue is provided');
    return causes;
  }
  if (match === undefined) return forbidInitialEvents();
  if (resourceVersion === undefined)
    forbid(field, 'resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (token !== undefined) forbid(field, 'resourceVersionMatch is forbidden when continue is provided');
  if (match !== 'Exact' && match !== 'NotOlderThan')
    causes.push(unsupported(field, match, ['Exact', 'NotOlderThan', '']));
  if (match === 'Exact' && resourceVersion === '0')
    forbid(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  return forbidInitialEvents();
}

function isFieldValidation(value: string): boolean {
  return value === '' || value === 'Ignore' || value === 'Warn' || value === 'Strict';
}

function fieldManagerCauses(manager: string): StatusCause[] {
  if (manager.length > 128)
    return [
      {
        reason: 'FieldValueTooLong',
        message: 'Too long: may not be more than 128 bytes',
        field: 'fieldManager',
      },
    ];
  const unprintable = /\p{C}/u.exec(manager);
  if (unprintable) {
    const code = unprintable[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
    const position = Buffer.byteLength(manager.slice(0, unprintable.index));
    return [
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${JSON.stringify(manager)}: invalid character U+${code} (at position ${position})`,
        field: 'fieldManager',
      },
    ];
  }
  return [];
}

function dryRunCauses(dryRun: readonly string[]): StatusCause[] {
  return dryRun.every((value) => value === 'All') ? [] : [unsupported('dryRun', dryRun, ['All'])];
}

function unsupported(field: string, value: unknown, supported: readonly string[]): StatusCause {
  const values = supported.map((text) => JSON.stringify(text)).join(', ');
  return {
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`,
    field,
  };
}

function refuse(kind: OptionsKind, causes: readonly StatusCause[]): void {
  if (causes.length > 0) throw invalid({ group: META_GROUP, kind }, '', causes);
}
