import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { type KubeObject, resources, StatusError } from '../../../kube/index.ts';
import type { RequestContext } from '../contract.ts';
import { type Fixture, startRegistry } from '../testing.ts';

// One case a line: what Kubernetes 1.36 answers to a create or an update, to the letter and in its order.

interface Create {
  readonly kind: string;
  readonly object: KubeObject;
  /** `field reason | message`. */
  readonly causes?: readonly string[];
  readonly warnings?: readonly string[];
}

interface Update {
  readonly kind: string;
  readonly what: string;
  readonly object: KubeObject;
  readonly status?: object;
  readonly change: object & { readonly sub?: string; readonly body?: object };
  readonly causes?: readonly string[];
}

function casesOf<T>(file: string): readonly T[] {
  const text = readFileSync(new URL(`./testdata/${file}`, import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

const resource = (plural: string) =>
  resources.find((one) => one.plural === plural && one.group !== 'events.k8s.io')!;
const user = { name: 'test', groups: ['system:masters'] };

/** `field reason | message` of every cause of a refusal; undefined when there was none. */
async function causesOf(write: Promise<unknown>): Promise<readonly string[] | undefined> {
  try {
    await write;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return error.status.details?.causes?.map(
      ({ field, reason, message }) => `${field} ${reason} | ${message}`,
    );
  }
}

let fixture: Fixture;
before(async () => {
  fixture = await startRegistry();
});

describe('what upstream says to a create', () => {
  for (const { kind, object, causes, warnings = [] } of casesOf<Create>('creates.jsonl')) {
    const { metadata: _, ...rest } = object;
    it(`${kind} ${JSON.stringify(rest).slice(0, 120)}`, async () => {
      const said: string[] = [];
      const context: RequestContext = { user, dryRun: true, warn: (message) => said.push(message) };
      const found = await causesOf(fixture.registry.create(resource(kind), object, context));
      assert.deepEqual(found, causes);
      assert.deepEqual(said, warnings);
    });
  }
});

describe('what upstream says to an update', () => {
  for (const [index, one] of casesOf<Update>('updates.jsonl').entries()) {
    it(`${one.kind}: ${one.what}`, async () => {
      const { client } = fixture;
      const of = resource(one.kind);
      const name = `u${index}`;
      const namespace = of.namespaced ? 'default' : undefined;
      await client.create(of, { ...one.object, metadata: { ...one.object.metadata, name, namespace } });
      const patch = (body: object, subresource?: string) =>
        client.patch(of, { namespace, name }, { type: 'merge', body }, { subresource });
      if (one.status) await patch({ status: one.status }, 'status');
      const { sub, body } = one.change;
      const found = await causesOf(patch(sub ? body! : one.change, sub));
      assert.deepEqual(
        found,
        one.causes?.map((text) => text.replaceAll('NAME', name)),
      );
    });
  }
});
