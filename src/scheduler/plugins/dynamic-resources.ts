import { ADD, interest, UPDATE_NODE_ALLOCATABLE, UPDATE_NODE_LABEL } from '../cluster-events.ts';
import { stateKey } from '../cycle-state.ts';
import type { Plugin } from '../plugin.ts';
import { SKIP, unresolvable } from '../status.ts';

const prepared = stateKey<true>('DynamicResources');

/**
 * Devices that pods claim (resource.k8s.io) are not given out here: a pod that claims some is held back, as upstream
 * holds one back whose ResourceClaims are not there. Of every other pod that fits nowhere it says what upstream's says
 * before preemption has its turn; when the pod was turned down before this plugin was asked, that is an error and
 * nothing more is tried.
 */
export function dynamicResources(): Plugin {
  return {
    name: 'DynamicResources',
    interests: [interest('Node', ADD | UPDATE_NODE_LABEL | UPDATE_NODE_ALLOCATABLE)],
    preEnqueue({ pod }) {
      const claim = pod.spec?.resourceClaims?.[0];
      return claim && unresolvable(`resource claim ${JSON.stringify(claim.name)} cannot be allocated`);
    },
    preFilter(state) {
      state.write(prepared, true);
      return SKIP;
    },
    postFilter(state) {
      if (!state.read(prepared)) throw new Error('not found');
      return { message: 'no new claims to deallocate' };
    },
  };
}
