import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, Metrics } from '../../base/index.ts';
import { openOperations } from './operations.ts';

function measured() {
  const clock = new FakeClock();
  const metrics = new Metrics();
  const { snapshots, groups } = openOperations(clock, metrics);
  /** `driver operation type status seconds` of all that have ended, and how many are under way. */
  const told = () => {
    const text = metrics.text();
    const label = '"([^"]*)"';
    const line = new RegExp(
      `^snapshot_controller_operation_total_seconds_sum\\{driver_name=${label},operation_name=${label},snapshot_type=${label},operation_status=${label}\\} (.*)$`,
      'gm',
    );
    const ended = [...text.matchAll(line)].map((match) => match.slice(1).join(' '));
    const [, inFlight] = /^snapshot_controller_operations_in_flight (.*)$/m.exec(text)!;
    return [...ended, Number(inFlight)];
  };
  return { clock, snapshots, groups, told };
}

const dynamic = { metadata: { uid: 'a' }, spec: { source: {} } };
const given = { metadata: { uid: 'b' }, spec: { source: { volumeSnapshotContentName: 'c' } } };

describe('operations of the snapshot controller', () => {
  it('last from the first try to the end', async () => {
    const { clock, snapshots, told } = measured();
    snapshots.start('Create', dynamic, undefined);
    snapshots.start('CreateAndReady', dynamic, undefined);
    await clock.advance(1_000);
    snapshots.start('Create', dynamic, 'd');
    snapshots.succeed('Create', dynamic, 'd');
    assert.deepEqual(told(), ['d CreateSnapshot dynamic success 1', 1]);
    await clock.advance(1_000);
    snapshots.succeed('CreateAndReady', dynamic, undefined);
    assert.deepEqual(told(), [
      'd CreateSnapshot dynamic success 1',
      'unknown CreateSnapshotAndReady dynamic success 2',
      0,
    ]);
  });

  it('of a snapshot that goes before it is ready are cancelled', async () => {
    const { clock, snapshots, told } = measured();
    snapshots.start('CreateAndReady', given, 'd');
    await clock.advance(5_000);
    snapshots.start('Delete', given, 'd');
    await clock.advance(3_000);
    snapshots.succeed('Delete', given, 'd');
    assert.deepEqual(told(), [
      'd DeleteSnapshot pre-provisioned success 3',
      'd CreateSnapshotAndReady pre-provisioned cancel 3',
      0,
    ]);
  });

  it('that have not begun here, or are dropped, are not told', () => {
    const { snapshots, told } = measured();
    snapshots.succeed('Delete', dynamic, 'd');
    snapshots.start('Create', dynamic, 'd');
    snapshots.drop('Create', dynamic);
    snapshots.succeed('Create', dynamic, 'd');
    assert.deepEqual(told(), [0]);
  });

  it('of groups have names of their own', () => {
    const { groups, told } = measured();
    const source = { volumeGroupSnapshotContentName: 'x' };
    const group = { metadata: { uid: 'g' }, spec: { source } };
    for (const operation of ['Create', 'CreateAndReady', 'Delete'] as const) {
      groups.start(operation, group, 'd');
      groups.succeed(operation, group, 'd');
    }
    assert.deepEqual(told(), [
      'd CreateGroupSnapshot pre-provisioned success 0',
      'd CreateGroupSnapshotAndReady pre-provisioned success 0',
      'd DeleteGroupSnapshot pre-provisioned success 0',
      0,
    ]);
  });
});
