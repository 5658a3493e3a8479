import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, type CsiServices, CsiStatus } from '../../src/csi/index.ts';
import { correctDriver, Storage } from '../support/broken-drivers/correct.ts';
import { FAULTS, type Fault, misled } from '../support/broken-drivers/faults.ts';
import { idsOf, simulatedHost, verified } from '../support/broken-drivers/verify-driver.ts';

/** What a driver that can do everything must not be asked. */
const NOT_FOR_ALL = [
  'CreateVolume/unsupported-source-volume',
  'NodeGetInfo/no-topology',
  'CreateVolume/no-topology',
  'Supervised Lifecycle Management/volumes',
  'Supervised Lifecycle Management/published',
];

describe('the verifier', { timeout: 600_000 }, () => {
  it('finds nothing wrong with a correct driver, makes every check, and leaves nothing', async () => {
    const storage = new Storage(simulatedHost());
    const report = await verified(correctDriver(storage), storage.host);
    assert.deepEqual(failures(report), []);
    const ids = report.results.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, 'each has a name of its own');
    const skipped = idsOf(report, 'skipped').filter((id) => !id.startsWith('Life cycle/'));
    assert.deepEqual(skipped.sort(), [...NOT_FOR_ALL].sort());
    assert.deepEqual([...storage.volumes.keys(), ...storage.snapshots.keys(), ...storage.groups.keys()], []);
    assert.deepEqual(
      (await storage.host.mounts.list()).filter(({ target }) => target.startsWith('/verify/')),
      [],
    );
  });

  it('gives each call its secrets, and tells none of them', async () => {
    const storage = new Storage(simulatedHost());
    const correct = correctDriver(storage);
    const asked: string[] = [];
    const report = await verified(
      {
        ...correct,
        controller: {
          ...correct.controller,
          createVolume({ secrets }) {
            asked.push(secrets.password!);
            throw new CsiStatus(Code.UNAUTHENTICATED, `${secrets.password} is not the password`);
          },
        },
      },
      storage.host,
      { secrets: { CreateVolumeSecret: { password: 'hunter2' } }, only: 'CreateVolume/volume' },
    );
    assert.deepEqual(asked, ['hunter2']);
    assert.deepEqual(idsOf(report, 'failed'), ['CreateVolume/volume']);
    assert.match(JSON.stringify(report), /UNAUTHENTICATED: \*\*\*stripped\*\*\* is not the password/);
    assert.doesNotMatch(JSON.stringify(report), /hunter2/);
  });

  for (const fault of FAULTS) {
    it(`finds exactly what is wrong with a driver that ${fault.name}`, async () => {
      const storage = new Storage(simulatedHost());
      const report = await verified(broken(fault, storage), storage.host, {
        wrap: (routes) => misled(routes, fault),
      });
      assert.deepEqual(idsOf(report, 'failed').sort(), [...fault.found].sort(), failures(report).join('\n'));
      assert.deepEqual(idsOf(report, 'blocked').sort(), [...(fault.blocks ?? [])].sort());
    });
  }
});

function broken(fault: Fault, storage: Storage): CsiServices {
  const correct = correctDriver(storage);
  const controller = correct.controller as Required<NonNullable<CsiServices['controller']>>;
  const node = correct.node as Required<NonNullable<CsiServices['node']>>;
  const wrong = fault.handlers?.({ controller, node }, storage);
  return {
    ...correct,
    controller: { ...controller, ...wrong?.controller },
    node: { ...node, ...wrong?.node },
  };
}

function failures(report: Awaited<ReturnType<typeof verified>>): string[] {
  return report.results.flatMap(({ id, outcome }) => {
    if (outcome.kind === 'failed') {
      const { asked, came, says } = outcome.violation;
      return `${id}: ${asked}: ${came}: ${says}`;
    }
    return outcome.kind === 'blocked' ? `${id}: ${outcome.reason}` : [];
  });
}
