import type { Resource } from './resources.ts';
import type { KubeObject } from './types.ts';

/**
 * Registers a kind of object that volumes can be filled from: a claim whose dataSourceRef names such an object is the
 * affair of whoever has registered it. Source: volume-data-source-validator 1, populator.storage.k8s.io/v1beta1.
 */
export interface VolumePopulator extends KubeObject {
  readonly sourceKind: { readonly group: string; readonly kind: string };
}

export const volumePopulators: Resource<VolumePopulator> = {
  group: 'populator.storage.k8s.io',
  version: 'v1beta1',
  kind: 'VolumePopulator',
  plural: 'volumepopulators',
  singular: 'volumepopulator',
  shortNames: [],
  categories: [],
  namespaced: false,
};
