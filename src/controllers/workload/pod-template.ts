import {
  controllerReference,
  type KubeObject,
  type Pod,
  type PodTemplateSpec,
  type Stored,
} from '../../kube/index.ts';
import { canonical } from './canonical.ts';

/** The label that tells the pods and replica sets of a deployment's templates apart. */
export const LABEL_POD_TEMPLATE_HASH = 'pod-template-hash';

/** A pod as the owner's template says, its name still to be made up by the server (controller.GetPodFromTemplate). */
export function podFromTemplate(template: PodTemplateSpec | undefined, owner: Stored<KubeObject>): Pod {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: owner.metadata.namespace,
      generateName: `${owner.metadata.name}-`,
      labels,
      annotations,
      finalizers,
      ownerReferences: [controllerReference(owner)],
    },
    spec: template?.spec,
  };
}

/** Whether two templates mean the same, the hash label aside (EqualIgnoreHash). */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return a === b || canonical(withoutHash(a)) === canonical(withoutHash(b));
}

export function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec | undefined {
  if (template?.metadata?.labels?.[LABEL_POD_TEMPLATE_HASH] === undefined) return template;
  const { [LABEL_POD_TEMPLATE_HASH]: _, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}
