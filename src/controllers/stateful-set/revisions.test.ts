import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ControllerRevision, Stored } from '../../kube/index.ts';
import { makeSet } from './fixtures.ts';
import { newRevision, planRevision, revisionsToDelete, sortRevisions, templateOf } from './revisions.ts';

const image = (name: string) => ({
  template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: name }] } },
});
const stored = (image_: string, revision: number): Stored<ControllerRevision> => {
  const made = newRevision(makeSet(image(image_)), revision, 0);
  const metadata = {
    ...made.metadata,
    uid: image_,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  return { ...made, metadata } as Stored<ControllerRevision>;
};

describe('revisions', () => {
  it('are named by their content', () => {
    const name = (image_: string, collisions = 0) =>
      newRevision(makeSet(image(image_)), 1, collisions).metadata.name;
    assert.equal(name('a'), name('a'));
    assert.notEqual(name('a'), name('b'));
    assert.notEqual(name('a'), name('a', 1));
    assert.match(name('a'), /^web-[bcdfghjklmnpqrstvwxz2456789]+$/);
  });

  it('do not depend on the order of keys', () => {
    const set = makeSet();
    const { metadata, spec } = set.spec!.template;
    const turned = makeSet({ template: { spec, metadata } });
    assert.equal(newRevision(set, 1, 0).metadata.name, newRevision(turned, 1, 0).metadata.name);
  });

  it('have the names and the text that kube-controller-manager gives them', () => {
    const template = {
      spec: {
        containers: [
          {
            name: 'c',
            image: 'x',
            volumeMounts: [{ name: 'd', mountPath: '/d' }],
            resources: {},
            imagePullPolicy: 'Always',
            terminationMessagePolicy: 'File',
            terminationMessagePath: '/dev/termination-log',
          },
        ],
        terminationGracePeriodSeconds: 0,
        securityContext: {},
        schedulerName: 'default-scheduler',
        restartPolicy: 'Always',
        dnsPolicy: 'ClusterFirst',
      },
      metadata: { labels: { a: 'w' } },
    };
    const made = newRevision(makeSet({ template }), 1, 0);
    assert.equal(made.metadata.name, 'web-84dbd74854');
    assert.match(JSON.stringify(made.data), /^{"spec":{"template":{"\$patch":"replace","metadata":{"labels"/);
  });

  it('give back the template that they keep', () => {
    assert.deepEqual(templateOf(stored('a', 1)), image('a').template);
  });

  const cases: [string, Stored<ControllerRevision>[], object][] = [
    ['none yet', [], { action: 'create', revision: 1 }],
    ['the newest is it', [stored('b', 1), stored('a', 2)], { action: 'keep', update: stored('a', 2) }],
    ['another is newest', [stored('b', 4)], { action: 'create', revision: 5 }],
    [
      'an earlier one is it: a rollback',
      [stored('a', 1), stored('b', 2)],
      { action: 'renumber', update: stored('a', 1), revision: 3 },
    ],
  ];
  for (const [why, present, expected] of cases) {
    it(`are planned: ${why}`, () => assert.deepEqual(planRevision(makeSet(image('a')), present), expected));
  }

  it('are forgotten beyond the limit, oldest first, unless in use', () => {
    const present = [stored('d', 4), stored('a', 1), stored('b', 2), stored('c', 3)];
    const inUse = new Set([stored('a', 1).metadata.name, stored('d', 4).metadata.name]);
    const old = revisionsToDelete(makeSet({ revisionHistoryLimit: 1 }), present, inUse);
    assert.deepEqual(
      old.map(({ revision }) => revision),
      [2],
    );
    assert.deepEqual(
      sortRevisions(present).map(({ revision }) => revision),
      [1, 2, 3, 4],
    );
  });
});
