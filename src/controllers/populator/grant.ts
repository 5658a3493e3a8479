import type { Client } from '../../client/index.ts';
import { isGranted, type PersistentVolumeClaim, referenceGrants } from '../../kube/index.ts';
import { sourceOf } from './world.ts';

/**
 * @throws Error when the claim names an object of another namespace, and no ReferenceGrant there lets it. Source: syncPvc
 * and IsGranted of lib-volume-populator.
 */
export async function checkGrant(
  claim: PersistentVolumeClaim,
  client: Client,
  { crossNamespace = false }: { readonly crossNamespace?: boolean },
): Promise<void> {
  const source = sourceOf(claim)!;
  const { namespace: own, name } = claim.metadata ?? {};
  const { namespace } = source;
  if (namespace === own) return;
  const grants = crossNamespace ? (await client.list(referenceGrants, { namespace })).items : [];
  if (isGranted(claim, source, grants)) return;
  throw new Error(
    `accessing ${namespace}/${source.name} of ${source.kind} dataSource from ${own}/${name} isn't allowed`,
  );
}
