import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cannotMount } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { scriptPod } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const configMap = (name: string, word: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { word },
  ...more,
});
const secret = (word: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'changing' },
  stringData: { word },
});
/** Tells each word that a file comes to hold, from the first. */
const teller = (...volumes: string[]) =>
  `${volumes.map((name) => `(last=; while :; do now=$(cat /${name}/word 2>/dev/null); [ "$now" = "$last" ] || echo ${name} $now; last=$now; sleep 0.1; done) &`).join(' ')} wait`;

describe('volumes whose content comes from the API', { skip: cannotMount }, () => {
  const cluster = suiteCluster();
  const says = async (pod: string, line: string) => {
    await cluster.k('wait', '--for=jsonpath={.status.phase}=Running', `pod/${pod}`, '--timeout=60s');
    await cluster.says(pod, new RegExp(`^${line}$`));
  };
  /** The node looks at them each minute, and when their pod is edited. */
  let edits = 0;
  const edit = (pod: string) => cluster.k('annotate', '--overwrite', 'pod', pod, `edit=${++edits}`);

  it('follow it in a pod that runs, but for a part that is mounted by itself, until its container starts anew', async () => {
    const { k, apply } = cluster;
    await apply(configMap('changing', 'one'), secret('one'));
    const projected = {
      projected: {
        sources: [
          { secret: { name: 'changing', items: [{ key: 'word', path: 'word' }] } },
          { configMap: { name: 'changing', items: [{ key: 'word', path: 'map' }] } },
          { serviceAccountToken: { path: 'token' } },
          {
            downwardAPI: {
              items: [{ path: 'edit', fieldRef: { fieldPath: "metadata.annotations['edit']" } }],
            },
          },
        ],
      },
    };
    const mounts = [
      ...['map', 'key', 'all'].map((name) => ({ name, mountPath: `/${name}` })),
      { name: 'map', mountPath: '/part/word', subPath: 'word' },
    ];
    const script = `trap 'exit 0' TERM; echo part $(cat /part/word); ${teller('map', 'key', 'all')}`;
    await apply(
      scriptPod(
        'web',
        script,
        {
          map: { configMap: { name: 'changing' } },
          key: { secret: { secretName: 'changing' } },
          all: projected,
        },
        { container: { volumeMounts: mounts } },
      ),
    );
    for (const line of ['part one', 'map one', 'key one', 'all one']) await says('web', line);
    const ofPod = (...command: string[]) => k('exec', 'web', '--', ...command);
    const directory = await ofPod('readlink', '/all/..data');
    await apply(configMap('changing', 'two'), secret('two'));
    await edit('web');
    for (const line of ['map two', 'key two', 'all two']) await says('web', line);
    // The node may have looked between the two.
    await ofPod('sh', '-c', `until [ "$(cat /all/edit)" = ${edits} ]; do sleep 0.1; done`);
    assert.equal(await ofPod('cat', '/all/map', '/all/edit', '/part/word'), `two${edits}one`);
    assert.match(await ofPod('cat', '/all/token'), /^[\w-]+\.[\w-]+\.[\w-]+$/);
    assert.notEqual(await ofPod('readlink', '/all/..data'), directory, 'swapped as a whole');

    // What is run beside it may be killed with it before it has ended by itself.
    await ofPod('kill', '1').catch((error: Error) => assert.match(error.message, /exit 137/));
    await k(
      'wait',
      '--for=jsonpath={.status.containerStatuses[0].restartCount}=1',
      'pod/web',
      '--timeout=60s',
    );
    await says('web', 'part two');
    await k('delete', 'pod', 'web');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });

  it('have other volumes mounted within them, and follow it all the same', async () => {
    const { k, apply } = cluster;
    await apply(configMap('changing', 'one'), secret('one'));
    const volumes = {
      map: { configMap: { name: 'changing' } },
      all: { projected: { sources: [{ secret: { name: 'changing' } }] } },
      own: { emptyDir: {} },
    };
    const volumeMounts = [
      { name: 'map', mountPath: '/map' },
      { name: 'own', mountPath: '/map/sub/own' },
      { name: 'all', mountPath: '/all' },
      { name: 'map', mountPath: '/all/map' },
    ];
    const script = `echo written > /map/sub/own/file; cat /map/sub/own/file; ${teller('map', 'all', 'all/map')}`;
    await apply(scriptPod('nested', script, volumes, { container: { volumeMounts } }));
    for (const line of ['written', 'map one', 'all one', 'all/map one']) await says('nested', line);
    await apply(configMap('changing', 'two'), secret('two'));
    await edit('nested');
    for (const line of ['map two', 'all two', 'all/map two']) await says('nested', line);
    assert.equal(await k('exec', 'nested', '--', 'cat', '/map/sub/own/file'), 'written\n');
    await k('delete', 'pod', 'nested');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });

  it('keep it when it is immutable: who replaces it makes its pods anew', async () => {
    const { k, apply } = cluster;
    const fixed = (word: string) => configMap('fixed', word, { immutable: true });
    await apply(configMap('changing', 'one'), fixed('one'));
    const pod = scriptPod('steady', teller('map', 'fixed'), {
      map: { configMap: { name: 'changing' } },
      fixed: { configMap: { name: 'fixed' } },
    });
    await apply(pod);
    for (const line of ['map one', 'fixed one']) await says('steady', line);
    await k('delete', 'configmap', 'fixed');
    await apply(configMap('changing', 'two'));
    await edit('steady');
    await says('steady', 'map two');
    await apply(fixed('three'), configMap('changing', 'three'));
    await edit('steady');
    await says('steady', 'map three');
    assert.equal(await k('exec', 'steady', '--', 'cat', '/fixed/word'), 'one');
    const failed = [
      'get',
      'events',
      '--field-selector',
      'involvedObject.name=steady,reason=FailedMount',
      '-o',
      'name',
    ];
    assert.equal(await k(...failed), '', 'that it was gone for a while is nobody’s trouble');
    await k('delete', 'pod', 'steady');
    await apply(pod);
    await says('steady', 'fixed three');
    await k('delete', 'pod', 'steady');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });
});
