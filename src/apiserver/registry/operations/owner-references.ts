import type { KubeObject, OwnerReference } from '../../../kube/index.ts';
import type { RequestContext } from '../contract.ts';
import { equal } from '../validation/index.ts';

/** The object with each of its owners once; whoever sent one twice is told, in upstream's words. */
export function withOwnersOnce(object: KubeObject, context: RequestContext, isPatch: boolean): KubeObject {
  const references = object.metadata?.ownerReferences ?? [];
  const once: OwnerReference[] = [];
  const again: string[] = [];
  for (const reference of references) {
    if (once.some((known) => equal(known, reference))) again.push(reference.uid);
    else once.push(reference);
  }
  if (again.length === 0) return object;
  // What a patch makes is looked at later than what was sent whole.
  const when = isPatch ? ' after mutating admission happens' : '';
  context.warn?.(
    `.metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${again.join(', ')}`,
  );
  return { ...object, metadata: { ...object.metadata, ownerReferences: once } };
}
