import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../kube/index.ts';
import type { VolumeStats } from '../../volume/index.ts';
import type { ContainerStorage } from './container-storage.ts';
import { exceededLocalStorage, limitsContainers, limitsLocalStorage } from './exceeded.ts';

type Use = {
  readonly volumes?: Readonly<Record<string, VolumeStats>>;
  readonly containers?: Readonly<Record<string, ContainerStorage>>;
};
const why = (pod: Pod, { volumes = {}, containers = {} }: Use) =>
  exceededLocalStorage(pod, {
    volumes: new Map(Object.entries(volumes)),
    containers: new Map(Object.entries(containers)),
  });

describe('an emptyDir with a limit', () => {
  const pod = (sizeLimit: string | undefined, priority?: number): Pod => ({
    spec: { containers: [], priority, volumes: [{ name: 'tmp', emptyDir: { sizeLimit } }] },
  });
  const message = 'Usage of EmptyDir volume "tmp" exceeds the limit "1Ki". ';
  const cases: [string, Pod, number | undefined, string | undefined][] = [
    ['may be filled', pod('1Ki'), 1024, undefined],
    ['may not hold more', pod('1Ki'), 1025, message],
    ['may hold anything when it is not measured', pod('1Ki'), undefined, undefined],
    ['may hold anything without a limit', pod(undefined), 1e12, undefined],
    ['may hold anything with a limit of nothing', pod('0'), 1e12, undefined],
    ['may hold anything in a critical pod', pod('1Ki', 2_000_000_000), 1025, undefined],
  ];
  for (const [what, object, used, expected] of cases)
    it(what, () =>
      assert.equal(why(object, { volumes: used === undefined ? {} : { tmp: { used } } }), expected),
    );
});

describe('containers with a limit of ephemeral storage', () => {
  const limited = (name: string, storage?: string) => ({
    name,
    resources: storage === undefined ? {} : { limits: { 'ephemeral-storage': storage } },
  });
  const pod = (spec: Partial<Pod['spec']>): Pod => ({ spec: { containers: [], ...spec } as Pod['spec'] });
  const one = pod({ containers: [limited('main', '1Ki')] });
  const two = pod({ containers: [limited('main', '1Ki'), limited('other', '9Ki')] });
  const total = (limit: string) =>
    `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. `;
  const of = (rootfs: number, logs = 0) => ({ rootfs: { used: rootfs }, logs: { used: logs } });
  const volumes = [
    { name: 'disk', emptyDir: {} },
    { name: 'memory', emptyDir: { medium: 'Memory' } },
    { name: 'config', configMap: { name: 'c' } },
    { name: 'claim', persistentVolumeClaim: { claimName: 'c' } },
  ];
  const volumeUse = {
    disk: { used: 400 },
    memory: { used: 9e9 },
    config: { used: 24 },
    claim: { used: 9e9 },
  };
  const cases: [string, Pod, Use, string | undefined][] = [
    ['may write that much', one, { containers: { main: of(1000, 24) } }, undefined],
    ['may not write more, logs among it', one, { containers: { main: of(1000, 25) } }, total('1Ki')],
    ['are not judged unmeasured', one, {}, undefined],
    [
      'may each write only its own part',
      two,
      { containers: { main: of(2000) } },
      'Container main exceeded its local ephemeral storage limit "1Ki". ',
    ],
    ['are judged together first', two, { containers: { main: of(2000), other: of(9000) } }, total('10Ki')],
    [
      'count with the volumes on the disk, and no others',
      pod({ ...one.spec, volumes }),
      { containers: { main: of(600) }, volumes: volumeUse },
      undefined,
    ],
    [
      'which count whole',
      pod({ ...one.spec, volumes }),
      { containers: { main: of(601) }, volumes: volumeUse },
      total('1Ki'),
    ],
    [
      'count beside others that have none',
      pod({ containers: [limited('main', '1Ki'), limited('free')] }),
      { containers: { free: of(1025) } },
      total('1Ki'),
    ],
    [
      'may begin with more',
      pod({ ...one.spec, initContainers: [limited('init', '4Ki')] }),
      { containers: { init: of(4096) } },
      undefined,
    ],
    [
      'may have some for their sandbox',
      pod({ ...one.spec, overhead: { 'ephemeral-storage': '1Ki' } }),
      { containers: { main: of(1024), x: of(1025) } },
      total('2Ki'),
    ],
  ];
  for (const [what, object, use, expected] of cases) it(what, () => assert.equal(why(object, use), expected));

  it('are measured only where there is something to compare', () => {
    const scratch = pod({ volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '1Ki' } }] });
    assert.deepEqual([one, scratch, pod({ volumes })].map(limitsContainers), [true, false, false]);
    assert.deepEqual([one, scratch, pod({ volumes })].map(limitsLocalStorage), [true, true, false]);
  });
});
