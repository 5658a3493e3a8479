import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../kube/index.ts';
import { labelOf, labelsByMount, labelsConflict } from './label.ts';

describe('SELinux labels', () => {
  it('have four parts; none when nothing is set', () => {
    assert.equal(labelOf(undefined), '');
    assert.equal(labelOf({}), '');
    assert.equal(labelOf({ level: 's0:c1,c2' }), ':::s0:c1,c2');
    assert.equal(labelOf({ user: 'u', role: 'r', type: 't', level: 's0' }), 'u:r:t:s0');
  });

  // The cases of upstream's TestSELinuxControllerTranslator.
  const table: [string, string, boolean][] = [
    ['system_u:system_r:container_t:s0:c1,c2', 'system_u:system_r:container_t:s0:c1,c2', false],
    ['system_u:system_r:container_t:s0:c1,c2', 'system_u:system_r:container_t:s0:c98,c99', true],
    ['system_u:system_r:container_t:s0', 'foo:system_r:container_t:s0', true],
    ['system_u:system_r:container_t:s0', ':system_r:container_t:s0', false],
    [':system_r:container_t:s0', 'system_u::container_t:s0', false],
    ['system_u:system_r:container_t:', 'system_u:system_r:container_t:s0', true],
    ['', '', false],
    ['', ':::s0:c1,c2', true],
    ['', 'system_u:system_r:container_t:', false],
  ];
  for (const [a, b, conflict] of table) {
    it(`"${a}" and "${b}" ${conflict ? 'conflict' : 'go together'}`, () => {
      assert.equal(labelsConflict(a, b), conflict);
      assert.equal(labelsConflict(b, a), conflict);
    });
  }

  it('of mounts are those of their containers, and of the pod where a container says nothing', () => {
    const mounts = (...names: string[]) => names.map((name) => ({ name, mountPath: `/${name}` }));
    const pod: Pod = {
      spec: {
        securityContext: { seLinuxOptions: { level: 's0:c1' } },
        initContainers: [{ name: 'i', image: 'i', volumeMounts: mounts('data') }],
        containers: [
          {
            name: 'c',
            image: 'i',
            volumeMounts: mounts('data', 'own'),
            securityContext: { seLinuxOptions: { level: 's0:c2' } },
          },
        ],
      },
    };
    const labels = [...labelsByMount(pod)].map(([name, set]) => [name, [...set].sort()]);
    assert.deepEqual(labels, [
      ['data', [':::s0:c1', ':::s0:c2']],
      ['own', [':::s0:c2']],
    ]);
    assert.equal(
      labelsByMount({ spec: { containers: [{ name: 'c', volumeMounts: mounts('v') }] } }).get('v')?.size,
      0,
    );
  });
});
