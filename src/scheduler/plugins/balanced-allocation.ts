import type { NodeInfo } from '../node-info.ts';
import { MAX_NODE_SCORE, type Plugin } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';
import { SKIP } from '../status.ts';

/** Prefers nodes whose cpu and memory the pod brings nearer to the same fraction in use. */
export function balancedAllocation(): Plugin {
  return {
    name: 'NodeResourcesBalancedAllocation',
    preScore: (_state, { requests }) => (requests.milliCpu === 0 && requests.memory === 0 ? SKIP : undefined),
    score: (_state, pod, node) => balanceGain(pod, node),
  };
}

/** 75 when the pod changes nothing, towards 100 when it balances the node, towards 50 when it tilts it. */
export function balanceGain({ requests }: Pick<PodInfo, 'requests'>, node: NodeInfo): number {
  const { allocatable, requested } = node;
  const before = balance(requested.milliCpu, requested.memory, allocatable);
  const after = balance(
    requested.milliCpu + requests.milliCpu,
    requested.memory + requests.memory,
    allocatable,
  );
  const half = MAX_NODE_SCORE / 2;
  return half + Math.trunc((half + after - before) / 2);
}

/** 100 less the standard deviation of the two fractions in use, in percent. */
function balance(milliCpu: number, memory: number, total: { milliCpu: number; memory: number }): number {
  if (total.milliCpu === 0 || total.memory === 0) return MAX_NODE_SCORE;
  const cpuFraction = Math.min(1, milliCpu / total.milliCpu);
  const memoryFraction = Math.min(1, memory / total.memory);
  const deviation = Math.abs((cpuFraction - memoryFraction) / 2);
  return Math.trunc((1 - deviation) * MAX_NODE_SCORE);
}
