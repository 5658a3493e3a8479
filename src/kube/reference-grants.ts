import { persistentVolumeClaims, type Resource } from './resources.ts';
import type { KubeObject, PersistentVolumeClaim } from './types.ts';

/** Who may refer into a namespace from another. Source: gateway.networking.k8s.io/v1beta1. */
export interface ReferenceGrant extends KubeObject {
  readonly spec: {
    readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
    readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[];
  };
}

export const referenceGrants: Resource<ReferenceGrant> = {
  group: 'gateway.networking.k8s.io',
  version: 'v1beta1',
  kind: 'ReferenceGrant',
  plural: 'referencegrants',
  singular: 'referencegrant',
  shortNames: ['refgrant'],
  categories: [],
  namespaced: true,
};

/** What a claim refers to in a namespace that need not be its own. */
export interface GrantedSource {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Whether one of the grants of the source's namespace lets the claim have it. Source: IsGranted of external-provisioner. */
export function isGranted(
  claim: PersistentVolumeClaim,
  source: GrantedSource,
  grants: readonly ReferenceGrant[],
): boolean {
  return grants.some(
    ({ metadata, spec }) =>
      metadata?.namespace === source.namespace &&
      spec.from.some(
        (from) =>
          from.group === '' &&
          from.kind === persistentVolumeClaims.kind &&
          from.namespace === claim.metadata?.namespace,
      ) &&
      spec.to.some(
        (to) => to.group === source.group && to.kind === source.kind && (!to.name || to.name === source.name),
      ),
  );
}
