import { type Node, nodes, sameTaint, TAINT_NOT_READY, type Taint } from '../../kube/index.ts';
import type { AdmissionPlugin } from './contract.ts';

const NOT_READY: Taint = { key: TAINT_NOT_READY, effect: 'NoSchedule' };

/**
 * A new node gets no pods before the node lifecycle controller has seen that it is ready and takes the taint away
 * (plugin/pkg/admission/nodetaint).
 */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  optional: true,
  operations: ['CREATE'],
  resources: [nodes],
  mutate(object) {
    const node = object as Node;
    const taints = node.spec?.taints ?? [];
    if (taints.some((taint) => sameTaint(taint, NOT_READY))) return node;
    return { ...node, spec: { ...node.spec, taints: [...taints, NOT_READY] } } as Node;
  },
};
