import {
  type DaemonSet,
  LABEL_CONTROLLER_REVISION_HASH,
  type Pod,
  type PodSpec,
  type Stored,
} from '../../kube/index.ts';
import { podFromTemplate } from '../workload/index.ts';
import { daemonTolerations } from './eligibility.ts';

const LABEL_TEMPLATE_GENERATION = 'pod-template-generation';
const ANN_TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';
const NODE_NAME_FIELD = 'metadata.name';

/** The pod of a set for a node. The scheduler places it: by an affinity to the node's name. */
export function newDaemonPod(set: Stored<DaemonSet>, hash: string, nodeName: string): Pod {
  const pod = podFromTemplate(set.spec?.template, set);
  const generation = templateGeneration(set);
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: {
        ...pod.metadata?.labels,
        ...(generation === undefined ? {} : { [LABEL_TEMPLATE_GENERATION]: generation }),
        [LABEL_CONTROLLER_REVISION_HASH]: hash,
      },
    },
    spec: {
      ...pod.spec!,
      affinity: onNode(pod.spec?.affinity, nodeName),
      tolerations: daemonTolerations(pod.spec),
    },
  };
}

function onNode(affinity: PodSpec['affinity'], nodeName: string): PodSpec['affinity'] {
  const matchFields = [{ key: NODE_NAME_FIELD, operator: 'In', values: [nodeName] }];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
    },
  };
}

/** The node that a pod runs on or is meant for. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec?.nodeName) return spec.nodeName;
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const field = required?.nodeSelectorTerms
    .flatMap(({ matchFields }) => matchFields ?? [])
    .find(({ key, operator }) => key === NODE_NAME_FIELD && operator === 'In');
  return field?.values?.length === 1 ? field.values[0] : undefined;
}

/** Of the newest template, by its hash or, as older versions have it, by its count. */
export function isUpdated(pod: Pod, set: DaemonSet, hash: string): boolean {
  const labels = pod.metadata?.labels ?? {};
  const generation = templateGeneration(set);
  return (
    labels[LABEL_CONTROLLER_REVISION_HASH] === hash ||
    (generation !== undefined && labels[LABEL_TEMPLATE_GENERATION] === generation)
  );
}

function templateGeneration(set: DaemonSet): string | undefined {
  const text = set.metadata?.annotations?.[ANN_TEMPLATE_GENERATION] ?? '';
  return /^[0-9]+$/.test(text) ? text : undefined;
}
