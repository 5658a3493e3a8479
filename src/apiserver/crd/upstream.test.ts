import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { customResourceDefinitions, type KubeObject, type Resource, StatusError } from '../../kube/index.ts';
import type { RequestContext } from '../registry/contract.ts';
import { startRegistry } from '../registry/testing.ts';
import type { Crd } from './types.ts';

// One definition a line with what Kubernetes 1.36 answers to its creation, to the letter and in its order.

interface Case {
  readonly object: Crd;
  /** `field reason | message`; absent when it is accepted. */
  readonly causes?: readonly string[];
  readonly warnings?: readonly string[];
}

const cases = readFileSync(new URL('./testdata/definitions.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

describe('what upstream says to a definition', async () => {
  const { registry } = await startRegistry();
  for (const [index, { object, causes, warnings = [] }] of cases.entries()) {
    it(`${index}: ${causes?.[0]?.slice(0, 120) ?? 'accepted'}`, async () => {
      const said: string[] = [];
      const user = { name: 'test', groups: ['system:masters'] };
      const context: RequestContext = { user, dryRun: true, warn: (message) => said.push(message) };
      const found = await registry
        .create(customResourceDefinitions as Resource<KubeObject>, object, context)
        .then(
          () => undefined,
          (error: unknown) => {
            assert.ok(error instanceof StatusError, String(error));
            return error.status.details?.causes?.map((one) => `${one.field} ${one.reason} | ${one.message}`);
          },
        );
      assert.deepEqual(found, causes);
      assert.deepEqual(said, warnings);
    });
  }
});
