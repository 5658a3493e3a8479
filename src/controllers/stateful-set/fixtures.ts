import type { PersistentVolumeClaim, Pod, StatefulSet, Stored } from '../../kube/index.ts';
import { newPod } from './identity.ts';
import { type Action, type PlanInput, plan } from './plan.ts';

// Sets and pods for tables of cases.

export const NOW = Date.UTC(2026, 0, 1, 12);

export function makeSet(
  spec: Partial<NonNullable<StatefulSet['spec']>> = {},
  more: Partial<StatefulSet> = {},
): Stored<StatefulSet> {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'set-uid',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      generation: 1,
      ...more.metadata,
    },
    spec: {
      replicas: 3,
      serviceName: 'nginx',
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'c', image: 'i' }] },
      },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data', labels: { tier: 'db' } },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
      ...spec,
    },
    status: more.status,
  };
}

export type PodState = 'pending' | 'running' | 'ready' | 'failed' | 'succeeded' | 'leaving';

/** A stored pod of the set. `ready` since an hour. */
export function makePod(
  set: Stored<StatefulSet>,
  ordinal: number,
  state: PodState,
  revision = 'web-new',
): Stored<Pod> {
  const pod = newPod(set, set.spec!.template, revision, ordinal);
  const phases = { pending: 'Pending', failed: 'Failed', succeeded: 'Succeeded' } as Record<string, string>;
  const isReady = state === 'ready' || state === 'leaving';
  const since = new Date(NOW - 3_600_000).toISOString();
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      uid: `uid-${ordinal}`,
      resourceVersion: '1',
      creationTimestamp: since,
      deletionTimestamp: state === 'leaving' ? since : undefined,
    },
    status: {
      phase: phases[state] ?? 'Running',
      conditions: isReady ? [{ type: 'Ready', status: 'True', lastTransitionTime: since }] : [],
    },
  } as Stored<Pod>;
}

export function makeClaim(name: string, metadata: Partial<PersistentVolumeClaim['metadata']> = {}) {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', ...metadata },
  } as Stored<PersistentVolumeClaim>;
}

/** The plan for a set with these pods; claims exist unless said otherwise. */
export function planFor(
  set: Stored<StatefulSet>,
  pods: readonly Stored<Pod>[],
  more: Partial<PlanInput> = {},
) {
  const planned = plan({
    set,
    pods,
    claim: (name) => makeClaim(name),
    current: { name: 'web-old', template: set.spec!.template },
    update: { name: 'web-new', template: set.spec!.template },
    collisionCount: 0,
    nowMs: NOW,
    ...more,
  });
  return { ...planned, steps: planned.phases.flat() };
}

/** Actions as short texts: `create-pod web-0`. */
export function texts(steps: readonly (readonly Action[])[]): string[] {
  return steps.flat().map((action) => {
    switch (action.type) {
      case 'create-claims':
        return `create-claims ${action.claims.map(({ metadata }) => `${metadata?.name}${metadata?.deletionTimestamp ? ' leaving' : ''}`).join()}`;
      case 'own-claim':
        return `own-claim ${action.claim.metadata.name} ${action.owners.map(({ name }) => name).join() || 'nobody'}`;
      case 'claim-conflict':
        return `claim-conflict ${action.claim.metadata.name}`;
      default:
        return `${action.type} ${action.pod.metadata?.name}`;
    }
  });
}
