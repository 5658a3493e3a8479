import type { Crd } from '../types.ts';
import { define } from './define.ts';
import { object, resource, text } from './schema.ts';

const volumePopulator = resource(
  {
    'sourceKind!': object(
      { 'group!': text(), 'kind!': text() },
      'The kind of object that this populator fills volumes from.',
    ),
  },
  'Registers a kind of object that volumes can be filled from.',
);

/** The CustomResourceDefinition of volume populators. */
export const populatorCrd: Crd = {
  metadata: {
    name: 'volumepopulators.populator.storage.k8s.io',
    annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes/enhancements/pull/2934' },
  },
  spec: {
    group: 'populator.storage.k8s.io',
    names: {
      plural: 'volumepopulators',
      singular: 'volumepopulator',
      kind: 'VolumePopulator',
      listKind: 'VolumePopulatorList',
    },
    scope: 'Cluster',
    versions: [
      {
        ...define('v1beta1', volumePopulator, { storage: true }),
        additionalPrinterColumns: [{ name: 'SourceKind', type: 'string', jsonPath: '.sourceKind' }],
      },
    ],
  },
};
