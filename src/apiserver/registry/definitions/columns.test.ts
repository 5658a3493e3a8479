import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject, Stored } from '../../../kube/index.ts';
import { builtInDefinitions } from './index.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');

/** What `kubectl get -o wide` shows. */
function row(plural: string, object: object): string {
  const definition = builtInDefinitions.find((one) => one.plural === plural)!;
  const { metadata, ...rest } = object as { metadata?: object };
  const stored = {
    ...rest,
    metadata: { name: 'x', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
  } as Stored<KubeObject>;
  return definition.columns.map((column) => `${column.cell(stored, NOW)}`).join(' | ');
}

const container = (state: object, rest: object = {}) => ({
  name: 'c',
  restartCount: 0,
  ready: false,
  image: '',
  imageID: '',
  state,
  ...rest,
});
const pod = (status: object, metadata: object = {}, spec: object = {}) =>
  row('pods', { metadata, spec: { containers: [{ name: 'c' }], ...spec }, status })
    .split(' | ')
    .slice(1, 4)
    .join(' | ');

describe('the columns of pods', () => {
  const cases: [string, string, string][] = [
    ['pending', pod({ phase: 'Pending' }), '0/1 | Pending | 0'],
    [
      'creating',
      pod({ phase: 'Pending', containerStatuses: [container({ waiting: { reason: 'ContainerCreating' } })] }),
      '0/1 | ContainerCreating | 0',
    ],
    [
      'running',
      pod({ phase: 'Running', containerStatuses: [container({ running: {} }, { ready: true })] }),
      '1/1 | Running | 0',
    ],
    [
      'restarted',
      pod({
        phase: 'Running',
        containerStatuses: [
          container(
            { running: {} },
            {
              ready: true,
              restartCount: 3,
              lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:05:00Z' } },
            },
          ),
        ],
      }),
      '1/1 | Running | 3 (5m ago)',
    ],
    ['failed by reason', pod({ phase: 'Failed', reason: 'Evicted' }), '0/1 | Evicted | 0'],
    [
      'exit code',
      pod({ phase: 'Failed', containerStatuses: [container({ terminated: { exitCode: 3 } })] }),
      '0/1 | ExitCode:3 | 0',
    ],
    [
      'signal',
      pod({ phase: 'Failed', containerStatuses: [container({ terminated: { exitCode: 137, signal: 9 } })] }),
      '0/1 | Signal:9 | 0',
    ],
    [
      'completed',
      pod({
        phase: 'Succeeded',
        containerStatuses: [container({ terminated: { exitCode: 0, reason: 'Completed' } })],
      }),
      '0/1 | Completed | 0',
    ],
    [
      'terminating',
      pod(
        { phase: 'Running', containerStatuses: [container({ running: {} }, { ready: true })] },
        { deletionTimestamp: 'x' },
      ),
      '1/1 | Terminating | 0',
    ],
    [
      'lost node',
      pod({ phase: 'Running', reason: 'NodeLost' }, { deletionTimestamp: 'x' }),
      '0/1 | Unknown | 0',
    ],
    [
      'gated',
      pod({
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }],
      }),
      '0/1 | SchedulingGated | 0',
    ],
    [
      'initializing',
      pod(
        { phase: 'Pending', initContainerStatuses: [container({ running: {} })] },
        {},
        { initContainers: [{ name: 'c' }, { name: 'd' }] },
      ),
      '0/1 | Init:0/2 | 0',
    ],
    [
      'init failed',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [container({ terminated: { exitCode: 1, reason: 'Error' } })],
        },
        {},
        { initContainers: [{ name: 'c' }] },
      ),
      '0/1 | Init:Error | 0',
    ],
  ];
  for (const [what, actual, expected] of cases) it(what, () => assert.equal(actual, expected));
});

const TEMPLATE = {
  spec: {
    containers: [
      { name: 'c', image: 'i' },
      { name: 'd', image: 'j' },
    ],
  },
};

describe('the columns of other kinds', () => {
  const cases: [string, object, string][] = [
    [
      'persistentvolumes',
      {
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteMany', 'ReadWriteOnce'],
          persistentVolumeReclaimPolicy: 'Delete',
          claimRef: { namespace: 'ns', name: 'c' },
          storageClassName: 'fast',
          volumeMode: 'Filesystem',
        },
        status: { phase: 'Bound' },
      },
      'x | 1Gi | RWO,RWX | Delete | Bound | ns/c | fast | <unset> |  | 10m | Filesystem',
    ],
    [
      'persistentvolumes',
      { metadata: { deletionTimestamp: 'x' }, spec: {}, status: { phase: 'Released' } },
      'x | 0 |  |  | Terminating |  |  | <unset> |  | 10m | <unset>',
    ],
    [
      'persistentvolumeclaims',
      {
        spec: { volumeName: 'pv', storageClassName: 'fast', volumeMode: 'Block' },
        status: { phase: 'Bound', capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOncePod'] },
      },
      'x | Bound | pv | 2Gi | RWOP | fast | <unset> | 10m | Block',
    ],
    [
      'persistentvolumeclaims',
      { spec: {}, status: { phase: 'Pending' } },
      'x | Pending |  |  |  |  | <unset> | 10m | <unset>',
    ],
    [
      'storageclasses',
      {
        metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
        provisioner: 'p',
      },
      'x (default) | p | Delete | Immediate | false | 10m',
    ],
    [
      'volumeattachments',
      {
        spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'pv' } },
        status: { attached: true },
      },
      'x | d | pv | n | true | 10m',
    ],
    [
      'csidrivers',
      { spec: { attachRequired: false, volumeLifecycleModes: ['Persistent', 'Ephemeral'] } },
      'x | false | false | false | <unset> | false | Persistent,Ephemeral | 10m',
    ],
    ['csinodes', { spec: { drivers: [{}, {}] } }, 'x | 2 | 10m'],
    [
      'nodes',
      {
        metadata: { labels: { 'node-role.kubernetes.io/worker': '' } },
        spec: { unschedulable: true },
        status: { conditions: [{ type: 'Ready', status: 'False' }], nodeInfo: { kubeletVersion: 'v1' } },
      },
      'x | NotReady,SchedulingDisabled | worker | 10m | v1 | <none> | <none> | <unknown> | <unknown> | <unknown>',
    ],
    [
      'statefulsets',
      {
        spec: { replicas: 2, template: { spec: { containers: [{ name: 'a', image: 'i' }] } } },
        status: { readyReplicas: 1 },
      },
      'x | 1/2 | 10m | a | i',
    ],
    [
      'events',
      {
        lastTimestamp: '2026-01-01T00:09:30Z',
        type: 'Normal',
        reason: 'R',
        involvedObject: { kind: 'Pod', name: 'p' },
        message: ' m\n',
        source: { component: 'c', host: 'h' },
        count: 4,
        firstTimestamp: '2026-01-01T00:00:00Z',
      },
      '30s | Normal | R | pod/p |  | c, h | m | 10m | 4 | x',
    ],
    [
      'services',
      {
        spec: {
          type: 'ClusterIP',
          clusterIPs: ['None'],
          ports: [{ port: 80, protocol: 'TCP' }],
          selector: { a: 'b' },
        },
      },
      'x | ClusterIP | None | <none> | 80/TCP | 10m | a=b',
    ],
    [
      'deployments',
      {
        spec: { replicas: 3, selector: { matchLabels: { b: '2', a: '1' } }, template: TEMPLATE },
        status: { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 },
      },
      'x | 1/3 | 2 | 1 | 10m | c,d | i,j | a=1,b=2',
    ],
    [
      'replicasets',
      {
        spec: {
          replicas: 3,
          selector: { matchExpressions: [{ key: 'k', operator: 'NotIn', values: ['b', 'a'] }] },
          template: TEMPLATE,
        },
        status: { replicas: 2 },
      },
      'x | 3 | 2 | 0 | 10m | c,d | i,j | k notin (a,b)',
    ],
    [
      'daemonsets',
      {
        spec: { template: { spec: { ...TEMPLATE.spec, nodeSelector: { disk: 'fast' } } } },
        status: { desiredNumberScheduled: 4, currentNumberScheduled: 3, numberReady: 2 },
      },
      'x | 4 | 3 | 2 | 0 | 0 | disk=fast | 10m | c,d | i,j | <none>',
    ],
    [
      'jobs',
      {
        spec: { completions: 3, template: TEMPLATE },
        status: {
          succeeded: 1,
          startTime: '2026-01-01T00:00:00Z',
          conditions: [{ type: 'Suspended', status: 'True' }],
        },
      },
      'x | Suspended | 1/3 | 10m | 10m | c,d | i,j | <none>',
    ],
    ['jobs', { spec: { parallelism: 2 } }, 'x | Running | 0/1 of 2 |  | 10m |  |  | <none>'],
    [
      'cronjobs',
      {
        spec: { schedule: '@daily', suspend: true, jobTemplate: { spec: { template: TEMPLATE } } },
        status: { active: [{}], lastScheduleTime: '2026-01-01T00:08:00Z' },
      },
      'x | @daily | <none> | True | 1 | 2m | 10m | c,d | i,j | <none>',
    ],
    [
      'poddisruptionbudgets',
      { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 2 } },
      'x | 50% | N/A | 2 | 10m',
    ],
    [
      'resourcequotas',
      { status: { hard: { pods: '3', 'limits.cpu': '2', a: '1' }, used: { pods: '1' } } },
      'x | a: 0/1, pods: 1/3 | limits.cpu: 0/2 | 10m',
    ],
    ['limitranges', {}, 'x | 2026-01-01T00:00:00Z'],
    ['podtemplates', { template: { ...TEMPLATE, metadata: { labels: { a: 'b' } } } }, 'x | c,d | i,j | a=b'],
    [
      'endpoints',
      {
        subsets: [
          {
            addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }],
            ports: [{ port: 1 }, { port: 2 }],
          },
        ],
      },
      'x | 10.0.0.1:1,10.0.0.2:1,10.0.0.1:2 + 1 more... | 10m',
    ],
    [
      'endpointslices',
      { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [{ addresses: ['10.0.0.1'] }] },
      'x | IPv4 | 80 | 10.0.0.1 | 10m',
    ],
    ['volumeattributesclasses', { driverName: 'd' }, 'x | d | 10m'],
    ['leases', { spec: { holderIdentity: 'me' } }, 'x | me | 10m'],
    ['priorityclasses', { value: 5, preemptionPolicy: 'Never' }, 'x | 5 | false | 10m | Never'],
    [
      'controllerrevisions',
      {
        metadata: {
          ownerReferences: [{ controller: true, apiVersion: 'apps/v1', kind: 'StatefulSet', name: 's' }],
        },
        revision: 2,
      },
      'x | statefulset.apps/s | 2 | 10m',
    ],
  ];
  for (const [plural, object, expected] of cases) {
    it(`${plural}: ${expected}`, () => assert.equal(row(plural, object), expected));
  }
});
