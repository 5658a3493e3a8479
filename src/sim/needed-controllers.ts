import { controllerUser } from '../cluster/identities.ts';
import type { Action, Step } from './actions.ts';
import type { Setting } from './setting.ts';

/** By the account that they run under: what every volume meets. */
const VOLUMES = [
  'persistent-volume-binder',
  'pvc-protection-controller',
  'pv-protection-controller',
  'attachdetach-controller',
];
/** What comes to do something only after these actions. */
const AFTER: Partial<Readonly<Record<Action['do'], readonly string[]>>> = {
  'stateful-set': ['statefulset-controller', 'generic-garbage-collector'],
  'power-off': ['node-controller', 'pod-garbage-collector'],
  'cut-off': ['node-controller', 'pod-garbage-collector'],
  lose: ['node-controller', 'pod-garbage-collector'],
};

/** The accounts of the controllers that are to run; undefined: all. */
export function neededControllers(
  { size }: Setting,
  steps: readonly Step[],
): ReadonlySet<string> | undefined {
  if (size.idleControllers) return undefined;
  const needed = [...VOLUMES, ...steps.flatMap(({ action }) => AFTER[action.do] ?? [])];
  return new Set(needed.map((account) => controllerUser(account).name));
}
