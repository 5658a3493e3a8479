// Some messages show a value as Go's JSON of upstream's internal types: all fields, in the order of their declaration,
// under their Go names, with null for what is not there.
import type { PodSpec } from '../../../kube/index.ts';
import { GO_STRUCTS } from './go-structs.ts';

type Fields = Readonly<Record<string, unknown>>;

interface GoField {
  readonly goName: string;
  readonly wireName: string;
  readonly kind: string;
}

const ZERO: Fields = { s: '', b: false, n: 0, q: '0', '[]': null, '{}': null, '*': null };
const known = new Map<string, readonly (GoField | string)[]>();

/** The fields of a struct, and the names of those whose fields stand among them. */
function fieldsOf(struct: string): readonly (GoField | string)[] {
  let fields = known.get(struct);
  if (!fields) {
    fields = GO_STRUCTS[struct]!.split('; ').map(parseField);
    known.set(struct, fields);
  }
  return fields;
}

function parseField(text: string): GoField | string {
  if (text.startsWith('...')) return text.slice('...'.length);
  const [, goName, wireName, kind] = /^(\w+)(?:=(\w+))? (.+)$/.exec(text) as unknown as string[];
  return { goName: goName!, wireName: wireName ?? wireNameOf(goName!), kind: kind! };
}

/** `DNSPolicy` is dnsPolicy, `IP` ip, `FSGroup` fsGroup. */
function wireNameOf(goName: string): string {
  return goName.replace(/^(?:[A-Z]+(?=[A-Z][a-z]|$)|[A-Z])/, (begin) => begin.toLowerCase());
}

/** The value as Go shows a `struct` of that name. */
export function goForm(struct: string, value: unknown): unknown {
  const fields = (value ?? {}) as Fields;
  const result: Record<string, unknown> = {};
  for (const field of fieldsOf(struct)) {
    // An object's metadata are the same in all versions.
    if (field === 'metadata') Object.assign(result, fields.metadata);
    else if (typeof field === 'string') Object.assign(result, goForm(field, value));
    else result[field.goName] = formOf(field.kind, fields[field.wireName]);
  }
  return result;
}

function formOf(kind: string, value: unknown): unknown {
  if (kind in ZERO) return value ?? ZERO[kind];
  if (kind.startsWith('*')) return value === undefined ? null : goForm(kind.slice(1), value);
  if (kind.startsWith('[]')) {
    return value === undefined ? null : (value as unknown[]).map((item) => goForm(kind.slice(2), item));
  }
  return goForm(kind, value);
}

/** A pod's spec, whose share of the host's namespaces Go keeps in the security context. */
export function goFormOfPodSpec(spec: PodSpec): unknown {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } = spec;
  const namespaces = { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers };
  return goForm('PodSpec', { ...spec, securityContext: { ...spec.securityContext, ...namespaces } });
}
