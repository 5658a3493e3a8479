import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, seededRandom, silentLogger } from '../../base/index.ts';
import { Informers } from '../../client/index.ts';
import type {
  CSIDriver,
  CSINode,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  Stored,
  Volume,
} from '../../kube/index.ts';
import { volumeAttachments } from '../../kube/index.ts';
import { Cache } from '../cache.ts';
import { ADD, DELETE, UPDATE } from '../cluster-events.ts';
import {
  type NodeFixture,
  newClaim,
  newClass,
  newNodeInfo,
  newPod,
  newPodInfo,
  newVolume,
  stored,
} from '../fixtures.ts';
import { helps, listerOf, verdict } from './fixtures.ts';
import { exceeds, nodeVolumeLimits } from './node-volume-limits.ts';
import { sharesDisk, volumeRestrictions } from './volume-restrictions.ts';
import { volumeZone } from './volume-zone.ts';

const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';
const LEGACY_ZONE = 'failure-domain.beta.kubernetes.io/zone';
const LEGACY_REGION = 'failure-domain.beta.kubernetes.io/region';

describe('VolumeRestrictions', () => {
  const claim = newClaim('data', { accessModes: ['ReadWriteOncePod'] });
  const inUse =
    'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';
  const plugin = (cluster: Cache, ...claims: Stored<PersistentVolumeClaim>[]) =>
    volumeRestrictions({ claims: listerOf<PersistentVolumeClaim>(...claims), cluster });
  const withUser = () => {
    const cluster = new Cache();
    cluster.setPod(newPod('user', { nodeName: 'elsewhere', claims: ['data'] }));
    return cluster;
  };

  it('gives a ReadWriteOncePod claim to one pod in the cluster', () => {
    const pod = newPodInfo('p', { claims: ['data'] });
    assert.equal(verdict(plugin(withUser(), claim), pod, newNodeInfo('n')), inUse);
    assert.equal(verdict(plugin(new Cache(), claim), pod, newNodeInfo('n')), 'fits');
    assert.equal(verdict(plugin(withUser(), newClaim('data')), pod, newNodeInfo('n')), 'fits');
    assert.equal(
      verdict(plugin(new Cache()), pod, newNodeInfo('n')),
      'persistentvolumeclaim "data" not found',
    );
  });

  it('is helped when a pod with the same claim goes, and when the claim comes', () => {
    const pod = newPodInfo('p', { claims: ['data'] });
    const rule = plugin(new Cache(), claim);
    assert.equal(helps(rule, pod, 'Pod', DELETE, newPod('a', { claims: ['data'] })), true);
    assert.equal(helps(rule, pod, 'Pod', DELETE, newPod('a', { claims: ['other'] })), false);
    assert.equal(helps(rule, pod, 'PersistentVolumeClaim', ADD, undefined, claim), true);
    assert.equal(helps(rule, pod, 'PersistentVolumeClaim', ADD, undefined, newClaim('other')), false);
    const elsewhere = { ...claim, metadata: { ...claim.metadata, namespace: 'elsewhere' } };
    assert.equal(helps(rule, pod, 'PersistentVolumeClaim', ADD, undefined, elsewhere), false);
    const theirs = newPod('a', { claims: ['data'] });
    const away = { ...theirs, metadata: { ...theirs.metadata, namespace: 'elsewhere' } };
    assert.equal(helps(rule, pod, 'Pod', DELETE, away), false);
  });

  it('counts two claims that are both in use as one refusal', () => {
    const cluster = new Cache();
    cluster.setPod(newPod('user', { nodeName: 'elsewhere', claims: ['data', 'more'] }));
    const more = newClaim('more', { accessModes: ['ReadWriteOncePod'] });
    const pod = newPodInfo('p', { claims: ['data', 'more'] });
    assert.equal(verdict(plugin(cluster, claim, more), pod, newNodeInfo('n')), inUse);
  });

  const gce = (readOnly?: boolean): Volume => ({ name: 'v', gcePersistentDisk: { pdName: 'foo', readOnly } });
  const ebs = (volumeID: string): Volume => ({ name: 'v', awsElasticBlockStore: { volumeID } });
  const rbd = (image: string, ...monitors: string[]): Volume => ({ name: 'v', rbd: { image, monitors } });
  const iscsi = (iqn: string): Volume => ({ name: 'v', iscsi: { iqn, lun: 0, targetPortal: '127.0.0.1' } });
  const disks: readonly [string, Volume, Volume, boolean][] = [
    ['one GCE disk, both writing', gce(), gce(), true],
    ['one GCE disk, both reading', gce(true), gce(true), false],
    ['one GCE disk, one reading', gce(true), gce(), true],
    ['one EBS volume', ebs('a'), ebs('a'), true],
    ['two EBS volumes', ebs('a'), ebs('b'), false],
    ['one image with a common monitor', rbd('i', 'a', 'b'), rbd('i', 'b', 'c'), true],
    ['one image without a common monitor', rbd('i', 'a'), rbd('i', 'b'), false],
    ['one iSCSI target', iscsi('t'), iscsi('t'), true],
    ['two iSCSI targets', iscsi('t'), iscsi('u'), false],
    ['disks of two kinds', gce(), ebs('foo'), false],
    ['a directory of the node', { name: 'v', hostPath: { path: '/a' } }, gce(), false],
    ['images of two names', rbd('i', 'a'), rbd('j', 'a'), false],
  ];
  for (const [fact, mine, theirs, expected] of disks) {
    it(`${fact} conflict: ${expected}`, () => {
      assert.equal(sharesDisk(mine, newPod('a', { volumes: [theirs] })), expected);
      const node = newNodeInfo('n', {}, [newPodInfo('a', { volumes: [theirs] })]);
      const outcome = verdict(plugin(new Cache()), newPodInfo('p', { volumes: [mine] }), node);
      assert.equal(outcome, expected ? 'node(s) had no available disk' : 'fits');
    });
  }
});

describe('VolumeZone', () => {
  const rule = (
    volume: Stored<PersistentVolume>,
    claim = newClaim('data', { boundTo: volume.metadata.name }),
  ) =>
    volumeZone({
      claims: listerOf<PersistentVolumeClaim>(claim),
      volumes: listerOf<PersistentVolume>(volume),
      classes: listerOf<StorageClass>(newClass('late'), newClass('now', { volumeBindingMode: 'Immediate' })),
    });
  const mismatch = 'node(s) had no available volume zone';
  const pod = newPodInfo('p', { claims: ['data'] });
  const cases: readonly [string, Record<string, string>, NodeFixture, string][] = [
    ['the same zone', { [ZONE]: 'a' }, { labels: { [ZONE]: 'a' } }, 'fits'],
    ['another zone', { [ZONE]: 'a' }, { labels: { [ZONE]: 'b' } }, mismatch],
    ['one of several zones', { [ZONE]: 'a__b' }, { labels: { [ZONE]: 'b' } }, 'fits'],
    ['a node without zones', { [ZONE]: 'a' }, {}, 'fits'],
    ['a node with a region only', { [ZONE]: 'a' }, { labels: { [REGION]: 'r' } }, mismatch],
    ['zone and region', { [ZONE]: 'a', [REGION]: 'r' }, { labels: { [ZONE]: 'a', [REGION]: 's' } }, mismatch],
    [
      'the legacy label of the volume and the stable one of the node',
      { [LEGACY_ZONE]: 'a' },
      { labels: { [ZONE]: 'a' } },
      'fits',
    ],
    ['an ill-formed set', { [ZONE]: 'a____b' }, { labels: { [ZONE]: 'c' } }, 'fits'],
    ['one of several zones, with spaces', { [ZONE]: 'a__ b' }, { labels: { [ZONE]: 'b' } }, 'fits'],
    ['a volume without zones', {}, { labels: { [ZONE]: 'a' } }, 'fits'],
    ['the same region', { [REGION]: 'r' }, { labels: { [REGION]: 'r' } }, 'fits'],
    ['another region', { [REGION]: 'r' }, { labels: { [REGION]: 's' } }, mismatch],
    ['the same legacy zone', { [LEGACY_ZONE]: 'a' }, { labels: { [LEGACY_ZONE]: 'a' } }, 'fits'],
    ['another legacy zone', { [LEGACY_ZONE]: 'a' }, { labels: { [LEGACY_ZONE]: 'b' } }, mismatch],
    ['the same legacy region', { [LEGACY_REGION]: 'r' }, { labels: { [LEGACY_REGION]: 'r' } }, 'fits'],
    ['another legacy region', { [LEGACY_REGION]: 'r' }, { labels: { [LEGACY_REGION]: 's' } }, mismatch],
    ['one of several legacy zones', { [LEGACY_ZONE]: 'a__b' }, { labels: { [LEGACY_ZONE]: 'b' } }, 'fits'],
    [
      'a legacy zone, the stable one of the node another',
      { [LEGACY_ZONE]: 'a' },
      { labels: { [ZONE]: 'b' } },
      mismatch,
    ],
    [
      'a zone, and a node with the legacy label only',
      { [ZONE]: 'a' },
      { labels: { [LEGACY_ZONE]: 'a' } },
      mismatch,
    ],
    [
      'zone and region, and a node with a zone only',
      { [ZONE]: 'a', [REGION]: 'r' },
      { labels: { [ZONE]: 'a' } },
      mismatch,
    ],
  ];
  for (const [fact, labels, node, expected] of cases) {
    it(`${fact}: ${expected}`, () =>
      assert.equal(verdict(rule(newVolume('pv', { labels })), pod, newNodeInfo('n', node)), expected));
  }

  it('has nothing to say of a pod without volumes', () => {
    const node = newNodeInfo('n', { labels: { [ZONE]: 'b' } });
    assert.equal(verdict(rule(newVolume('pv', { labels: { [ZONE]: 'a' } })), newPodInfo('p'), node), 'fits');
  });

  it('lets an unbound claim pass when it waits for its consumer, and no other', () => {
    const node = newNodeInfo('n', { labels: { [ZONE]: 'a' } });
    const unbound = (className: string) =>
      verdict(rule(newVolume('pv'), newClaim('data', { className })), pod, node);
    assert.equal(unbound('late'), 'fits');
    assert.equal(unbound('now'), 'PersistentVolume had no name');
    assert.equal(unbound('gone'), 'storageclass.storage.k8s.io "gone" not found');
    assert.equal(unbound(''), 'PersistentVolumeClaim had no pv name and storageClass name');
    const dangling = rule(newVolume('pv'), newClaim('data', { boundTo: 'lost' }));
    assert.equal(verdict(dangling, pod, node), 'persistentvolume "lost" not found');
  });

  it('is helped by a volume whose zone changes', () => {
    const [a, b] = ['a', 'b'].map((zone) => newVolume('pv', { labels: { [ZONE]: zone } }));
    assert.equal(helps(rule(a!), pod, 'PersistentVolume', UPDATE, a, b), true);
    assert.equal(helps(rule(a!), pod, 'PersistentVolume', UPDATE, a, a), false);
    assert.equal(helps(rule(a!), pod, 'StorageClass', ADD, undefined, newClass('x')), true);
    const now = newClass('x', { volumeBindingMode: 'Immediate' });
    assert.equal(helps(rule(a!), pod, 'StorageClass', ADD, undefined, now), false);
  });
});

describe('NodeVolumeLimits', () => {
  const csiNode = (count?: number): Stored<CSINode> =>
    stored<CSINode>('CSINode', 'n', {
      spec: { drivers: [{ name: 'disk.example.com', nodeID: 'n', allocatable: { count } }] },
    });
  const driver = 'disk.example.com';
  const claims = [
    ...['a', 'b', 'c'].map((name) => newClaim(name, { boundTo: `pv-${name}` })),
    newClaim('unbound'),
    newClaim('nfs', { boundTo: 'pv-nfs' }),
    newClaim('unbound2'),
    newClaim('dangling', { boundTo: 'pv-gone' }),
    newClaim('classless', { className: 'gone' }),
    newClaim('other', { className: 'theirs' }),
  ];
  const volumes = [
    ...['a', 'b', 'c'].map((name) => newVolume(`pv-${name}`, { driver })),
    newVolume('pv-nfs'),
  ];
  const rule = (limit?: number, drivers?: readonly Stored<CSIDriver>[]) =>
    nodeVolumeLimits({
      drivers: drivers && listerOf<CSIDriver>(...drivers),
      claims: listerOf<PersistentVolumeClaim>(...claims),
      volumes: listerOf<PersistentVolume>(...volumes),
      classes: listerOf<StorageClass>(
        newClass('late', { provisioner: driver }),
        newClass('theirs', { provisioner: 'theirs.example.com' }),
      ),
      csiNodes: listerOf<CSINode>(...(limit === undefined ? [] : [csiNode(limit)])),
      attachments: new Informers({
        client: undefined as never,
        clock: new FakeClock(),
        random: seededRandom(1),
        log: silentLogger,
      }).of(volumeAttachments),
    });
  const full = 'node(s) exceed max volume count';
  const cases: readonly [string, string[], string[], number | undefined, string][] = [
    ['room for one more', ['b'], ['a'], 2, 'fits'],
    ['no room', ['b'], ['a'], 1, full],
    ['a volume that is shared', ['a'], ['a'], 1, 'fits'],
    ['one shared and one new', ['a', 'b'], ['a'], 1, full],
    ['a claim that has no volume yet', ['unbound'], ['a'], 1, full],
    ['a volume without a driver', ['nfs'], ['a'], 1, 'fits'],
    ['a node without limits', ['b', 'c'], ['a'], undefined, 'fits'],
    ['two claims that have no volume yet', ['unbound', 'unbound2'], [], 1, full],
    ['as many of them as there is room', ['unbound', 'unbound2'], [], 2, 'fits'],
    ['a claim whose volume is not there, by its class', ['dangling'], ['a'], 1, full],
    ['a claim whose class is not there', ['classless'], ['a'], 1, 'fits'],
    ['a claim of another driver', ['other'], ['a'], 1, 'fits'],
    [
      'a claim that is not there',
      ['missing'],
      ['a'],
      1,
      'looking up PVC default/missing: persistentvolumeclaim "missing" not found',
    ],
    ['a claim that waits on the node already', ['b'], ['unbound'], 1, full],
  ];
  for (const [fact, wanted, used, limit, expected] of cases) {
    it(`${fact}: ${expected}`, () => {
      const node = newNodeInfo('n', {}, [newPodInfo('other', { claims: used })]);
      assert.equal(verdict(rule(limit), newPodInfo('p', { claims: wanted }), node), expected);
    });
  }

  it('counts attached volumes once, whether or not a pod uses them', () => {
    const of = (...names: string[]) => new Map(names.map((name) => [name, driver]));
    const limits = new Map([[driver, 2]]);
    assert.equal(exceeds(limits, of('c'), { used: of('a'), attached: of('a') }), false);
    assert.equal(exceeds(limits, of('c'), { used: of('a'), attached: of('a', 'b') }), true);
    assert.equal(exceeds(limits, of('b'), { used: of('a'), attached: of('a', 'b') }), true);
    assert.equal(exceeds(limits, of('b'), { used: of('a', 'b'), attached: of('a', 'b') }), false);
  });

  describe('with VolumeLimitScaling', () => {
    const said = (preventPodSchedulingIfMissing?: boolean) =>
      stored<CSIDriver>('CSIDriver', driver, { spec: { preventPodSchedulingIfMissing } });
    const installed = (...names: string[]) =>
      stored<CSINode>('CSINode', 'n', { spec: { drivers: names.map((name) => ({ name, nodeID: 'n' })) } });
    const missing = `${driver} CSI driver is not installed on the node`;
    const cases: readonly [string, string, Stored<CSIDriver>[], number | undefined, string][] = [
      ['a node without the driver, which must be there', 'a', [said(true)], undefined, missing],
      ['the same for a volume that is to be made', 'unbound', [said(true)], undefined, missing],
      ['a node without the driver, which need not be there', 'a', [said(false)], undefined, 'fits'],
      ['a driver that says nothing', 'a', [said()], undefined, 'fits'],
      ['a driver that nobody tells of', 'a', [], undefined, 'fits'],
      ['a node with the driver', 'a', [said(true)], 5, 'fits'],
      ['a volume of no driver', 'nfs', [said(true)], undefined, 'fits'],
    ];
    for (const [fact, wanted, drivers, limit, expected] of cases) {
      it(`${fact}: ${expected}`, () => {
        const pod = newPodInfo('p', { claims: [wanted] });
        assert.equal(verdict(rule(limit, drivers), pod, newNodeInfo('n')), expected);
      });
    }

    it('is helped when the driver comes, which without it means nothing', () => {
      const pod = newPodInfo('p', { claims: ['a'] });
      const [before, after] = [installed('other'), installed('other', driver)];
      assert.equal(helps(rule(undefined, []), pod, 'CSINode', UPDATE, before, after), true);
      assert.equal(helps(rule(undefined, []), pod, 'CSINode', UPDATE, after, before), false);
      assert.equal(helps(rule(), pod, 'CSINode', UPDATE, before, after), false);
    });
  });

  it('is helped by a raised limit only', () => {
    const pod = newPodInfo('p', { claims: ['b'] });
    assert.equal(helps(rule(1), pod, 'CSINode', UPDATE, csiNode(1), csiNode(2)), true);
    assert.equal(helps(rule(1), pod, 'CSINode', UPDATE, csiNode(2), csiNode(1)), false);
    assert.equal(helps(rule(1), pod, 'Pod', DELETE, newPod('a', { nodeName: 'n', claims: ['a'] })), true);
    assert.equal(helps(rule(1), pod, 'Pod', DELETE, newPod('a', { nodeName: 'n' })), false);
    const nowhere = newPod('a', { claims: ['a'] });
    assert.equal(helps(rule(1), pod, 'Pod', DELETE, nowhere), false);
    const promised = { ...nowhere, status: { nominatedNodeName: 'n' } };
    assert.equal(helps(rule(1), pod, 'Pod', DELETE, promised), true);
    assert.equal(helps(rule(1), pod, 'PersistentVolumeClaim', ADD, undefined, newClaim('b')), true);
    assert.equal(helps(rule(1), pod, 'PersistentVolumeClaim', ADD, undefined, newClaim('a')), false);
    assert.equal(helps(rule(1), pod, 'VolumeAttachment', DELETE), true);
    assert.equal(helps(rule(1), newPodInfo('p'), 'VolumeAttachment', DELETE), false);
  });
});
