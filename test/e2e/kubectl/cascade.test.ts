import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { kubectlUntil, waitGone, watchOf } from '../../support/command.ts';
import { kubectlTooOld } from '../../support/kubectl.ts';
import { type KubectlSession, kubectlSession } from '../../support/kubectl-session.ts';

const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    scope: 'Namespaced',
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};
const KINDS = {
  widget: { apiVersion: 'example.com/v1', kind: 'Widget' },
  configmap: { apiVersion: 'v1', kind: 'ConfigMap' },
};
const DELETION = 'jsonpath={.metadata.deletionTimestamp}{"\\n"}';
const HOLD = 'example.com/hold';
const WAIT = '--timeout=60s';

describe('kubectl deletes custom resources with what they own', {
  skip: await kubectlTooOld(),
  timeout: 240_000,
}, () => {
  let session: KubectlSession;
  const k = (...args: string[]) => session.k(...args);
  const field = (object: string, path: string) => k('get', object, '-o', `jsonpath={${path}}`);
  before(async () => {
    session = await kubectlSession();
    await session.given(CRD, 'create', '-f', '-');
    await k('wait', 'crd/widgets.example.com', '--for=condition=Established', WAIT);
  });
  after(() => session?.end());

  const create = (kind: keyof typeof KINDS, metadata: object) =>
    session.given({ ...KINDS[kind], metadata }, 'create', '-f', '-');
  /** A widget of that name, which owns a widget and a config map. */
  async function family(name: string, heldBy: readonly string[] = []): Promise<string[]> {
    await create('widget', { name });
    const owner = { ...KINDS.widget, name, uid: await field(`widget/${name}`, '.metadata.uid') };
    const ownerReferences = [{ ...owner, blockOwnerDeletion: true }];
    for (const kind of ['widget', 'configmap'] as const)
      await create(kind, { name: `${name}-child`, ownerReferences, finalizers: heldBy });
    return [`widget/${name}-child`, `configmap/${name}-child`];
  }
  /** Its deletion has begun. */
  const marked = (object: string) =>
    kubectlUntil(
      session.kubeconfig,
      [...watchOf(...(object.split('/') as [string, string])), '-o', DELETION],
      /^20\d\d-/,
    );
  const gone = (object: string) => waitGone(session.kubeconfig, object);
  const release = (object: string) =>
    k('patch', object, '--type=merge', '-p', '{"metadata":{"finalizers":null}}');

  it('in the background: the owner first', async () => {
    const children = await family('first', [HOLD]);
    await k('delete', 'widget', 'first', WAIT);
    for (const child of children) {
      await marked(child);
      await release(child);
      await gone(child);
    }
  });

  it('in the foreground: the owner last', async () => {
    const children = await family('last', [HOLD]);
    await k('delete', 'widget', 'last', '--cascade=foreground', '--wait=false');
    for (const child of children) {
      await marked(child);
      assert.equal(await field('widget/last', '.metadata.finalizers'), '["foregroundDeletion"]');
      await release(child);
    }
    await gone('widget/last');
    assert.equal(await k('get', ...children, '--ignore-not-found', '-o', 'name'), '');
  });

  it('not at all: what it owned stays, and is nobody’s', async () => {
    const children = await family('left');
    await k('delete', 'widget', 'left', '--cascade=orphan', WAIT);
    for (const child of children) assert.equal(await field(child, '.metadata.ownerReferences'), '');
  });

  it('unless another owner stays, whom alone it then has', async () => {
    const [child = ''] = await family('one');
    await create('widget', { name: 'other' });
    const uid = await field('widget/other', '.metadata.uid');
    const other = { ...KINDS.widget, name: 'other', uid };
    const patch = [{ op: 'add', path: '/metadata/ownerReferences/-', value: other }];
    await k('patch', child, '--type=json', '-p', JSON.stringify(patch));
    await k('delete', 'widget', 'one', '--cascade=foreground', WAIT);
    assert.equal(await field(child, '.metadata.ownerReferences[*].name'), 'other');
  });
});
