import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../../base/index.ts';
import type { Client } from '../../../client/index.ts';
import type { PersistentVolume, Pod, Stored } from '../../../kube/index.ts';
import { specFromPersistentVolume, specFromVolume } from '../../spec.ts';
import { type Answer, RecordedHost } from '../recorded-host.test-support.ts';
import { createIscsiPlugin } from './iscsi.ts';
import { interfaceSettings, transportOf } from './login.ts';

const { signal } = new AbortController();
const pod = { metadata: { name: 'p', namespace: 'ns', uid: 'u-1' } } as unknown as Stored<Pod>;
const context = { pod, signal };
const IQN = 'iqn.2001-04.com.example:storage';
const iscsi = { targetPortal: '10.0.0.1', iqn: IQN, lun: 7, fsType: 'ext4', iscsiInterface: 'default' };
const volume = (more: object = {}) => specFromVolume({ name: 'v', iscsi: { ...iscsi, ...more } });
const GLOBAL = `/root/plugins/kubernetes.io/iscsi/iface-default/10.0.0.1:3260-${IQN}-lun-7`;
const client = {
  get: async () => ({
    data: {
      'node.session.auth.username': btoa('me'),
      'node.session.auth.password': btoa('hush-hush'),
      'discovery.sendtargets.auth.username': btoa('finder'),
    },
  }),
} as unknown as Client;

const SHOWN = 'iface.iscsi_ifacename = default\niface.net_ifacename = <empty>\niface.transport_name = tcp\n';

/** What the kernel shows of a session, and, once its LUN is there, of its disk. */
function session(recorded: RecordedHost, portal: string, host: number, disk?: string) {
  const [address, port] = portal.split(':') as [string, string];
  const at = `/sys/class/iscsi_host/host${host}/device/session${host}`;
  recorded.files.set(`${at}/iscsi_session/session${host}/targetname`, `${IQN}\n`);
  const connection = `${at}/connection${host}:0/iscsi_connection/connection${host}:0`;
  for (const prefix of ['', 'persistent_']) {
    recorded.files.set(`${connection}/${prefix}address`, `${address}\n`);
    recorded.files.set(`${connection}/${prefix}port`, `${port}\n`);
  }
  if (disk === undefined) return;
  recorded.files.set(`${at}/target${host}:0:0/${host}:0:0:7/block/${disk}/`, '');
  recorded.links.set(`/dev/disk/by-path/ip-${portal}-iscsi-${IQN}-lun-7`, `/dev/${disk}`);
}

function start(answers: Readonly<Record<string, Answer>> = {}) {
  const login: Answer = (host) => void session(host, '10.0.0.1:3260', 3, 'sdb');
  const recorded = new RecordedHost({
    ...answers,
    'iscsiadm -m iface -I default -o show': { stdout: SHOWN },
    [`iscsiadm -m node -p 10.0.0.1:3260 -T ${IQN} -I default --login`]: login,
  });
  const clock = new FakeClock();
  const plugin = createIscsiPlugin({ client, host: recorded.host, clock, nodeRoot: '/root' });
  const attach = (spec = volume()) => plugin.attacher!.waitForAttach(spec, 'n', '', signal, pod);
  return { recorded, clock, plugin, attach };
}

const DISCOVERY = 'iscsiadm -m discoverydb -t sendtargets -p 10.0.0.1:3260 -I default';
const NODE = `iscsiadm -m node -p 10.0.0.1:3260 -T ${IQN} -I default`;

describe('iSCSI volumes', () => {
  it('are told apart by portal, target and LUN', () => {
    const { plugin } = start();
    assert.equal(plugin.volumeName(volume()), `10.0.0.1:${IQN}:7`);
    assert.equal(plugin.deviceMounter!.deviceMountPath(volume()), GLOBAL);
    assert.equal(
      plugin.deviceMounter!.deviceMountPath(volume({ initiatorName: 'iqn.me' })),
      `/root/plugins/kubernetes.io/iscsi/iface-10.0.0.1:3260:v/10.0.0.1:3260-${IQN}-lun-7`,
    );
  });

  it('are discovered, logged in to and scanned for, and noted', async () => {
    const { recorded, attach } = start();
    assert.equal(await attach(), `/dev/disk/by-path/ip-10.0.0.1:3260-iscsi-${IQN}-lun-7`);
    assert.deepEqual(recorded.done, [
      'iscsiadm -m iface -I default -o show',
      `${DISCOVERY} -o new`,
      `${DISCOVERY} --discover`,
      `${NODE} -o update -n node.session.scan -v manual`,
      `${NODE} --login`,
      `iscsiadm -m node -p 10.0.0.1:3260 -T ${IQN} -o update -n node.startup -v manual`,
      'write /sys/class/scsi_host/host3/scan 0 0 7',
    ]);
    assert.equal(
      recorded.files.get(`${GLOBAL}/iscsi.json`),
      `{"VolName":"v","Portals":["10.0.0.1:3260"],"Iqn":"${IQN}","Lun":"7","InitIface":"default","Iface":"default","InitiatorName":"","MetricsProvider":null}\n`,
    );
    recorded.done.length = 0;
    await attach();
    assert.deepEqual(
      recorded.done,
      ['iscsiadm -m iface -I default -o show', 'write /sys/class/scsi_host/host3/scan 0 0 7'],
      'who is logged in is not logged in again',
    );
  });

  it('authenticate by the entries of their secret', async () => {
    const { recorded, attach } = start();
    await attach(volume({ chapAuthDiscovery: true, chapAuthSession: true, secretRef: { name: 'chap' } }));
    assert.deepEqual(
      recorded.done.filter((line) => line.includes('.auth.')),
      [
        `${DISCOVERY} -o update -n discovery.sendtargets.auth.authmethod -v CHAP`,
        `${DISCOVERY} -o update -n discovery.sendtargets.auth.username -v finder`,
        `${NODE} -o update -n node.session.auth.authmethod -v CHAP`,
        `${NODE} -o update -n node.session.auth.username -v me`,
        `${NODE} -o update -n node.session.auth.password -v hush-hush`,
      ],
    );
  });

  it('tell no secret when they fail', async () => {
    const key = `${NODE} -o update -n node.session.auth.password`;
    const { attach } = start({ [key]: { exitCode: 6, stderr: 'cannot write hush-hush' } });
    await assert.rejects(
      attach(volume({ chapAuthSession: true, secretRef: { name: 'chap' } })),
      (error: Error) => {
        assert.match(
          error.message,
          /^failed to get any path for iscsi disk, last err seen:\niscsi: failed to update iscsi node to portal 10.0.0.1:3260 error: iscsi: failed to update node session key "node.session.auth.password" error: cannot write \*\*\*stripped\*\*\*$/,
        );
        return true;
      },
    );
  });

  const failures: [string, Readonly<Record<string, Answer>>, RegExp, string][] = [
    [
      'cannot be discovered',
      { [`${DISCOVERY} --discover`]: { exitCode: 4, stderr: 'no route' } },
      /failed to sendtargets to portal 10.0.0.1:3260 output: no route, err exit status 4$/,
      `${DISCOVERY} -o delete`,
    ],
    [
      'cannot be logged in to',
      { [`${NODE} --login`]: { exitCode: 24, stderr: 'login failed' } },
      /failed to attach disk: Error: login failed \(exit status 24\)$/,
      `iscsiadm -m node -p 10.0.0.1:3260 -I default -T ${IQN} -o delete`,
    ],
  ];
  for (const [name, answers, error, undo] of failures)
    it(`that ${name} leave no record`, async () => {
      const { recorded, attach } = start();
      recorded.answers.unshift(...Object.entries(answers));
      await assert.rejects(attach(), error);
      assert.ok(recorded.done.includes(undo), recorded.done.join('\n'));
      assert.equal(recorded.done.at(-1), 'iscsiadm -m iface -I default -o delete');
    });

  it('whose disk does not appear are given up after thirty looks', async () => {
    const { recorded, clock, attach } = start();
    session(recorded, '10.0.0.1:3260', 3);
    const failed = assert.rejects(
      attach(),
      /Timed out waiting for device at path \/dev\/disk\/by-path\/ip-10.0.0.1:3260-iscsi-.*-lun-7 after 30s$/,
    );
    for (let i = 0; i < 29; i++) await clock.advance(1_000);
    await failed;
  });

  it('with several portals are used by their multipath device', async () => {
    const { recorded, attach } = start();
    session(recorded, '10.0.0.1:3260', 3, 'sdb');
    session(recorded, '10.0.0.2:3261', 4, 'sdc');
    recorded.files.set('/sys/block/dm-0/slaves/sdc', '');
    assert.equal(await attach(volume({ portals: ['10.0.0.2:3261'] })), '/dev/dm-0');
  });

  it('make do with the paths that there are, after five tries', async () => {
    const { recorded, clock, attach } = start({
      'iscsiadm -m discoverydb -t sendtargets -p 10.0.0.2:3260 -I default --discover': { exitCode: 4 },
    });
    session(recorded, '10.0.0.1:3260', 3, 'sdb');
    const device = attach(volume({ portals: ['10.0.0.2'] }));
    for (let i = 0; i < 9; i++) await clock.advance(1_000);
    assert.equal(await device, `/dev/disk/by-path/ip-10.0.0.1:3260-iscsi-${IQN}-lun-7`);
    const tries = recorded.done.filter((line) => /10.0.0.2:3260 .*--discover/.test(line));
    assert.equal(tries.length, 5);
  });

  it('with an initiator of their own get a copy of the interface', async () => {
    const iface = 'iscsiadm -m iface -I 10.0.0.1:3260:v';
    const { recorded, attach } = start();
    session(recorded, '10.0.0.1:3260', 3, 'sdb');
    await attach(volume({ initiatorName: 'iqn.me' }));
    assert.deepEqual(recorded.done.slice(1, -1), [
      'iscsiadm -m iface -I default -o show',
      `${iface} -o new`,
      `${iface} -o update -n iface.initiatorname -v iqn.me`,
      `${iface} -o update -n iface.transport_name -v tcp`,
    ]);
  });

  it('are unmounted, their disks deleted, and the target left when they are its last', async () => {
    const { recorded, plugin, attach } = start();
    const device = await attach();
    await plugin.deviceMounter!.mountDevice(volume(), device, GLOBAL, context);
    await plugin.mounter.setUp(volume(), context);
    recorded.table[1] = { ...recorded.table[1]!, device: recorded.table[0]!.device };
    assert.equal(
      (await plugin.mounter.reconstruct('v', 'u-1'))?.volumeName,
      `10.0.0.1:3260:${IQN}:7`,
      'as the path tells it',
    );
    await plugin.mounter.tearDown('v', 'u-1', signal);
    const other = `/root/plugins/kubernetes.io/iscsi/iface-default/10.0.0.1:3260-${IQN}-lun-8/iscsi.json`;
    recorded.files.set(other, '');
    recorded.done.length = 0;
    await plugin.deviceMounter!.unmountDevice(GLOBAL, signal);
    assert.deepEqual(recorded.done, [
      `umount ${GLOBAL}`,
      'write /sys/block/sdb/device/delete 1',
      `rmdir ${GLOBAL}`,
    ]);
    recorded.files.delete(other);
    recorded.files.set(`${GLOBAL}/`, '');
    recorded.done.length = 0;
    await plugin.deviceMounter!.unmountDevice(GLOBAL, signal);
    await plugin.deviceMounter!.unmountDevice(GLOBAL, signal);
    assert.deepEqual(recorded.done, [
      'write /sys/block/sdb/device/delete 1',
      `iscsiadm -m node -p 10.0.0.1:3260 -T ${IQN} --logout -I default`,
      `iscsiadm -m node -p 10.0.0.1:3260 -T ${IQN} -o delete -I default`,
      `rmdir ${GLOBAL}`,
    ]);
  });

  it('stay noted when the logout fails, and are gone when there is nothing to log out of', async () => {
    const logout = `iscsiadm -m node -p 10.0.0.1:3260 -T ${IQN} --logout`;
    const { recorded, plugin, attach } = start({ [logout]: { exitCode: 9, stderr: 'busy' } });
    await attach();
    await assert.rejects(
      plugin.deviceMounter!.unmountDevice(GLOBAL, signal),
      /^Error: iscsi: failed to detach disk: .*\nError: failed to finish detachISCSIDisk, err: exit status 9.*busy$/,
    );
    assert.ok(recorded.files.has(`${GLOBAL}/iscsi.json`));
    recorded.answers.unshift([logout, { exitCode: 21 }]);
    await plugin.deviceMounter!.unmountDevice(GLOBAL, signal);
    assert.ok(!recorded.files.has(`${GLOBAL}/iscsi.json`));
  });

  it('are given to pods as devices, noted there, and left with the last of the target', async () => {
    const { recorded, plugin, attach } = start();
    const persistentVolume = { metadata: { name: 'v' }, spec: { iscsi, volumeMode: 'Block' } };
    const spec = specFromPersistentVolume(persistentVolume as unknown as Stored<PersistentVolume>, false);
    const mapper = plugin.blockMapper!;
    const path = mapper.globalMapPath(spec);
    assert.equal(
      path,
      `/root/plugins/kubernetes.io/iscsi/volumeDevices/iface-default/10.0.0.1:3260-${IQN}-lun-7`,
    );
    await mapper.prepare!(spec);
    await attach(spec);
    assert.ok(recorded.files.has(`${path}/iscsi.json`));
    assert.deepEqual(
      (await mapper.reconstructDevices!()).map(({ volumeName, podUids }) => [volumeName, podUids]),
      [[`10.0.0.1:3260:${IQN}:7`, []]],
    );
    recorded.done.length = 0;
    for (let i = 0; i < 2; i++) {
      await mapper.tearDownDevice!('v', signal, path);
      recorded.files.delete(`${path}/`);
    }
    assert.deepEqual(recorded.done, [
      'write /sys/block/sdb/device/delete 1',
      `iscsiadm -m node -p 10.0.0.1:3260 -T ${IQN} --logout -I default`,
      `iscsiadm -m node -p 10.0.0.1:3260 -T ${IQN} -o delete -I default`,
    ]);
    assert.match(mapper.globalMapPath({ name: 'x', readOnly: false }), /volumeDevices\/x$/);
    await assert.rejects(
      mapper.prepare!({ name: 'x', readOnly: false }),
      /x is no volume of kubernetes.io\/iscsi/,
    );
  });
});

describe('what iscsiadm shows of an interface', () => {
  it('is its transport', () => {
    assert.equal(transportOf(SHOWN), 'tcp');
    assert.equal(transportOf('iface.transport_name = <empty>\n'), 'tcp');
    assert.equal(transportOf('iface.transport_name = cxgb4i\n'), 'cxgb4i');
    assert.equal(transportOf('nothing'), '');
  });

  it('are its settings, or an error', () => {
    assert.deepEqual([...interfaceSettings(SHOWN)], [['iface.transport_name', 'tcp']]);
    assert.throws(() => interfaceSettings('iface.mtu = 1 2\n'), /invalid iface setting/);
  });
});
