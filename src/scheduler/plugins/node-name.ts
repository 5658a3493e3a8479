import { ADD, interest } from '../cluster-events.ts';
import type { Plugin } from '../plugin.ts';
import { SKIP, unresolvable } from '../status.ts';

const MISMATCH = unresolvable("node(s) didn't match the requested node name");

/** A pod that names its node gets that node or none. */
export function nodeName(): Plugin {
  return {
    name: 'NodeName',
    interests: [interest('Node', ADD)],
    preFilter: (_state, { pod }) => (pod.spec?.nodeName ? undefined : SKIP),
    filter: (_state, { pod }, node) => (pod.spec?.nodeName === node.name ? undefined : MISMATCH),
  };
}
