import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from '../../client/index.ts';
import { conflict, notFound, type Pod, pods, type Stored } from '../../kube/index.ts';
import { StatusWriter } from './status-writer.ts';

const pod = { metadata: { name: 'web', namespace: 'default', uid: 'a' } } as Stored<Pod>;
const status = { phase: 'Running' };

/** A client whose first patch meets a conflict, with what `get` then finds. */
function conflicted(found: Stored<Pod> | undefined) {
  let patches = 0;
  const client = {
    patch: async () => {
      if (++patches === 1) throw conflict(pods, 'web', 'the object has been modified');
      return pod;
    },
    get: async () => {
      if (!found) throw notFound(pods, 'web');
      return found;
    },
  } as unknown as Client;
  return { writer: new StatusWriter(client), patches: () => patches };
}

describe('a status that meets a conflict', () => {
  it('is still to be written while the pod is there', async () => {
    const { writer, patches } = conflicted(pod);
    await assert.rejects(writer.write(pod, status), /has been modified/);
    await writer.write(pod, status);
    assert.equal(patches(), 2);
  });

  const gone: [what: string, found: Stored<Pod> | undefined][] = [
    ['gone', undefined],
    ['another by its name', { ...pod, metadata: { ...pod.metadata, uid: 'b' } }],
  ];
  for (const [what, found] of gone) {
    it(`is nobody's any more when the pod is ${what}`, async () => {
      const { writer, patches } = conflicted(found);
      await writer.write(pod, status);
      await writer.write(pod, status);
      assert.equal(patches(), 1);
    });
  }
});
