import type { Pod } from '../../kube/index.ts';
import { type SeLinuxOptions, seLinuxOptionsByMount } from '../../volume/selinux/index.ts';

/** `user:role:type:level`; '' when none of them is set. No machine is asked for its defaults: the controller runs anywhere. */
export function labelOf(options: SeLinuxOptions | undefined): string {
  if (!options) return '';
  const label = [options.user, options.role, options.type, options.level].map((part) => part ?? '').join(':');
  return label === ':::' ? '' : label;
}

/**
 * Whether two labels are surely different. A user, role or type that is not set is the node's default, which may be the
 * other's; a level that is not set is never the one of another pod. Source: ControllerSELinuxTranslator.
 */
export function labelsConflict(a: string, b: string): boolean {
  const [left, right] = [partsOf(a), partsOf(b)];
  return left.some((part, index) => {
    const other = right[index]!;
    if (part === other) return false;
    return index === 3 || (part !== '' && other !== '');
  });
}

/** A level has colons of its own: `s0:c1,c2`. */
function partsOf(label: string): readonly string[] {
  const [user = '', role = '', type = '', ...level] = label.split(':');
  return [user, role, type, level.join(':')];
}

/** The labels with which the containers of a pod mount a volume. */
export function labelsByMount(pod: Pod): ReadonlyMap<string, ReadonlySet<string>> {
  const byMount = [...seLinuxOptionsByMount(pod)];
  return new Map(byMount.map(([name, options]) => [name, new Set(options.map(labelOf))]));
}
