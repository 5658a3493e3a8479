import { join } from 'node:path';
import { systemClock } from '../../src/base/index.ts';
import { layoutOf } from '../../src/cluster/layout.ts';
import { volumesLeft } from '../../src/cluster/left.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';

/** What volumes still hold of the machine for an `up` started by test/support/command.ts on this directory. */
export function leftOnMachine(directory: string, nodes = 1): Promise<string[]> {
  const layout = layoutOf(join(directory, 'data'), {});
  return volumesLeft(createLinuxHost({ clock: systemClock }), layout, nodes);
}
