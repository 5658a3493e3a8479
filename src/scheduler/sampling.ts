/** With fewer nodes than this all are looked at, and never fewer than this are sought. */
const MIN_FEASIBLE_NODES = 100;
const MIN_PERCENTAGE = 5;

/**
 * After how many fitting nodes the search stops. `percentage` 0 lets it follow the size of the cluster: 50 % at 100
 * nodes down to 5 % at 5,625 (scheduler, numFeasibleNodesToFind).
 */
export function feasibleNodesToFind(nodeCount: number, percentage = 0): number {
  if (nodeCount < MIN_FEASIBLE_NODES) return nodeCount;
  const share = percentage > 0 ? percentage : Math.max(MIN_PERCENTAGE, 50 - Math.trunc(nodeCount / 125));
  return Math.max(MIN_FEASIBLE_NODES, Math.trunc((nodeCount * share) / 100));
}
