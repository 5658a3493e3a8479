import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, seededRandom, turn } from '../../../base/index.ts';
import {
  type Pod,
  pods,
  type ServiceAccount,
  type StatusError,
  serviceAccounts,
} from '../../../kube/index.ts';
import { createLocalClient } from '../../local-client.ts';
import { createRegistry } from '../../registry/index.ts';
import { openStore } from '../../store/index.ts';

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

async function start(...accounts: ServiceAccount[]) {
  const clock = new FakeClock();
  const store = await openStore({ memory: true, clock });
  const enableAdmission = ['ServiceAccount'];
  const registry = await createRegistry({ store, clock, random: seededRandom(1), enableAdmission });
  const client = createLocalClient(registry);
  for (const { metadata, ...account } of accounts)
    await client.create(serviceAccounts, { ...account, metadata: { namespace: 'default', ...metadata } });
  const create = (spec: Partial<Pod['spec']> = {}, annotations?: Record<string, string>) =>
    client.create(pods, {
      metadata: { namespace: 'default', name: 'p', annotations },
      spec: { containers: [{ name: 'c', image: 'i' }], ...spec } as Pod['spec'],
    });
  return { clock, client, create };
}

const refused = (message: RegExp | string) => (error: StatusError) => {
  if (typeof message === 'string') assert.equal(error.message, message);
  else assert.match(error.message, message);
  return error.code === 403;
};
const account = (name: string, more: ServiceAccount = {}): ServiceAccount => ({
  ...more,
  metadata: { name, ...more.metadata },
});
const tokenVolumes = ({ spec }: Pod) => (spec?.volumes ?? []).filter(({ projected }) => projected);

describe('ServiceAccount admission', () => {
  it('gives a pod the default account and its token, in every container', async () => {
    const { create } = await start(account('default'));
    const { spec } = await create({ initContainers: [{ name: 'i', image: 'i' }] });
    assert.equal(spec?.serviceAccountName, 'default');
    assert.equal(spec?.serviceAccount, 'default');
    const name = spec?.volumes?.[0]?.name ?? '';
    assert.match(name, /^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    assert.deepEqual(spec?.volumes, [
      {
        name,
        projected: {
          defaultMode: 0o644,
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            {
              downwardAPI: {
                items: [
                  { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } },
                ],
              },
            },
          ],
        },
      },
    ]);
    for (const container of [...spec!.initContainers!, ...spec!.containers])
      assert.deepEqual(container.volumeMounts, [{ name, readOnly: true, mountPath: MOUNT_PATH }]);
  });

  const automount: [string, boolean | undefined, boolean | undefined, boolean][] = [
    ['neither says', undefined, undefined, true],
    ['the account does not want it', false, undefined, false],
    ['the pod wants it all the same', false, true, true],
    ['the pod does not want it', true, false, false],
  ];
  for (const [what, ofAccount, ofPod, mounted] of automount)
    it(`${mounted ? 'mounts' : 'does not mount'} the token when ${what}`, async () => {
      const { create } = await start(account('default', { automountServiceAccountToken: ofAccount }));
      const pod = await create({ automountServiceAccountToken: ofPod });
      assert.equal(tokenVolumes(pod).length, mounted ? 1 : 0);
    });

  it('leaves a container alone that has something there', async () => {
    const { create } = await start(account('default'));
    const own = { name: 'own', mountPath: MOUNT_PATH };
    const pod = await create({
      volumes: [{ name: 'own', emptyDir: {} }],
      containers: [{ name: 'c', image: 'i', volumeMounts: [own] }],
    });
    assert.deepEqual(pod.spec?.containers[0]?.volumeMounts, [own]);
    assert.equal(tokenVolumes(pod).length, 0);
  });

  it('takes a volume of that name that is there already', async () => {
    const { create } = await start(account('default'));
    const pod = await create({ volumes: [{ name: 'kube-api-access-mine', projected: { sources: [] } }] });
    assert.equal(pod.spec?.volumes?.length, 1);
    assert.equal(pod.spec?.containers[0]?.volumeMounts?.[0]?.name, 'kube-api-access-mine');
  });

  it('gives the pull secrets of the account to a pod that has none', async () => {
    const { create, client } = await start(account('default', { imagePullSecrets: [{ name: 'a' }] }));
    assert.deepEqual((await create()).spec?.imagePullSecrets, [{ name: 'a' }]);
    await client.delete(pods, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 });
    const own = await create({ imagePullSecrets: [{ name: 'b' }] });
    assert.deepEqual(own.spec?.imagePullSecrets, [{ name: 'b' }]);
  });

  it('refuses an account that is not there, at once', async () => {
    const { create } = await start(account('default'));
    await assert.rejects(
      create({ serviceAccountName: 'nope' }),
      refused(
        'pods "p" is forbidden: error looking up service account default/nope: serviceaccount "nope" not found',
      ),
    );
  });

  it('waits for the default account, which comes soon after its namespace', async () => {
    const { create, client } = await start();
    const creating = create();
    await turn();
    await client.create(serviceAccounts, { metadata: { namespace: 'default', name: 'default' } });
    assert.equal((await creating).spec?.serviceAccountName, 'default');
  });

  it('waits for it no longer than upstream', async () => {
    const { create, clock } = await start();
    const creating = assert.rejects(
      create(),
      refused(/error looking up service account default\/default: serviceaccount "default" not found$/),
    );
    await turn();
    await clock.advance(1_500);
    await creating;
  });

  describe('lets pods use only the secrets that an account names, if it says so', () => {
    const annotations = { 'kubernetes.io/enforce-mountable-secrets': 'true' };
    const because = 'is not allowed because service account default does not reference that';
    const from = { secretKeyRef: { name: 's', key: 'k' } };
    const cases: [string, Partial<Pod['spec']>, string][] = [
      [
        'a volume',
        { volumes: [{ name: 'v', secret: { secretName: 's' } }] },
        `volume with secret.secretName="s" ${because} secret`,
      ],
      [
        'a variable',
        { containers: [{ name: 'c', image: 'i', env: [{ name: 'A', valueFrom: from }] }] },
        `container c with envVar A referencing secret.secretName="s" ${because} secret`,
      ],
      [
        'all variables of an init container',
        { initContainers: [{ name: 'i', image: 'i', envFrom: [{ secretRef: { name: 's' } }] }] },
        `init container i with envFrom referencing secret.secretName="s" ${because} secret`,
      ],
      [
        'a pull secret',
        { imagePullSecrets: [{ name: 's' }] },
        `imagePullSecrets[0].name="s" ${because} imagePullSecret`,
      ],
    ];
    for (const [what, spec, message] of cases)
      it(what, async () => {
        const limited = await start(account('default', { metadata: { annotations } }));
        await assert.rejects(limited.create(spec), refused(`pods "p" is forbidden: ${message}`));
        const named = await start(
          account('default', {
            metadata: { annotations },
            secrets: [{ name: 's' }],
            imagePullSecrets: [{ name: 's' }],
          }),
        );
        assert.ok(await named.create(spec));
      });
  });

  it('leaves it to validation to refuse a pod without containers, and volumes without names', async () => {
    const { create } = await start(account('default'));
    const invalid = (message: string) => (error: StatusError) =>
      error.code === 422 && error.message === `Pod "p" is invalid: ${message}: Required value`;
    await assert.rejects(create({ containers: undefined }), invalid('spec.containers'));
    const volumes = [{ emptyDir: {} }] as unknown as NonNullable<Pod['spec']>['volumes'];
    await assert.rejects(create({ volumes }), invalid('spec.volumes[0].name'));
  });

  describe('gives mirror pods nothing, and lets them ask for nothing', () => {
    const mirror = { 'kubernetes.io/config.mirror': 'hash' };
    const sources = [{ serviceAccountToken: { path: 'token' } }];
    const cases: [Partial<Pod['spec']>, string][] = [
      [{ serviceAccountName: 'default' }, 'a mirror pod may not reference service accounts'],
      [{ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, 'a mirror pod may not reference secrets'],
      [
        { volumes: [{ name: 'v', projected: { sources } }] },
        'a mirror pod may not use ServiceAccountToken volume projections',
      ],
    ];
    for (const [spec, message] of cases)
      it(message, async () => {
        const { create } = await start();
        await assert.rejects(create(spec, mirror), refused(`pods "p" is forbidden: ${message}`));
      });
    it('as they are', async () => {
      const { create } = await start();
      const { spec } = await create({}, mirror);
      assert.equal(spec?.serviceAccountName, undefined);
      assert.equal(spec?.volumes, undefined);
    });
  });
});
