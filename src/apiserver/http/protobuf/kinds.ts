import type { Resource } from '../../../kube/index.ts';
import { modelOfKind } from '../../registry/schema/index.ts';
import { findMessage } from './message.ts';
import type { WireMessage } from './wire-message.ts';

export type Kind = Pick<Resource, 'group' | 'version' | 'kind'>;

/** The groups whose kinds have field numbers; a custom resource may have a kind of the same name. */
const GROUPS: ReadonlySet<string> = new Set([
  ...['', 'apps', 'autoscaling', 'batch', 'policy'],
  ...[
    'apiextensions',
    'authentication',
    'authorization',
    'coordination',
    'discovery',
    'events',
    'meta',
    'rbac.authorization',
    'scheduling',
    'storage',
  ].map((name) => `${name}.k8s.io`),
]);

/** The wire form of a kind's objects; `undefined` for kinds that have none: custom resources. */
export function messageOfKind({ group, version, kind }: Kind): WireMessage | undefined {
  if (!GROUPS.has(group)) return undefined;
  const model = modelOfKind(group, version, kind);
  return model && findMessage(model.name);
}

/** The group and version of an apiVersion. */
export function kindOf(apiVersion: string, kind: string): Kind {
  const slash = apiVersion.indexOf('/');
  return { group: slash < 0 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), kind };
}
