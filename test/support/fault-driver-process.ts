// A small CSI driver in a process of its own, whose calls fail as a file tells it to: fault-driver-process.ts DIRECTORY.
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger, systemClock } from '../../src/base/index.ts';
import { Code, type CodeName, CsiStatus, serveCsi } from '../../src/csi/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { type Around, directoryDriver } from './directory-driver.ts';
import type { Fault } from './fault-driver.ts';

const directory = process.argv[2]!;

/** Does a call's work, and what the test wants to go wrong with it. */
const around: Around = async (method, request, work) => {
  const { name, volumeId } = request as { name?: string; volumeId?: string };
  await appendFile(join(directory, 'calls'), `${method} ${volumeId ?? name}\n`);
  const faults = JSON.parse(await readFile(join(directory, 'faults.json'), 'utf8')) as Record<string, Fault>;
  const fault = faults[method];
  if (fault && fault !== 'die') throw new CsiStatus(Code[fault.code as CodeName], fault.details);
  await work();
  // The work is done, the answer is not given: the worst moment.
  if (fault === 'die') process.kill(process.pid, 'SIGKILL');
};

const driver = directoryDriver(directory, createLinuxHost({ clock: systemClock }), around);
await mkdir(join(directory, 'volumes'), { recursive: true });
await serveCsi({
  endpoint: `unix://${join(directory, 'csi.sock')}`,
  clock: systemClock,
  log: silentLogger,
  identity: { name: 'faults.csi.example.com', vendorVersion: '1' },
  controller: { ...driver.controller, ...driver.attach },
  node: { ...driver.stage, ...driver.publish, nodeGetInfo: () => ({ nodeId: 'node-1' }) },
});
process.stdout.write('ready\n');
