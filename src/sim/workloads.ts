import {
  type DaemonSet,
  type Deployment,
  daemonSets,
  deployments,
  type Job,
  jobs,
  type KubeObject,
  type PodDisruptionBudget,
  type Resource,
  type StatefulSet,
  type Stored,
  statefulSets,
} from '../kube/index.ts';
import type { WorkloadKind, WorkloadWish } from './actions.ts';
import { containers, NAMESPACE, volumeSpec } from './objects.ts';

/** With which label a workload's pods are its own. */
export const OWNER_LABEL = 'workload';
/** How long a pod of a job works. */
const JOB_SECONDS = '20';

interface Workload<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>;
  /** By the account that they run under: the controllers that come to do something with it. */
  readonly accounts: readonly string[];
  spec(wish: WorkloadWish): object;
  /** What is still to be done, once nothing keeps its pods from running; undefined: nothing. */
  open(workload: Stored<T>): string | undefined;
}

/** What makes pods for users. */
export const WORKLOADS: Readonly<Record<WorkloadKind, Workload>> = {
  StatefulSet: {
    resource: statefulSets,
    accounts: ['statefulset-controller'],
    spec: ({ name, replicas, ordered, storageClass = '' }) => ({
      replicas,
      serviceName: name,
      podManagementPolicy: ordered ? 'OrderedReady' : 'Parallel',
      ...podsOf(name, { containers: containers(['data']) }),
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: volumeSpec(storageClass) }],
    }),
    open({ spec, status }: Stored<StatefulSet>) {
      const [is, wanted] = [status?.replicas ?? 0, spec?.replicas ?? 1];
      if (is !== wanted) return `has ${is} of ${wanted} pods`;
      return status?.currentRevision === status?.updateRevision ? undefined : 'is not updated';
    },
  },
  Deployment: {
    resource: deployments,
    accounts: ['deployment-controller', 'replicaset-controller'],
    spec: ({ name, replicas, ordered, claim = '' }) => ({
      replicas,
      strategy: { type: ordered ? 'Recreate' : 'RollingUpdate' },
      ...podsOf(name, sharing(claim)),
    }),
    open({ metadata, spec, status }: Stored<Deployment>) {
      if (!status || status.observedGeneration !== metadata.generation) return 'has not been looked at';
      const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
      const wanted = spec?.replicas ?? 1;
      return [replicas, updatedReplicas, availableReplicas].every((count) => count === wanted)
        ? undefined
        : `has ${replicas} pods, ${updatedReplicas} updated, ${availableReplicas} available, of ${wanted}`;
    },
  },
  DaemonSet: {
    resource: daemonSets,
    accounts: ['daemon-set-controller', 'ephemeral-volume-controller'],
    spec: ({ name, storageClass = '' }) => podsOf(name, scratch(storageClass)),
    open({ metadata, status }: Stored<DaemonSet>) {
      if (!status || status.observedGeneration !== metadata.generation) return 'has not been looked at';
      const { desiredNumberScheduled: wanted, numberReady, updatedNumberScheduled = 0 } = status;
      return numberReady === wanted && updatedNumberScheduled === wanted
        ? undefined
        : `has ${numberReady} ready and ${updatedNumberScheduled} updated pods of ${wanted}`;
    },
  },
  Job: {
    resource: jobs,
    accounts: ['job-controller'],
    spec: ({ replicas, claim = '' }) => ({
      completions: replicas,
      template: {
        spec: { ...sharing(claim), containers: containers(['data'], JOB_SECONDS), restartPolicy: 'Never' },
      },
    }),
    open({ status }: Stored<Job>) {
      const ended = status?.conditions?.some(
        ({ type, status }) => /^(Complete|Failed)$/.test(type) && status === 'True',
      );
      return ended ? undefined : `has ${status?.succeeded ?? 0} pods that succeeded, and has not ended`;
    },
  },
};

export const WORKLOAD_KINDS = Object.keys(WORKLOADS) as WorkloadKind[];

export function workloadObject(wish: WorkloadWish): KubeObject {
  return {
    metadata: { name: wish.name, namespace: wish.namespace ?? NAMESPACE },
    spec: WORKLOADS[wish.kind].spec(wish),
  } as KubeObject;
}

/** Of the pods of a workload one at a time may be evicted. */
export function budgetObject(name: string): PodDisruptionBudget {
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: { maxUnavailable: 1, selector: { matchLabels: { [OWNER_LABEL]: name } } },
  };
}

function podsOf(name: string, spec: object) {
  const labels = { [OWNER_LABEL]: name };
  return { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } };
}

function sharing(claimName: string) {
  return {
    containers: containers(['data']),
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
  };
}

function scratch(storageClass: string) {
  return {
    containers: containers(['scratch']),
    volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: volumeSpec(storageClass) } } }],
  };
}
