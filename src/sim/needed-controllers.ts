import { controllerUser, SNAPSHOT_CONTROLLER } from '../cluster/identities.ts';
import type { Action, Step } from './actions.ts';
import type { Setting } from './setting.ts';
import { WORKLOADS } from './workloads.ts';

/** By the account that they run under: what every volume meets. */
const VOLUMES = [
  'persistent-volume-binder',
  'pvc-protection-controller',
  'pv-protection-controller',
  'attachdetach-controller',
];
const NODES = ['node-controller', 'pod-garbage-collector'];
const GARBAGE = 'generic-garbage-collector';
/** What comes to do something only after these actions. */
const AFTER: Partial<Readonly<Record<Action['do'], readonly string[]>>> = {
  'power-off': NODES,
  'cut-off': NODES,
  // What is owned by a node goes with it: without its CSINode the provisioner gives up a node that is gone.
  lose: [...NODES, GARBAGE],
  grow: ['expand-controller'],
  namespace: ['namespace-controller', 'service-account-controller', GARBAGE],
  'delete-attributes': ['volumeattributesclass-protection-controller'],
  // The members of a group snapshot are owned by it.
  'group-snapshot': [GARBAGE],
};
/** Of those that are no part of kube-controller-manager: under their full names. */
const APART: Partial<Readonly<Record<Action['do'], string>>> = {
  snapshot: SNAPSHOT_CONTROLLER.name,
  'group-snapshot': SNAPSHOT_CONTROLLER.name,
};

/** The accounts of the controllers that are to run; undefined: all. */
export function neededControllers(
  { size }: Setting,
  steps: readonly Step[],
): ReadonlySet<string> | undefined {
  if (size.idleControllers) return undefined;
  const needed = [...VOLUMES, ...steps.flatMap(({ action }) => concernedBy(action))];
  const apart = steps.flatMap(({ action }) => APART[action.do] ?? []);
  return new Set([...needed.map((account) => controllerUser(account).name), ...apart]);
}

function concernedBy(action: Action): readonly string[] {
  if (action.do === 'workload')
    return [...WORKLOADS[action.kind].accounts, GARBAGE, ...(action.budget ? ['disruption-controller'] : [])];
  if (action.do === 'pod' && action.scratch !== undefined) return ['ephemeral-volume-controller', GARBAGE];
  return AFTER[action.do] ?? [];
}
