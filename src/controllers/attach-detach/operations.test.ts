import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLogger, systemClock, Trace } from '../../base/index.ts';
import type { VolumeSpec } from '../../volume/index.ts';
import { ActualStateOfWorld } from './actual-state-of-world.ts';
import { AttachDetachOperations } from './operations.ts';

it('a volume that its node still uses stays attached there, and the node hears so again', async () => {
  const volumeName = 'test/x/v';
  const spec: VolumeSpec = { name: 'v', readOnly: false };
  const actual = new ActualStateOfWorld();
  actual.markAttached(volumeName, spec, 'n', '/dev/v');
  actual.takeReport('n');
  let work: Promise<void> | undefined;
  const reports: unknown[] = [];
  const operations = new AttachDetachOperations({
    actual,
    pending: { run: (_: unknown, __: string, begun: () => Promise<void>) => (work = begun()) } as never,
    plugins: { findByName: () => assert.fail('nothing is asked of the storage') } as never,
    nodeStatus: { update: async () => void reports.push(actual.takeReport('n')) } as never,
    client: { get: async () => ({ status: { volumesInUse: [volumeName] } }) } as never,
    recorder: { event() {} },
    trace: new Trace(systemClock),
    log: silentLogger,
  });
  const [attached] = actual.nodesOf(volumeName);
  operations.detach(attached!, true, new AbortController().signal);
  await assert.rejects(work!, /volume is still in use by node, according to Node status/);
  assert.deepEqual(reports, [[]]);
  assert.deepEqual(actual.confirmedNodesOf(volumeName), ['n'], 'no other node gets it');
  assert.deepEqual(actual.staleReports(), ['n']);
  assert.deepEqual(actual.takeReport('n'), [{ name: volumeName, devicePath: '/dev/v' }]);
});
