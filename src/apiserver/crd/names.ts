import { rfc3339 } from '../../base/index.ts';
import { equal } from '../registry/validation/index.ts';
import type { Crd, CrdCondition, CrdNames, CrdStatus } from './types.ts';

// What the naming and establishing controllers make of a definition's status (apiextensions-apiserver
// controller/status and controller/establish).

export function condition(crd: Pick<Crd, 'status'>, type: string): CrdCondition | undefined {
  return crd.status?.conditions?.find((one) => one.type === type);
}

export const isEstablished = (crd: Pick<Crd, 'status'>): boolean =>
  condition(crd, 'Established')?.status === 'True';

/** The status with a condition set; the time of its last change is kept while its status stays. */
export function withCondition(status: CrdStatus, next: CrdCondition, nowMs: number): CrdStatus {
  const conditions = status.conditions ?? [];
  const before = conditions.find((one) => one.type === next.type);
  const lastTransitionTime =
    before?.status === next.status && before.lastTransitionTime ? before.lastTransitionTime : rfc3339(nowMs);
  const { type, status: value, reason, message } = next;
  const set = { lastTransitionTime, message, reason, status: value, type };
  if (before && equal(before, set)) return status;
  return {
    ...status,
    conditions: before ? conditions.map((one) => (one === before ? set : one)) : [...conditions, set],
  };
}

/** The status that a definition gets beside the others of its group; its own when nothing changes. */
export function decideStatus(crd: Crd, others: Iterable<Crd>, nowMs: number): CrdStatus {
  const { accepted, conflict } = acceptNames(crd, others);
  let status: CrdStatus = crd.status ?? {};
  if (!equal(status.acceptedNames, accepted)) status = { ...status, acceptedNames: accepted };
  status = withCondition(
    status,
    conflict
      ? { type: 'NamesAccepted', status: 'False', ...conflict }
      : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
    nowMs,
  );
  const established = condition({ status }, 'Established');
  if (established?.status === 'True') return status;
  return withCondition(
    status,
    conflict
      ? (established ?? {
          type: 'Established',
          status: 'False',
          reason: 'NotAccepted',
          message: 'not all names are accepted',
        })
      : {
          type: 'Established',
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        },
    nowMs,
  );
}

interface Accepted {
  readonly accepted: Partial<CrdNames>;
  readonly conflict: { readonly reason: string; readonly message: string } | undefined;
}

/** Each name by itself is the definition's once no other of its group has it. */
function acceptNames({ spec, status, metadata }: Crd, others: Iterable<Crd>): Accepted {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const other of others) {
    if (other.spec.group !== spec.group || other.metadata?.name === metadata?.name) continue;
    const { plural, singular, shortNames = [], kind, listKind } = other.status?.acceptedNames ?? {};
    for (const name of [plural, singular, ...shortNames]) if (name) resources.add(name);
    for (const name of [kind, listKind]) if (name) kinds.add(name);
  }
  const accepted: { -readonly [K in keyof CrdNames]?: CrdNames[K] } = { ...status?.acceptedNames };
  let conflict: Accepted['conflict'];
  const take = <K extends 'plural' | 'singular' | 'kind' | 'listKind'>(name: K, used: Set<string>) => {
    const asked = spec.names[name];
    if (asked !== accepted[name] && asked && used.has(asked)) {
      const reason = `${name.charAt(0).toUpperCase()}${name.slice(1)}Conflict`;
      conflict = { reason, message: `${JSON.stringify(asked)} is already in use` };
    } else accepted[name] = asked;
  };
  take('plural', resources);
  take('singular', resources);
  const taken = (spec.names.shortNames ?? []).filter(
    (name) => !accepted.shortNames?.includes(name) && resources.has(name),
  );
  if (taken.length > 0) {
    const texts = taken.map((name) => `${JSON.stringify(name)} is already in use`);
    conflict = {
      reason: 'ShortNamesConflict',
      message: texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`,
    };
  } else accepted.shortNames = spec.names.shortNames;
  take('kind', kinds);
  take('listKind', kinds);
  accepted.categories = spec.names.categories;
  for (const name of Object.keys(accepted) as (keyof CrdNames)[])
    if (accepted[name] === undefined) delete accepted[name];
  return { accepted, conflict };
}
