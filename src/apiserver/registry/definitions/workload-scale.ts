import {
  invalid,
  type KubeObject,
  type LabelSelector,
  type Scale,
  type Stored,
  selectorText,
} from '../../../kube/index.ts';
import type { ScaleView } from '../contract.ts';
import { nonNegativeCauses } from './workload-validation.ts';

interface Replicated extends KubeObject {
  readonly spec?: { readonly replicas?: number; readonly selector?: LabelSelector };
  readonly status?: { readonly replicas?: number };
}

const view: ScaleView<Replicated> = {
  read({ metadata, spec, status }) {
    const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
    const selector = spec?.selector && selectorText(spec.selector);
    return {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
      spec: spec?.replicas ? { replicas: spec.replicas } : {},
      status: { replicas: status?.replicas ?? 0, ...(selector && { selector }) },
    };
  },
  write(object: Stored<Replicated>, asked: Scale) {
    const replicas = asked.spec?.replicas ?? 0;
    const causes = nonNegativeCauses('spec.replicas', replicas);
    if (causes.length > 0)
      throw invalid({ group: 'autoscaling', kind: 'Scale' }, object.metadata.name, causes);
    return { ...object, spec: { ...object.spec, replicas } };
  },
  replicasPaths: { 'apps/v1': ['spec', 'replicas'] },
};

/** The scale subresource of a kind with replicas and a selector. */
export const workloadScale = view as unknown as ScaleView<never>;
