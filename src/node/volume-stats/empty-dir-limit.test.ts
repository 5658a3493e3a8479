import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../kube/index.ts';
import { exceededEmptyDir } from './empty-dir-limit.ts';

const pod = (sizeLimit: string | undefined, priority?: number): Pod => ({
  spec: { containers: [], priority, volumes: [{ name: 'tmp', emptyDir: { sizeLimit } }] },
});
const MESSAGE = 'Usage of EmptyDir volume "tmp" exceeds the limit "1Ki". ';

describe('an emptyDir with a limit', () => {
  const cases: [string, Pod, number | undefined, string | undefined][] = [
    ['may be filled', pod('1Ki'), 1024, undefined],
    ['may not hold more', pod('1Ki'), 1025, MESSAGE],
    ['may hold anything when it is not measured', pod('1Ki'), undefined, undefined],
    ['may hold anything without a limit', pod(undefined), 1e12, undefined],
    ['may hold anything with a limit of nothing', pod('0'), 1e12, undefined],
    ['may hold anything in a critical pod', pod('1Ki', 2_000_001_000), 1025, undefined],
  ];
  for (const [what, object, used, expected] of cases)
    it(what, () => {
      const stats = new Map(used === undefined ? [] : [['tmp', { used }]]);
      assert.equal(exceededEmptyDir(object, stats), expected);
    });
});
