// For the tests of this folder: a definition to vary.
import { customResourceDefinitions, type KubeObject, type Resource } from '../../kube/index.ts';
import type { Crd, CrdVersion, JSONSchema } from './types.ts';

export const crds = customResourceDefinitions as unknown as Resource<Crd>;

export const SPEC: JSONSchema = {
  type: 'object',
  required: ['color'],
  properties: {
    color: { type: 'string', enum: ['red', 'green'] },
    replicas: { type: 'integer', default: 1, minimum: 0, maximum: 10 },
    name: { type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 5 },
    port: { 'x-kubernetes-int-or-string': true },
    when: { type: 'string', format: 'date-time' },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    ports: {
      type: 'array',
      maxItems: 3,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port'],
      items: {
        type: 'object',
        required: ['port'],
        properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' } },
      },
    },
    one: {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string' } },
      oneOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    pod: {
      type: 'object',
      'x-kubernetes-embedded-resource': true,
      'x-kubernetes-preserve-unknown-fields': true,
    },
  },
};

export const STATUS: JSONSchema = {
  type: 'object',
  properties: { phase: { type: 'string' }, replicas: { type: 'integer' }, selector: { type: 'string' } },
};

export const V1: CrdVersion = {
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: 'object', properties: { spec: SPEC, status: STATUS } } },
  subresources: {
    status: {},
    scale: {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    },
  },
  selectableFields: [{ jsonPath: '.spec.color' }],
  additionalPrinterColumns: [
    { name: 'Color', type: 'string', jsonPath: '.spec.color' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
};

export const V1BETA1: CrdVersion = {
  name: 'v1beta1',
  served: true,
  storage: false,
  deprecated: true,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { color: { type: 'string' } } } },
    },
  },
};

/** Widgets of example.com, with what a test wants otherwise. */
export function widgetCrd(change: Partial<Crd['spec']> = {}): Crd {
  return {
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'], categories: ['all', 'gadgets'] },
      versions: [V1, V1BETA1],
      ...change,
    },
  };
}

/** A version whose spec has this schema. */
export const versionOf = (spec: JSONSchema, change: Partial<CrdVersion> = {}): CrdVersion => ({
  ...V1,
  schema: { openAPIV3Schema: { type: 'object', properties: { spec, status: STATUS } } },
  subresources: undefined,
  selectableFields: undefined,
  ...change,
});

export interface Widget extends KubeObject {
  readonly spec?: unknown;
  readonly status?: unknown;
}

export const widgets = (version = 'v1'): Resource<Widget> => ({
  group: 'example.com',
  version,
  kind: 'Widget',
  plural: 'widgets',
  singular: 'widget',
  shortNames: [],
  categories: [],
  namespaced: true,
});

export const widget = (name: string, spec: unknown): Widget => ({
  metadata: { namespace: 'default', name },
  spec,
});
