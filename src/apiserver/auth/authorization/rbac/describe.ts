import type { Match } from './bindings.ts';

/** A binding and its subject, as the reason of a decision names them. */
export function describeMatch({ binding, subject }: Match): string {
  const { kind, metadata, roleRef } = binding;
  const { namespace } = metadata;
  // Upstream has name and namespace in this order.
  const name = namespace ? `${metadata.name}/${namespace}` : metadata.name;
  const who =
    subject.kind === 'ServiceAccount'
      ? `${subject.name}/${subject.namespace || (namespace ?? '')}`
      : subject.name;
  return `${kind} ${JSON.stringify(name)} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(who)}`;
}
