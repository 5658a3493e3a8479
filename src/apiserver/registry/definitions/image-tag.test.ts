import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imageTag } from './image-tag.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

// What Kubernetes 1.36 pulls always is what these give as `latest`.
const cases: [string, string | undefined][] = [
  ['busybox', 'latest'],
  ['busybox:latest', 'latest'],
  ['busybox:1.36', '1.36'],
  ['localhost:5000/a', 'latest'],
  ['localhost:5000/a:b', 'b'],
  ['[::1]:5000/a/b', 'latest'],
  ['REGISTRY/a', 'latest'],
  [`busybox@${DIGEST}`, undefined],
  [`busybox:latest@${DIGEST}`, 'latest'],
  ['', undefined],
  ['Busybox', undefined],
  ['no reference', undefined],
  ['a'.repeat(64), undefined],
  [`x:${'b'.repeat(129)}`, undefined],
  ['g'.repeat(247), 'latest'],
  ['g'.repeat(248), undefined],
  [`e.x/${'g'.repeat(255)}`, 'latest'],
  [`e.x/${'g'.repeat(256)}`, undefined],
  ['a-'.repeat(1_000_000), undefined],
];

describe('the tag of an image', () => {
  for (const [reference, tag] of cases)
    it(`${reference.slice(0, 60)} (${reference.length}): ${tag}`, () => {
      assert.equal(imageTag(reference), tag);
    });
});
