import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { snapshotCrds } from '../../../src/apiserver/crd/snapshots/index.ts';
import type { Crd } from '../../../src/apiserver/crd/types.ts';
import { kubectlTooOld } from '../../support/kubectl.ts';
import { type KubectlSession, kubectlSession, listOf } from '../../support/kubectl-session.ts';

/** Where the manifests are that the external-snapshotter publishes; they are not part of this repository. */
const PUBLISHED = process.env.STOWAGE_SNAPSHOT_CRDS;

const manifestOf = (crd: Crd) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  ...crd,
});

/** The definitions as a later release may have them: with one more column and one more annotation. */
const later = snapshotCrds.map(({ metadata, spec }) =>
  manifestOf({
    metadata: { ...metadata, annotations: { ...metadata?.annotations, release: 'later' } },
    spec: {
      ...spec,
      versions: spec.versions.map((version) => ({
        ...version,
        additionalPrinterColumns: [
          ...(version.additionalPrinterColumns ?? []),
          { name: 'Uid', type: 'string', jsonPath: '.metadata.uid' },
        ],
      })),
    },
  }),
);
const original = snapshotCrds.map(manifestOf);

const SNAPSHOT = {
  apiVersion: 'snapshot.storage.k8s.io/v1',
  kind: 'VolumeSnapshot',
  metadata: { name: 'kept' },
  spec: { source: { persistentVolumeClaimName: 'data' } },
};

describe('the snapshot definitions', { skip: await kubectlTooOld(), timeout: 600_000 }, () => {
  let session: KubectlSession;
  const shown = () => session.k('get', 'volumesnapshots', 'kept');
  before(async () => {
    session = await kubectlSession();
    await session.given(SNAPSHOT, 'create', '-f', '-');
  });
  after(() => session?.end());

  it('are replaced by others with kubectl apply, and objects stay', async () => {
    const applied = await session.given(listOf(...later), 'apply', '-f', '-');
    assert.equal(applied.match(/ configured$/gm)?.length, snapshotCrds.length);
    assert.match(await shown(), /AGE +UID\nkept +/);
    const again = await session.given(listOf(...later), 'apply', '-f', '-');
    assert.equal(again.match(/ unchanged$/gm)?.length, snapshotCrds.length);
  });

  it('come back with kubectl replace', async () => {
    const replaced = await session.given(listOf(...original), 'replace', '-f', '-');
    assert.equal(replaced.match(/ replaced$/gm)?.length, snapshotCrds.length);
    assert.match(await shown(), /AGE\nkept +/);
  });

  it('are taken over by server-side apply', async () => {
    const args = ['apply', '--server-side', '--force-conflicts', '-f', '-'];
    const applied = await session.given(listOf(...later), ...args);
    assert.equal(applied.match(/ serverside-applied$/gm)?.length, snapshotCrds.length);
    assert.match(await shown(), /AGE +UID\nkept +/);
  });

  it('are replaced by the published manifests, and back', {
    skip: PUBLISHED ? false : 'STOWAGE_SNAPSHOT_CRDS does not name the directory of the published manifests',
  }, async () => {
    const applied = await session.k('apply', '-f', PUBLISHED!);
    assert.equal(applied.match(/ configured$/gm)?.length, snapshotCrds.length);
    assert.match(await shown(), /^NAME +READYTOUSE .* AGE\nkept +/);
    const back = await session.given(listOf(...original), 'replace', '-f', '-');
    assert.equal(back.match(/ replaced$/gm)?.length, snapshotCrds.length);
    assert.match(await shown(), /AGE\nkept +/);
  });
});
