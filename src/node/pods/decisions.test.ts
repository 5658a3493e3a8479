import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Container, Pod } from '../../kube/index.ts';
import type { Attempt } from './attempts.ts';
import { containerConfig } from './container-config.ts';
import { decide } from './decide.ts';
import { fieldValue, resourceValue } from './downward.ts';
import { expand } from './expand.ts';
import { attempts, ended, now, pod, running } from './fixtures.ts';
import { goSeconds } from './names.ts';
import { podStatus } from './pod-status.ts';
import { RestartBackoff } from './restart-backoff.ts';
import { containerSecurity } from './security.ts';
import { imageUser, primaryGroup } from './users.ts';

describe('what a pod needs started', () => {
  const init: Container[] = [{ name: 'first' }, { name: 'second' }];
  const sidecar: Container[] = [{ name: 'side', restartPolicy: 'Always' }];
  type Case = [
    string,
    Partial<NonNullable<Pod['spec']>>,
    Record<string, Attempt>,
    string[],
    boolean,
    string[]?,
  ];
  const cases: Case[] = [
    ['its container', {}, {}, ['main'], false],
    ['nothing while it runs', {}, { main: running() }, [], false],
    ['its container again under Always', {}, { main: ended(0) }, ['main'], false],
    [
      'its container again under OnFailure when it failed',
      { restartPolicy: 'OnFailure' },
      { main: ended(1) },
      ['main'],
      false,
    ],
    [
      'nothing under OnFailure when it succeeded',
      { restartPolicy: 'OnFailure' },
      { main: ended(0) },
      [],
      true,
    ],
    ['nothing under Never', { restartPolicy: 'Never' }, { main: ended(1) }, [], true],
    [
      'nothing under Never when nobody saw the end',
      { restartPolicy: 'Never' },
      { main: ended(undefined) },
      [],
      true,
    ],
    ['the first init container alone', { initContainers: init }, {}, ['first'], false],
    ['nothing while an init container runs', { initContainers: init }, { first: running() }, [], false],
    ['the second after the first', { initContainers: init }, { first: ended(0) }, ['second'], false],
    ['a failed init container again', { initContainers: init }, { first: ended(1) }, ['first'], false],
    [
      'nothing after a failed init container under Never',
      { initContainers: init, restartPolicy: 'Never' },
      { first: ended(1) },
      [],
      true,
    ],
    [
      'its container after all init containers',
      { initContainers: init },
      { first: ended(0), second: ended(0) },
      ['main'],
      false,
    ],
    ['a sidecar before its container', { initContainers: sidecar }, {}, ['side'], false],
    ['nothing until the sidecar has started', { initContainers: sidecar }, { side: running() }, [], false],
    [
      'its container once the sidecar has started',
      { initContainers: sidecar },
      { side: running() },
      ['main'],
      false,
      ['side'],
    ],
    [
      'a sidecar that ended, beside its container',
      { initContainers: sidecar },
      { side: ended(0), main: running() },
      ['side'],
      false,
    ],
    [
      'nothing when all but sidecars are over',
      { initContainers: sidecar, restartPolicy: 'Never' },
      { side: running(), main: ended(0) },
      [],
      true,
    ],
  ];
  for (const [name, spec, made, start, finished, started = []] of cases)
    it(name, () => {
      const actions = decide(pod(spec), attempts(made), new Set(started));
      assert.deepEqual(
        [actions.start.map((container) => container.name), actions.finished],
        [start, finished],
      );
    });
});

describe('the crash-loop back-off', () => {
  it('lets the first restart pass, then waits 10 s, 20 s … 5 min', () => {
    const backoff = new RestartBackoff();
    assert.equal(backoff.next('c', now, now).remainingMs, 0);
    const waits: number[] = [];
    let at = now;
    for (let round = 0; round < 7; round++) {
      const { remainingMs } = backoff.next('c', at, at);
      waits.push(remainingMs / 1000);
      at += remainingMs;
      assert.equal(backoff.next('c', at - remainingMs, at).remainingMs, 0);
    }
    assert.deepEqual(waits, [10, 20, 40, 80, 160, 300, 300]);
  });
  it('starts anew after ten minutes of running', () => {
    const backoff = new RestartBackoff();
    for (let round = 0; round < 3; round++) backoff.next('c', now, now + round * 1_000_000);
    const later = now + 3_000_000;
    assert.equal(backoff.next('c', later, later).remainingMs, 0);
    assert.equal(backoff.next('c', later, later).remainingMs, 10_000);
  });
  for (const [ms, text] of [
    [10_000, '10s'],
    [80_000, '1m20s'],
    [300_000, '5m0s'],
    [3_600_000, '1h0m0s'],
  ] as const)
    it(`${ms} ms are ${text}`, () => assert.equal(goSeconds(ms), text));
});

describe('the status of a pod', () => {
  const facts = (made: Record<string, Attempt>, more = {}) => ({
    attempts: attempts(made),
    waiting: new Map(),
    probes: { started: new Set(Object.keys(made)), ready: new Set(Object.keys(made)) },
    sandboxReady: true,
    terminal: false,
    hostIp: '127.0.0.1',
    nowMs: now,
    ...more,
  });
  const conditions = (status: Pod['status']) =>
    Object.fromEntries(
      status!.conditions!.map(({ type, status: value, reason }) => [
        type,
        reason ? `${value} ${reason}` : value,
      ]),
    );

  it('is Running and ready when all containers run', () => {
    const status = podStatus(pod(), facts({ main: running() }));
    assert.equal(status.phase, 'Running');
    assert.deepEqual(conditions(status), {
      PodReadyToStartContainers: 'True',
      Initialized: 'True',
      Ready: 'True',
      ContainersReady: 'True',
    });
    assert.deepEqual(status.containerStatuses?.[0]?.state, {
      running: { startedAt: '2026-01-02T03:04:05Z' },
    });
    assert.equal(status.containerStatuses?.[0]?.containerID, 'stowage://id0');
  });
  it('tells how volumes are mounted, before and while a container runs, and as whom it runs', () => {
    const mounted = pod({
      containers: [
        {
          name: 'main',
          image: 'img',
          resources: { requests: { cpu: '1' }, limits: { cpu: '2' } },
          volumeMounts: [
            { name: 'a', mountPath: '/a' },
            { name: 'b', mountPath: '/b', readOnly: true },
            { name: 'c', mountPath: '/c', readOnly: true, recursiveReadOnly: 'IfPossible' },
            { name: 'd', mountPath: '/d', readOnly: true, recursiveReadOnly: 'Enabled', subPath: 'x' },
          ],
        },
      ],
    });
    const user = { uid: 7, gid: 8, supplementalGroups: [9, 8] };
    const before = podStatus(mounted, facts({}, { sandboxReady: false })).containerStatuses?.[0];
    const then = podStatus(mounted, facts({ main: { ...running(), user } })).containerStatuses?.[0];
    for (const status of [before, then])
      assert.deepEqual(status?.volumeMounts, [
        { name: 'a', mountPath: '/a' },
        { name: 'b', mountPath: '/b', readOnly: true, recursiveReadOnly: 'Disabled' },
        { name: 'c', mountPath: '/c', readOnly: true, recursiveReadOnly: 'Enabled' },
        { name: 'd', mountPath: '/d', readOnly: true, recursiveReadOnly: 'Enabled' },
      ]);
    assert.deepEqual([before?.user, before?.resources, before?.allocatedResources], Array(3).fill(undefined));
    assert.deepEqual(then?.user, { linux: { uid: 7, gid: 8, supplementalGroups: [8, 9] } });
    assert.deepEqual(then?.resources, { requests: { cpu: '1' }, limits: { cpu: '2' } });
    assert.deepEqual(then?.allocatedResources, { cpu: '1' });
  });
  it('is Pending with ContainerCreating before', () => {
    const status = podStatus(pod(), facts({}, { sandboxReady: false }));
    assert.equal(status.phase, 'Pending');
    assert.deepEqual(status.containerStatuses?.[0]?.state, { waiting: { reason: 'ContainerCreating' } });
    assert.equal(conditions(status).Ready, 'False ContainersNotReady');
    assert.equal(status.conditions?.[2]?.message, 'containers with unready status: [main]');
  });
  it('says PodInitializing of containers behind init containers', () => {
    const status = podStatus(pod({ initContainers: [{ name: 'init' }] }), facts({ init: running() }));
    assert.equal(status.phase, 'Pending');
    assert.equal(status.containerStatuses?.[0]?.state?.waiting?.reason, 'PodInitializing');
    assert.equal(conditions(status).Initialized, 'False ContainersNotInitialized');
  });
  it('keeps a crash as the last state while the container waits', () => {
    const waiting = new Map([['main', { reason: 'CrashLoopBackOff', message: 'back-off 10s' }]]);
    const status = podStatus(pod(), facts({ main: ended(1, 3) }, { waiting }));
    const [main] = status.containerStatuses ?? [];
    assert.equal(status.phase, 'Running');
    assert.equal(main?.state?.waiting?.reason, 'CrashLoopBackOff');
    assert.deepEqual(
      [main?.lastState?.terminated?.exitCode, main?.lastState?.terminated?.reason, main?.restartCount],
      [1, 'Error', 3],
    );
  });
  it('says of a container that ran out of memory so, whatever its exit code', () => {
    for (const code of [137, 0]) {
      const killed = { ...ended(code), oomKilled: true };
      const status = podStatus(pod({ restartPolicy: 'Never' }), facts({ main: killed }));
      const { terminated } = status.containerStatuses?.[0]?.state ?? {};
      assert.deepEqual([terminated?.reason, terminated?.exitCode], ['OOMKilled', code]);
    }
  });
  it('keeps the end of a container that only the API remembers, however often it is told', () => {
    const before = podStatus(pod(), facts({ main: running() }));
    const told = podStatus(pod({}, { status: before }), facts({}, { sandboxReady: false }));
    const again = podStatus(pod({}, { status: told }), facts({}, { sandboxReady: false }));
    for (const { containerStatuses } of [told, again]) {
      const [main] = containerStatuses ?? [];
      assert.deepEqual(main?.state, { waiting: { reason: 'ContainerCreating' } });
      assert.equal(main?.lastState?.terminated?.reason, 'ContainerStatusUnknown');
      assert.equal(main?.lastState?.terminated?.exitCode, 137);
    }
  });
  for (const [policy, code, phase] of [
    ['Never', 0, 'Succeeded'],
    ['Never', 1, 'Failed'],
    ['OnFailure', 0, 'Succeeded'],
    ['OnFailure', 1, 'Running'],
    ['Always', 0, 'Running'],
  ] as const)
    it(`is ${phase} after exit code ${code} under ${policy}`, () =>
      assert.equal(podStatus(pod({ restartPolicy: policy }), facts({ main: ended(code) })).phase, phase));
  it('is Failed when it is over without having run', () => {
    const status = podStatus(pod(), facts({}, { terminal: true }));
    assert.equal(status.phase, 'Failed');
  });
  it('keeps the time of a condition that stays', () => {
    const first = podStatus(pod(), facts({ main: running() }));
    const second = podStatus(pod({}, { status: first }), facts({ main: running() }, { nowMs: now + 60_000 }));
    assert.deepEqual(second, first);
  });
});

describe('expansion', () => {
  const variables = new Map([
    ['A', 'one'],
    ['B', '$(A)'],
  ]);
  for (const [text, result] of [
    ['$(A)', 'one'],
    ['$$(A)', '$(A)'],
    ['$(C)', '$(C)'],
    ['x$(A)y$(B)', 'xoney$(A)'],
    ['$A $', '$A $'],
    ['$(A)$$(A$$', 'one$(A$'],
  ] as const)
    it(`${text} is ${result}`, () => assert.equal(expand(text, variables), result));
  it('looks at a long text once', () => {
    const open = '$('.repeat(1_000_000);
    assert.equal(expand(open, variables), open);
    assert.equal(expand(`${open})`, variables), `${open})`);
  });
});

const place = {
  nodeName: 'node-1',
  hostIp: '127.0.0.1',
  podIp: '127.0.0.1',
  allocatable: { cpu: '2', memory: '1Gi' },
};

describe('the downward API', () => {
  for (const [path, value] of [
    ['metadata.name', 'web-0'],
    ["metadata.labels['app']", 'web'],
    ["metadata.annotations['none']", ''],
    ['spec.nodeName', 'node-1'],
    ['status.podIP', '127.0.0.1'],
  ] as const)
    it(`${path} is ${JSON.stringify(value)}`, () => assert.equal(fieldValue(path, pod(), place), value));
  it('refuses what cannot be referred to', () =>
    assert.throws(() => fieldValue('spec.containers', pod(), place), /unsupported fieldPath/));
  const container: Container = {
    name: 'main',
    resources: { limits: { cpu: '1500m' }, requests: { memory: '100Mi' } },
  };
  for (const [resource, divisor, value] of [
    ['limits.cpu', undefined, '2'],
    ['limits.cpu', '1m', '1500'],
    ['requests.memory', '1Mi', '100'],
    ['limits.memory', '1Mi', '1024'],
  ] as const)
    it(`${resource} by ${divisor ?? '1'} is ${value}`, () =>
      assert.equal(resourceValue(resource, divisor, container, place), value));
});

describe('what the runtime is asked to run', () => {
  const input = (container: Container, spec = {}) => ({
    pod: pod({ ...spec, containers: [container] }),
    container,
    attempt: 0,
    environment: new Map([['WHO', 'me']]),
    volumes: new Map([['data', { hostPath: '/v', readOnly: false, specName: 'data' }]]),
    podIp: '127.0.0.1',
    users: {
      passwd: 'root:x:0:0::/root:/bin/sh\nme:x:1000:100::/home/me:/bin/sh\n',
      group: 'audio:x:29:other,me\nvideo:x:44:other\n',
    },
  });
  it('puts a container into the groups that the pod’s volumes ask for', () => {
    const volumes = new Map([
      ['one', { hostPath: '/1', readOnly: false, specName: 'pv-1', gid: 4711 }],
      ['two', { hostPath: '/2', readOnly: false, specName: 'pv-2', gid: 7 }],
      ['three', { hostPath: '/3', readOnly: false, specName: 'pv-3' }],
    ]);
    const spec = { securityContext: { supplementalGroups: [7], supplementalGroupsPolicy: 'Strict' } };
    const { security } = containerConfig({ ...input({ name: 'main', command: ['x'] }, spec), volumes });
    assert.deepEqual(security.supplementalGroups, [7, 4711]);
  });
  it('has the command expanded, the volumes bound, the user at home', () => {
    const config = containerConfig(
      input({
        name: 'main',
        command: ['echo'],
        args: ['$(WHO)'],
        securityContext: { runAsUser: 1000 },
        volumeMounts: [{ name: 'data', mountPath: 'data/', readOnly: true }],
      }),
    );
    assert.deepEqual(config.command, ['echo', 'me']);
    assert.deepEqual(config.mounts, [
      {
        hostPath: '/v',
        containerPath: '/data',
        readOnly: true,
        recursiveReadOnly: false,
        propagation: 'None',
      },
    ]);
    assert.deepEqual(
      [config.environment.get('HOME'), config.environment.get('HOSTNAME'), config.security.gid],
      ['/home/me', 'web-0', 100],
    );
    assert.deepEqual(config.security.supplementalGroups, [29]);
  });
  const refusals: [string, Partial<Container>, RegExp][] = [
    [
      'a volume that the pod has not',
      { volumeMounts: [{ name: 'no', mountPath: '/x' }] },
      /cannot find volume "no" to mount into container "main"/,
    ],
    [
      'a device that the pod has not',
      { volumeDevices: [{ name: 'no', devicePath: '/dev/x' }] },
      /cannot find volume "no" to pass into container "main"/,
    ],
    [
      'a device that is not given a place',
      { volumeDevices: [{ name: 'data', devicePath: 'dev/x' }] },
      /error DevicePath `dev\/x` must be an absolute path/,
    ],
    [
      'root against runAsNonRoot',
      { securityContext: { runAsNonRoot: true } },
      /image will run as root \(pod: "web-0_default\(u1\)", container: main\)/,
    ],
  ];
  for (const [name, container, message] of refusals)
    it(`refuses ${name}`, () =>
      assert.throws(() => containerConfig(input({ name: 'main', ...container })), message));
});

describe('security', () => {
  const of = (own: object, shared: object = {}) =>
    containerSecurity(
      pod({ securityContext: shared }),
      { name: 'main', securityContext: own },
      { passwd: '', group: '' },
    );
  it("prefers the container's own", () => assert.equal(of({ runAsUser: 5 }, { runAsUser: 6 }).uid, 5));
  it('adds fsGroup to the groups', () =>
    assert.deepEqual(of({}, { fsGroup: 9, supplementalGroups: [7, 9] }).supplementalGroups, [7, 9]));
  it('drops and adds capabilities', () => {
    assert.deepEqual(of({ capabilities: { drop: ['ALL'], add: ['CAP_NET_BIND_SERVICE'] } }).capabilities, [
      'net_bind_service',
    ]);
    assert.ok(!of({}).capabilities.includes('sys_admin'));
    assert.deepEqual(of({ privileged: true }).capabilities, ['all']);
  });
  it('takes the user of the image, and looks for names in its tables', () => {
    const users = {
      passwd: 'app:x:7:8::/srv:/bin/sh\n',
      group: 'www:x:33:\nextra:x:50:app\n',
    };
    const cases: [string, object, unknown][] = [
      ['', {}, [0, 0, []]],
      ['app', {}, [7, 8, [50]]],
      ['7:33', {}, [7, 33, [50]]],
      ['app:www', {}, [7, 33, [50]]],
      ['12', {}, [12, 0, []]],
      ['app:www', { runAsUser: 12 }, [12, 0, []]],
      ['app', { runAsGroup: 5 }, [7, 5, [50]]],
    ];
    for (const [user, securityContext, expected] of cases) {
      const image = imageUser(user, users);
      const { uid, gid, supplementalGroups } = containerSecurity(
        pod(),
        { name: 'main', securityContext },
        users,
        image,
      );
      assert.deepEqual([uid, gid, supplementalGroups], expected, user);
    }
    assert.throws(() => imageUser('nobody', users), /unable to find user nobody: no matching entries/);
    assert.throws(() => imageUser('app:none', users), /unable to find group none/);
  });
  it('refuses root and who might be root where runAsNonRoot is asked for', () => {
    const users = { passwd: 'app:x:7:8::/srv:/bin/sh\n', group: '' };
    const of = (user: string, own: object) => () =>
      containerSecurity(
        pod(),
        { name: 'main', securityContext: { runAsNonRoot: true, ...own } },
        users,
        imageUser(user, users),
      );
    const where = ' (pod: "web-0_default(u1)", container: main)';
    assert.throws(of('', {}), { message: `container has runAsNonRoot and image will run as root${where}` });
    assert.throws(of('app', {}), {
      message: `container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root${where}`,
    });
    assert.throws(of('7', { runAsUser: 0 }), {
      message: `container's runAsUser breaks non-root policy${where}`,
    });
    assert.equal(of('7', {})().uid, 7);
    assert.equal(of('', { runAsUser: 9 })().uid, 9);
  });
  it('knows groups by passwd', () =>
    assert.equal(primaryGroup({ passwd: 'a:x:7:8::/:/bin/sh', group: '' }, 7), 8));
});
