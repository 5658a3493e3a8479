import type { Container, Job, Pod, Stored } from '../../kube/index.ts';
import { podFromTemplate } from '../workload/index.ts';
import { ANN_COMPLETION_INDEX, FINALIZER_TRACKING, failureAnnotations } from './pods.ts';

const INDEX_VARIABLE = 'JOB_COMPLETION_INDEX';
/** Of what a name is made up of, without the part that the server adds. */
const MAX_PREFIX_LENGTH = 58;

/**
 * A pod of the job. One of an index says so in its name, its host name, a label, an annotation and its environment.
 * @param failed the last failed pod of the index
 */
export function newJobPod(job: Stored<Job>, index: number | undefined, failed: Pod | undefined): Pod {
  const pod = podFromTemplate(job.spec?.template, job);
  const finalizers = [...new Set([...(pod.metadata?.finalizers ?? []), FINALIZER_TRACKING])];
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } };
  const indexText = String(index);
  const suffix = `-${index}-`;
  const { name } = job.metadata;
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      finalizers,
      generateName: `${name.slice(0, MAX_PREFIX_LENGTH - suffix.length)}${suffix}`,
      labels: { ...pod.metadata?.labels, [ANN_COMPLETION_INDEX]: indexText },
      annotations: {
        ...pod.metadata?.annotations,
        [ANN_COMPLETION_INDEX]: indexText,
        ...(job.spec?.backoffLimitPerIndex !== undefined ? failureAnnotations(job, failed) : {}),
      },
    },
    spec: {
      ...pod.spec!,
      hostname: `${name}-${index}`,
      containers: (pod.spec?.containers ?? []).map(withIndexVariable),
      ...(pod.spec?.initContainers ? { initContainers: pod.spec.initContainers.map(withIndexVariable) } : {}),
    },
  };
}

function withIndexVariable(container: Container): Container {
  const env = container.env ?? [];
  if (env.some(({ name }) => name === INDEX_VARIABLE)) return container;
  const fieldRef = { fieldPath: `metadata.labels['${ANN_COMPLETION_INDEX}']` };
  return { ...container, env: [...env, { name: INDEX_VARIABLE, valueFrom: { fieldRef } }] };
}
