import type { AttachState } from './actual-state-of-world.ts';

/**
 * Where to attach first: where the volume may be already. The nodes that want it share one back-off when only one of
 * them can have it; were another tried first each time, in vain as long as this one has it, its turn would never come.
 * Upstream's order is that of a Go map: sooner or later anybody's turn.
 */
export function attachOrder<T extends { readonly nodeName: string }>(
  wanted: readonly T[],
  stateOn: (nodeName: string) => AttachState,
): readonly T[] {
  const uncertain = ({ nodeName }: T) => stateOn(nodeName) === 'uncertain';
  return [...wanted.filter(uncertain), ...wanted.filter((one) => !uncertain(one))];
}
