import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Cache } from '../cache.ts';
import { newNode, newPodInfo, type PodFixture } from '../fixtures.ts';
import { scores } from './fixtures.ts';
import { imageLocality } from './image-locality.ts';

const MB = 1024 * 1024;
type Images = Readonly<Record<string, number>>;

const withImages = (name: string, images: Images) => ({
  ...newNode(name),
  status: {
    images: Object.entries(images).map(([image, mb]) => ({
      names: [`${image}@sha256:1`, image],
      sizeBytes: mb * MB,
    })),
  },
});

function clusterOf(nodes: Readonly<Record<string, Images>>): Cache {
  const cache = new Cache();
  for (const [name, images] of Object.entries(nodes)) cache.setNode(withImages(name, images));
  return cache;
}

const running = (...images: string[]): PodFixture =>
  ({ containers: images.map((image, index) => ({ name: `c${index}`, image })) }) as PodFixture;

const NODES = {
  small: { 'example.com/40:latest': 40, 'example.com/300:latest': 300, 'example.com/2000:latest': 2000 },
  large: { 'example.com/250:latest': 250, 'example.com/10:v1': 10, 'example.com:5000/4000:latest': 4000 },
  empty: {},
};

// 100 * (sum of size * (nodes with it / nodes) - 23 MB) / (1000 MB * containers - 23 MB)
const CASES: readonly [
  fact: string,
  nodes: readonly (keyof typeof NODES)[],
  PodFixture,
  expected: unknown,
][] = [
  [
    'an image without a tag is the latest',
    ['small', 'large'],
    running('example.com/40', 'example.com/250'),
    [0, 5],
  ],
  ['both on one node', ['small', 'large'], running('example.com/40', 'example.com/300'), [7, 0]],
  [
    'so small that it makes no difference',
    ['small', 'large'],
    running('example.com/10:v1', 'example.com/2000'),
    [49, 0],
  ],
  ['the port of a registry is no tag', ['small', 'large'], running('example.com:5000/4000'), [0, 100]],
  [
    'more nodes without it: it counts for less',
    ['small', 'large', 'empty'],
    running('example.com/300'),
    [7, 0, 0],
  ],
  ['an image that no node has', ['small', 'large'], running('example.com/none'), 'skip'],
  [
    'initial containers count too, and are containers',
    ['small', 'large'],
    { ...running('example.com/none'), initContainers: [{ name: 'i', image: 'example.com/2000' }] },
    [49, 0],
  ],
  [
    'volumes count, but are no containers',
    ['small', 'large'],
    { ...running('example.com/none'), volumes: [{ name: 'v', image: { reference: 'example.com/300' } }] },
    [12, 0],
  ],
];

describe('ImageLocality', () => {
  for (const [fact, names, pod, expected] of CASES) {
    it(`${fact}: ${expected}`, () => {
      const cluster = clusterOf(Object.fromEntries(names.map((name) => [name, NODES[name]])));
      const nodes = names.map((name) => cluster.node(name)!);
      assert.deepEqual(scores(imageLocality({ cluster }), newPodInfo('p', pod), nodes), expected);
    });
  }

  it('forgets images that a node removes, and those of a node that is gone', () => {
    const cluster = clusterOf({ a: { img: 500 }, b: { img: 500 } });
    assert.equal(cluster.image('img')?.nodes.size, 2);
    cluster.setNode(withImages('a', { other: 1 }));
    assert.deepEqual([...cluster.image('img')!.nodes], ['b']);
    cluster.removeNode('b');
    assert.equal(cluster.image('img'), undefined);
    assert.equal(cluster.image('other')?.sizeBytes, MB);
  });
});
