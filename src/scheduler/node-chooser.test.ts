import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../base/index.ts';
import { Cache } from './cache.ts';
import { CycleState } from './cycle-state.ts';
import { FitError } from './fit-error.ts';
import { newNode, newPodInfo } from './fixtures.ts';
import { Framework } from './framework.ts';
import { indexOfBest, NodeChooser, NoNodesError } from './node-chooser.ts';
import { Nominator } from './nominator.ts';
import type { Plugin } from './plugin.ts';
import { SKIP, unresolvable, unschedulable } from './status.ts';

function chooser(nodeCount: number, ...plugins: Plugin[]) {
  const cluster = new Cache();
  for (let i = 0; i < nodeCount; i++) cluster.setNode(newNode(`n${i}`));
  const framework = new Framework(
    plugins.map((plugin) => ({ plugin })),
    new Nominator(),
  );
  const nodes = new NodeChooser({ framework, cluster, random: seededRandom(1) });
  return () => nodes.choose(new CycleState(), newPodInfo('p'));
}

const failure = (choose: () => string): FitError => {
  try {
    choose();
  } catch (error) {
    if (error instanceof FitError) return error;
    throw error;
  }
  throw new Error('a node was chosen');
};

describe('NodeChooser', () => {
  it('says so when there is no node at all', () => {
    assert.throws(chooser(0), NoNodesError);
  });

  it('takes the node with the best weighted sum of scores', () => {
    const a: Plugin = { name: 'A', score: (_s, _p, { name }) => (name === 'n1' ? 60 : 50) };
    const b: Plugin = { name: 'B', score: (_s, _p, { name }) => (name === 'n2' ? 20 : 0) };
    assert.equal(chooser(3, a, b)(), 'n2');
  });

  it('leaves out the filter of a plugin that skips in PreFilter, and the score of one that skips in PreScore', () => {
    const never: Plugin = { name: 'A', preFilter: () => SKIP, filter: () => unschedulable('never') };
    const unscored: Plugin = {
      name: 'B',
      preScore: () => SKIP,
      score: () => {
        throw new Error('asked for a score');
      },
    };
    chooser(2, never, unscored)();
  });

  it('stops at enough fitting nodes and goes on from there the next time', () => {
    const seen: string[] = [];
    const watch: Plugin = {
      name: 'A',
      filter: (_s, _p, { name }) => {
        seen.push(name);
        return undefined;
      },
    };
    const choose = chooser(150, watch);
    choose();
    assert.equal(seen.length, 100);
    choose();
    assert.equal(seen[100], 'n100');
    assert.equal(new Set(seen).size, 150, 'every node has had its turn');
  });

  it('looks only at the nodes that PreFilter names', () => {
    const narrow = (name: string, ...names: string[]): Plugin => ({
      name,
      preFilter: () => ({ nodeNames: new Set(names) }),
    });
    assert.equal(chooser(5, narrow('A', 'n1', 'n3', 'gone'), narrow('B', 'n3', 'n4'))(), 'n3');
    assert.equal(
      failure(chooser(5, narrow('A', 'n1'), narrow('B', 'n2'))).message,
      "0/5 nodes are available: node(s) didn't satisfy plugin(s) [A B] simultaneously.",
    );
    const refuse: Plugin = { name: 'C', filter: () => unschedulable('no') };
    const error = failure(chooser(5, narrow('A', 'n1'), refuse));
    assert.equal(error.message, "0/5 nodes are available: 1 no, 4 node(s) didn't satisfy plugin(s) [A].");
    assert.deepEqual([...error.diagnosis.rejectors].sort(), ['A', 'C']);
  });

  it('names the first plugin that refuses each node, and stops asking for that node', () => {
    const first: Plugin = {
      name: 'A',
      filter: (_s, _p, { name }) => (name === 'n0' ? unresolvable('a') : undefined),
    };
    const second: Plugin = { name: 'B', filter: () => unschedulable('b') };
    const error = failure(chooser(2, first, second));
    assert.equal(error.message, '0/2 nodes are available: 1 a, 1 b.');
    assert.equal(error.diagnosis.statuses.get('n1').code, 'Unschedulable');
  });

  it('lets the others prepare when one refuses the pod in a way that could be helped', () => {
    let asked = false;
    const helped: Plugin = { name: 'A', preFilter: () => unschedulable('for now') };
    const other: Plugin = {
      name: 'B',
      preFilter: () => {
        asked = true;
        return undefined;
      },
    };
    assert.equal(failure(chooser(1, helped, other)).message, '0/1 nodes are available: for now.');
    assert.equal(asked, true);
  });

  it('passes on an error with the place where it happened', () => {
    const broken: Plugin = {
      name: 'A',
      filter: () => {
        throw new Error('broken');
      },
    };
    assert.throws(chooser(1, broken), { message: 'running "A" filter plugin: broken' });
    const wild: Plugin = { name: 'A', score: () => 101 };
    assert.throws(chooser(2, wild), /plugin "A" failed with: an invalid score 101/);
  });
});

describe('indexOfBest', () => {
  it('takes each of several best with the same chance', () => {
    const random = seededRandom(7);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 3000; i++) counts[indexOfBest([5, 9, 9, 9], random)]!++;
    assert.equal(counts[0], 0);
    for (const count of counts.slice(1)) assert.ok(Math.abs(count - 1000) < 150, String(count));
  });
});
