import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { type KubeObject, resources, type StatusError } from '../../../kube/index.ts';
import { claimNamed, type Fixture, podNamed, startRegistry } from '../testing.ts';

let fixture: Fixture;
before(async () => {
  fixture = await startRegistry();
});
const resource = (plural: string) => resources.find((one) => one.plural === plural)!;

/** The fields that a refusal names. */
const fields = (error: unknown) =>
  (error as StatusError).status.details?.causes?.map(
    (cause) => `${cause.field} ${cause.reason?.replace('FieldValue', '')}`,
  );

const pv = (spec: object) => ({
  metadata: { name: 'pv' },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    csi: { driver: 'd.example', volumeHandle: 'h' },
    ...spec,
  },
});
const claim = (spec: object) => ({ ...claimNamed('c'), spec: { ...claimNamed('c').spec, ...spec } });
const attachment = (spec: object) => ({
  metadata: { name: 'va' },
  spec: { attacher: 'd.example', nodeName: 'n', source: { persistentVolumeName: 'pv' }, ...spec },
});
const set = (spec: object) => ({
  metadata: { namespace: 'default', name: 's' },
  spec: {
    selector: { matchLabels: { app: 'x' } },
    template: {
      metadata: { labels: { app: 'x' } },
      spec: { containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] },
    },
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claimNamed('x').spec }],
    ...spec,
  },
});
const mounting = (volumes: object[], rest: object) =>
  podNamed('p', { volumes, containers: [{ name: 'c', image: 'i', ...rest }] });
const pvc = { name: 'v', persistentVolumeClaim: { claimName: 'c' } };

describe('what a create is refused for', () => {
  const cases: [string, KubeObject, string[]][] = [
    ['persistentvolumes', pv({ csi: undefined }), ['spec Required']],
    ['persistentvolumes', pv({ hostPath: { path: '/x' } }), ['spec.csi Forbidden']],
    [
      'persistentvolumes',
      pv({ accessModes: undefined, capacity: undefined }),
      ['spec.accessModes Required', 'spec.capacity Required', 'spec.capacity NotSupported'],
    ],
    ['persistentvolumes', pv({ capacity: { storage: '0' } }), ['spec.capacity[storage] Invalid']],
    [
      'persistentvolumes',
      pv({ accessModes: ['ReadWriteOncePod', 'ReadWriteOnce'] }),
      ['spec.accessModes Forbidden'],
    ],
    [
      'persistentvolumes',
      pv({ persistentVolumeReclaimPolicy: 'Shred' }),
      ['spec.persistentVolumeReclaimPolicy NotSupported'],
    ],
    [
      'persistentvolumes',
      pv({ csi: { driver: '', volumeHandle: '' } }),
      ['spec.csi.driver Required', 'spec.csi.volumeHandle Required'],
    ],
    ['persistentvolumes', pv({ csi: undefined, local: { path: '/x' } }), ['spec.nodeAffinity Required']],
    ['persistentvolumeclaims', claim({ accessModes: ['Sometimes'] }), ['spec.accessModes NotSupported']],
    ['persistentvolumeclaims', claim({ resources: {} }), ['spec.resources[storage] Required']],
    [
      'persistentvolumeclaims',
      claim({ volumeMode: 'Tape', storageClassName: 'Not_Valid' }),
      ['spec.storageClassName Invalid', 'spec.volumeMode NotSupported'],
    ],
    ['storageclasses', { metadata: { name: 'sc' } }, ['provisioner Required']],
    [
      'storageclasses',
      {
        metadata: { name: 'sc' },
        provisioner: 'p',
        reclaimPolicy: 'Recycle',
        volumeBindingMode: 'Later',
      } as KubeObject,
      ['reclaimPolicy NotSupported', 'volumeBindingMode NotSupported'],
    ],
    ['volumeattachments', attachment({ attacher: '' }), ['spec.attacher Required']],
    ['volumeattachments', attachment({ source: {} }), ['spec.source Required']],
    [
      'csinodes',
      {
        metadata: { name: 'n' },
        spec: {
          drivers: [
            { name: 'a', nodeID: '' },
            { name: 'a', nodeID: 'x' },
          ],
        },
      } as KubeObject,
      ['spec.drivers[0].nodeID Required', 'spec.drivers[1].name Duplicate'],
    ],
    [
      'csidrivers',
      {
        metadata: { name: 'd' },
        spec: { fsGroupPolicy: 'Maybe', volumeLifecycleModes: ['Never'] },
      } as KubeObject,
      ['spec.fsGroupPolicy NotSupported', 'spec.volumeLifecycleModes NotSupported'],
    ],
    [
      'statefulsets',
      set({ selector: { matchLabels: { app: 'y' } } }),
      ['spec.template.metadata.labels Invalid'],
    ],
    [
      'statefulsets',
      set({ selector: undefined }),
      ['spec.selector Required', 'spec.template.metadata.labels Invalid'],
    ],
    [
      'statefulsets',
      set({ volumeClaimTemplates: undefined }),
      ['spec.template.spec.containers[0].volumeMounts[0].name NotFound'],
    ],
    [
      'statefulsets',
      set({ volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }] }),
      [
        'spec.volumeClaimTemplates[0].spec.accessModes Required',
        'spec.volumeClaimTemplates[0].spec.resources[storage] Required',
      ],
    ],
    ['pods', podNamed('p', { containers: [] }), ['spec.containers Required']],
    ['pods', podNamed('p', { containers: [{ name: 'c' }] }), ['spec.containers[0].image Required']],
    [
      'pods',
      podNamed('p', {
        containers: [
          { name: 'c', image: 'i' },
          { name: 'c', image: 'i' },
        ],
      }),
      ['spec.containers[1].name Duplicate'],
    ],
    [
      'pods',
      mounting([], { volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
      ['spec.containers[0].volumeMounts[0].name NotFound'],
    ],
    [
      'pods',
      mounting([pvc], {
        volumeMounts: [
          { name: 'v', mountPath: '/v' },
          { name: 'v', mountPath: '/v' },
        ],
      }),
      ['spec.containers[0].volumeMounts[1].mountPath Invalid'],
    ],
    [
      'pods',
      mounting([{ name: 'v', emptyDir: {} }], { volumeDevices: [{ name: 'v', devicePath: '/dev/x' }] }),
      ['spec.containers[0].volumeDevices[0].name Invalid'],
    ],
    [
      'pods',
      mounting([{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }], {}),
      ['spec.volumes[0].hostPath Forbidden'],
    ],
    ['pods', mounting([pvc, pvc], {}), ['spec.volumes[1].name Duplicate']],
    [
      'configmaps',
      {
        metadata: { namespace: 'default', name: 'm', labels: { 'a b': 'c' } },
        data: { '..': 'x' },
      } as KubeObject,
      ['metadata.labels Invalid', 'data[..] Invalid'],
    ],
    [
      'configmaps',
      { metadata: { namespace: 'default', name: 'm', finalizers: ['short'] } },
      ['metadata.finalizers[0] Invalid'],
    ],
    ['namespaces', { metadata: { name: 'a.b' } }, ['metadata.name Invalid']],
  ];
  for (const [plural, object, expected] of cases) {
    it(`${plural}: ${expected.join(', ')}`, async () => {
      const error = await fixture.client.create(resource(plural), object, { dryRun: true }).then(
        () => undefined,
        (reason) => reason,
      );
      assert.deepEqual(fields(error), expected, String(error));
    });
  }
});

describe('what an update is refused for', () => {
  const bind = { type: 'merge', body: { status: { phase: 'Bound', capacity: { storage: '1Gi' } } } } as const;
  const cases: {
    what: string;
    plural: string;
    object: KubeObject;
    bound?: boolean;
    change: object;
    expected: string[] | undefined;
  }[] = [
    {
      what: 'another source',
      plural: 'persistentvolumes',
      object: pv({}),
      change: { spec: { csi: { volumeHandle: 'other' } } },
      expected: ['spec.persistentvolumesource Forbidden'],
    },
    {
      what: 'another mode',
      plural: 'persistentvolumes',
      object: pv({}),
      change: { spec: { volumeMode: 'Block' } },
      expected: ['volumeMode Invalid'],
    },
    {
      what: 'a claimRef (allowed)',
      plural: 'persistentvolumes',
      object: pv({}),
      change: { spec: { claimRef: { namespace: 'a', name: 'b' }, persistentVolumeReclaimPolicy: 'Delete' } },
      expected: undefined,
    },
    {
      what: 'binding a claim (allowed)',
      plural: 'persistentvolumeclaims',
      object: claim({}),
      change: { spec: { volumeName: 'pv' } },
      expected: undefined,
    },
    {
      what: 'rebinding a claim',
      plural: 'persistentvolumeclaims',
      object: claim({ volumeName: 'a' }),
      change: { spec: { volumeName: 'b' } },
      expected: ['spec Forbidden'],
    },
    {
      what: 'growing an unbound claim',
      plural: 'persistentvolumeclaims',
      object: claim({}),
      change: { spec: { resources: { requests: { storage: '2Gi' } } } },
      expected: ['spec Forbidden'],
    },
    {
      what: 'growing a bound claim (allowed)',
      plural: 'persistentvolumeclaims',
      object: claim({}),
      bound: true,
      change: { spec: { resources: { requests: { storage: '2Gi' } } } },
      expected: undefined,
    },
    {
      what: 'shrinking a bound claim',
      plural: 'persistentvolumeclaims',
      object: claim({}),
      bound: true,
      change: { spec: { resources: { requests: { storage: '1Mi' } } } },
      expected: ['spec.resources.requests.storage Forbidden'],
    },
    {
      what: 'another class',
      plural: 'persistentvolumeclaims',
      object: claim({ storageClassName: 'a' }),
      change: { spec: { storageClassName: 'b' } },
      expected: ['spec Forbidden'],
    },
    {
      what: 'a class where there was none (allowed)',
      plural: 'persistentvolumeclaims',
      object: claim({}),
      change: { spec: { storageClassName: 'b' } },
      expected: undefined,
    },
    {
      what: 'class parameters',
      plural: 'storageclasses',
      object: { metadata: { name: 'sc' }, provisioner: 'p' } as KubeObject,
      change: { parameters: { a: 'b' } },
      expected: ['parameters Invalid'],
    },
    {
      what: 'an attachment',
      plural: 'volumeattachments',
      object: attachment({}),
      change: { spec: { nodeName: 'm' } },
      expected: ['spec Invalid'],
    },
    {
      what: 'a driver entry',
      plural: 'csinodes',
      object: { metadata: { name: 'n' }, spec: { drivers: [{ name: 'a', nodeID: 'x' }] } } as KubeObject,
      change: { spec: { drivers: [{ name: 'a', nodeID: 'y' }] } },
      expected: ['spec.drivers Invalid'],
    },
    {
      what: 'attachRequired',
      plural: 'csidrivers',
      object: { metadata: { name: 'd' }, spec: {} } as KubeObject,
      change: { spec: { attachRequired: false } },
      expected: ['spec.attachedRequired Invalid'],
    },
    {
      what: 'claim templates',
      plural: 'statefulsets',
      object: set({}),
      change: { spec: { serviceName: 'x' } },
      expected: ['spec Forbidden'],
    },
    {
      what: 'replicas (allowed)',
      plural: 'statefulsets',
      object: set({}),
      change: { spec: { replicas: 5 } },
      expected: undefined,
    },
    {
      what: "a pod's node",
      plural: 'pods',
      object: podNamed('p'),
      change: { spec: { nodeName: 'n' } },
      expected: ['spec Forbidden'],
    },
    {
      what: "a pod's tolerations, more (allowed)",
      plural: 'pods',
      object: podNamed('p'),
      change: { spec: { activeDeadlineSeconds: 5 } },
      expected: undefined,
    },
  ];
  for (const { what, plural, object, bound, change, expected } of cases) {
    it(`${plural}: ${what}`, async () => {
      const kind = resource(plural);
      const { client } = fixture;
      const made = await client.create(kind, object);
      const name = { namespace: made.metadata.namespace, name: made.metadata.name };
      if (bound) await client.patch(kind, name, bind, { subresource: 'status' });
      const error = await client.patch(kind, name, { type: 'merge', body: change }).then(
        () => undefined,
        (reason) => reason,
      );
      assert.deepEqual(error && fields(error), expected, String(error));
      await client.patch(kind, name, { type: 'merge', body: { metadata: { finalizers: null } } });
      await client.delete(kind, name);
    });
  }
});

describe('defaults', () => {
  it('of a pod and of a template are upstream’s', async () => {
    const pod = await fixture.client.create(
      resource('pods'),
      mounting(
        [{ name: 'e' }, { name: 'h', hostPath: { path: '/x' } }, { name: 's', secret: { secretName: 'x' } }],
        {
          resources: { limits: { cpu: '1', memory: '1Gi' } },
        },
      ),
      { dryRun: true },
    );
    const { spec, status } = pod as unknown as { spec: Record<string, unknown>; status: object };
    assert.deepEqual(spec, {
      volumes: [
        { name: 'e', emptyDir: {} },
        { name: 'h', hostPath: { path: '/x', type: '' } },
        { name: 's', secret: { secretName: 'x', defaultMode: 420 } },
      ],
      containers: [
        {
          name: 'c',
          image: 'i',
          resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } },
          imagePullPolicy: 'Always',
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
        },
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      securityContext: {},
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
      tolerations: ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
        key,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      })),
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
    });
    assert.deepEqual(status, { phase: 'Pending', qosClass: 'Guaranteed' });
  });

  it('of a StatefulSet reach its claim templates', async () => {
    const made = await fixture.client.create(resource('statefulsets'), set({}), { dryRun: true });
    const { spec } = made as unknown as { spec: Record<string, unknown> };
    assert.equal(spec.replicas, 1);
    assert.equal(spec.podManagementPolicy, 'OrderedReady');
    assert.deepEqual(spec.updateStrategy, { type: 'RollingUpdate', rollingUpdate: { partition: 0 } });
    assert.deepEqual(spec.persistentVolumeClaimRetentionPolicy, {
      whenDeleted: 'Retain',
      whenScaled: 'Retain',
    });
    assert.deepEqual(spec.volumeClaimTemplates, [
      {
        metadata: { name: 'data' },
        spec: { ...claimNamed('x').spec, volumeMode: 'Filesystem' },
        kind: 'PersistentVolumeClaim',
        apiVersion: 'v1',
        status: { phase: 'Pending' },
      },
    ]);
  });

  it('of a StatefulSet leave out what is behind a gate upstream: maxUnavailable', async () => {
    const rollingUpdate = { partition: 1, maxUnavailable: 2 };
    const given = set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } });
    const made = await fixture.client.create(resource('statefulsets'), given, { dryRun: true });
    const { spec } = made as unknown as { spec: Record<string, unknown> };
    assert.deepEqual(spec.updateStrategy, { type: 'RollingUpdate', rollingUpdate: { partition: 1 } });
  });
});
