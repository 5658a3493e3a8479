import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compilePath } from './json-path.ts';

const object = {
  spec: {
    items: [
      { name: 'n1', size: 1 },
      { name: 'n2', size: 2 },
      { name: 'n3', size: 3, on: true },
    ],
    labels: { a: 'x', 'b.c/d': 'y' },
  },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Old', status: 'False' },
    ],
  },
};

describe('a JSON path', () => {
  for (const [path, wanted] of [
    ['.spec.items[0].name', 'n1'],
    ['.spec.items[-1].name', 'n3'],
    ['.spec.items[*].name', 'n1'],
    ['.spec.items[].name', 'n1'],
    ['.spec.items[1:3].name', 'n2'],
    ['.spec.items[-1:].name', 'n3'],
    ['.spec.items[1,2].name', 'n2'],
    ['.spec.items[0:3:2].name', 'n1'],
    ['.spec.items[7].name', undefined],
    ['.spec.items[?(@.size > 1)].name', 'n2'],
    ['.spec.items[?(@.size>=3)].name', 'n3'],
    ['.spec.items[?(@.on)].name', 'n3'],
    ['.spec.items[?(@.on==true)].size', 3],
    ['.spec.items[?(@.name!="n1")].size', 2],
    ['.spec.items[?(@.size > "x")].name', undefined],
    ['.status.conditions[?(@.type=="Ready")].status', 'True'],
    [".status.conditions[?(@.type=='Old')].status", 'False'],
    ['.spec.labels.*', 'x'],
    ['.spec..size', 1],
    ["$.spec.labels['b.c/d']", 'y'],
    ['.spec.labels.b\\.c/d', 'y'],
    ['.spec.constructor', undefined],
  ] as const)
    it(`${path} is ${String(wanted)}`, () => assert.equal(compilePath(path)!(object), wanted));

  for (const path of ['.spec[', '.spec[?(size)]', '.spec..', '.a b', '.items[?(@.x > )]'])
    it(`${path} is none`, () => assert.equal(compilePath(path), undefined));
});
