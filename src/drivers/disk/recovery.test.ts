import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planRecovery, type Recovery } from './recovery.ts';

const nothing: Recovery = {
  volumes: [],
  published: [],
  finishCreating: [],
  finishDeleting: [],
  sweep: [],
  strays: [],
};

describe('planRecovery', () => {
  const cases: [what: string, names: string[], plan: Partial<Recovery>][] = [
    ['an empty pool', [], {}],
    ['a volume', ['v.img', 'v.json'], { volumes: ['v'] }],
    ['a published volume', ['v.img', 'v.json', 'v.node'], { volumes: ['v'], published: ['v'] }],
    ['an image in the making', ['.v.img.new'], { sweep: ['.v.img.new'] }],
    [
      'a record in the making',
      ['.v.img.new', '.v.json.12.0.tmp'],
      { sweep: ['.v.img.new', '.v.json.12.0.tmp'] },
    ],
    ['all made, not yet named', ['.v.img.new', 'v.json'], { volumes: ['v'], finishCreating: ['v'] }],
    ['being deleted', ['.v.img.gone', 'v.json'], { finishDeleting: ['v'] }],
    ['deleted but for the image', ['.v.img.gone'], { sweep: ['.v.img.gone'] }],
    [
      'deleted, and being made again',
      ['.v.img.gone', '.v.img.new'],
      { sweep: ['.v.img.new', '.v.img.gone'] },
    ],
    [
      'deleted, and made again',
      ['.v.img.gone', 'v.img', 'v.json'],
      { volumes: ['v'], sweep: ['.v.img.gone'] },
    ],
    ['a publication of nothing', ['v.node'], { sweep: ['v.node'] }],
    ['an image of nothing', ['v.img'], { strays: ['v'] }],
    ['a record whose image is gone', ['v.json'], { volumes: ['v'] }],
    [
      'ids with endings of files',
      ['v.json.img', 'v.json.json', 'v.node.img', 'v.node.json'],
      { volumes: ['v.json', 'v.node'] },
    ],
    ['what is not ours', ['lost+found', 'README', '.hidden', '-x.img', '..img.new'], {}],
  ];
  for (const [what, names, plan] of cases) {
    it(what, () => assert.deepEqual(planRecovery(names), { ...nothing, ...plan }));
  }
});
