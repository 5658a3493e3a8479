import type { Setting } from './setting.ts';
import type { Driver } from './sizes.ts';

/** The classes of a driver, as they are at first. */
export const CLASSES: readonly { readonly name: string; readonly driver: Driver; readonly waits: boolean }[] =
  [
    { name: 'immediate', driver: 'disk', waits: false },
    { name: 'wait', driver: 'disk', waits: true },
    { name: 'network', driver: 'network', waits: false },
    { name: 'network-wait', driver: 'network', waits: true },
  ];

export function classesOf({ drivers }: Pick<Setting, 'drivers'>) {
  return CLASSES.filter(({ driver }) => drivers.includes(driver));
}
