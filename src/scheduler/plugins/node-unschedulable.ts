import { TAINT_UNSCHEDULABLE, type Taint } from '../../kube/index.ts';
import { ADD, interest, UPDATE_NODE_TAINT, UPDATE_POD_TOLERATION } from '../cluster-events.ts';
import type { Plugin } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';
import { unresolvable } from '../status.ts';
import { untolerated } from './tolerations.ts';

const CORDONED = unresolvable('node(s) were unschedulable');
const TAINT: Taint = { key: TAINT_UNSCHEDULABLE, effect: 'NoSchedule' };

const tolerated = ({ pod }: PodInfo) => untolerated([TAINT], pod.spec?.tolerations) === undefined;

/** Keeps pods off cordoned nodes unless they tolerate the unschedulable taint. */
export function nodeUnschedulable(): Plugin {
  return {
    name: 'NodeUnschedulable',
    interests: [
      interest(
        'Node',
        ADD | UPDATE_NODE_TAINT,
        (_pod, before, after) =>
          !after?.spec?.unschedulable && (before === undefined || before.spec?.unschedulable === true),
      ),
      interest(
        'Pod',
        UPDATE_POD_TOLERATION,
        (pod, _before, after) =>
          after?.metadata.uid === pod.uid && untolerated([TAINT], after.spec?.tolerations) === undefined,
      ),
    ],
    filter: (_state, pod, { unschedulable }) => (unschedulable && !tolerated(pod) ? CORDONED : undefined),
  };
}
