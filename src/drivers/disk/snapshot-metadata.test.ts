import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { Code, CsiError, csi } from '../../csi/index.ts';
import { BLOCK_SIZE } from './changed-blocks.ts';
import { blockCapability, cannotMount, startDriver } from './test-support.ts';

const MIB = 1024 * 1024;
const SIZE = 4 * MIB;

type Answer = csi.GetMetadataAllocatedResponse | csi.GetMetadataDeltaResponse;
interface Told {
  readonly ranges: readonly (readonly [start: number, end: number])[];
  readonly capacity: bigint;
  readonly mostInOne: number;
}

/** All that a stream says, held to what the specification demands of every one. */
async function read(stream: AsyncIterable<Answer>): Promise<Told> {
  const ranges: [number, number][] = [];
  const capacities = new Set<bigint>();
  let mostInOne = 0;
  for await (const { blockMetadata, blockMetadataType, volumeCapacityBytes } of stream) {
    assert.equal(blockMetadataType, csi.BlockMetadataType.VARIABLE_LENGTH);
    capacities.add(volumeCapacityBytes);
    mostInOne = Math.max(mostInOne, blockMetadata.length);
    for (const { byteOffset, sizeBytes } of blockMetadata) {
      assert.ok(sizeBytes > 0n);
      assert.ok(Number(byteOffset) >= (ranges.at(-1)?.[1] ?? 0), 'in order, without overlap');
      ranges.push([Number(byteOffset), Number(byteOffset + sizeBytes)]);
    }
  }
  assert.equal(capacities.size, 1, 'one capacity, told at least once');
  return { ranges, capacity: [...capacities][0]!, mostInOne };
}

function blocksOf({ ranges }: Told): number[] {
  return ranges.flatMap(([start, end]) => {
    assert.equal(start % BLOCK_SIZE, 0);
    return Array.from({ length: Math.ceil((end - start) / BLOCK_SIZE) }, (_, at) => start / BLOCK_SIZE + at);
  });
}

async function start(t: TestContext) {
  const driver = await startDriver(t);
  const image = (name: string) => join(driver.pool, name);
  return {
    driver,
    make: (name: string, sizeBytes = SIZE) =>
      driver.n1.controller.createVolume({
        name,
        capacityRange: { requiredBytes: BigInt(sizeBytes) },
        volumeCapabilities: [blockCapability()],
      }),
    take: (name: string, sourceVolumeId: string) =>
      driver.n1.controller.createSnapshot({ name, sourceVolumeId }),
    write(name: string, offset: number, bytes: Uint8Array) {
      const file = openSync(image(`${name}.img`), 'r+');
      try {
        writeSync(file, bytes, 0, bytes.length, offset);
      } finally {
        closeSync(file);
      }
    },
    punch(name: string, offset: number, length: number, how = '--punch-hole') {
      const where = ['--offset', `${offset}`, '--length', `${length}`, '--keep-size'];
      execFileSync('fallocate', [how, ...where, image(`${name}.img`)]);
    },
    content: (snapshot: string) => readFileSync(image(`${snapshot}.snap`)),
    lose: (snapshot: string) => rmSync(image(`${snapshot}.snap`)),
    allocated: (snapshotId: string, more: object = {}) =>
      read(driver.n1.snapshotMetadata.getMetadataAllocated({ snapshotId, ...more })),
    delta: (baseSnapshotId: string, targetSnapshotId: string, more: object = {}) =>
      read(driver.n1.snapshotMetadata.getMetadataDelta({ baseSnapshotId, targetSnapshotId, ...more })),
  };
}

/** The blocks in which two images differ; what one does not have is zeros. */
function differing(one: Buffer, other: Buffer): number[] {
  const blocks: number[] = [];
  const padded = Buffer.alloc(other.length);
  one.copy(padded);
  for (let at = 0; at < other.length; at += BLOCK_SIZE) {
    if (!padded.subarray(at, at + BLOCK_SIZE).equals(other.subarray(at, at + BLOCK_SIZE)))
      blocks.push(at / BLOCK_SIZE);
  }
  return blocks;
}

const offset = fc.nat(SIZE - 1);
const length = fc.integer({ min: 1, max: 300_000 });
const change = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('data' as const), offset, length }) },
  fc.record({ what: fc.constant('zeros' as const), offset, length }),
  fc.record({ what: fc.constant('same' as const), offset, length }),
  fc.record({ what: fc.constant('hole' as const), offset, length }),
  fc.record({ what: fc.constant('reserve' as const), offset, length }),
);

describe('blocks of snapshots', { skip: cannotMount(), timeout: 120_000 }, () => {
  it('that changed are those that a comparison byte by byte finds, whatever was written', async (t) => {
    const { driver, make, take, write, punch, content, allocated, delta } = await start(t);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(change, { maxLength: 6 }), { minLength: 1, maxLength: 3 }),
        async (rounds) => {
          const volume = `v${run++}`;
          await make(volume);
          const touched = new Set<number>();
          const snapshots: string[] = [];
          for (const [round, changes] of rounds.entries()) {
            for (const { what, offset, length: wanted } of changes) {
              const length = Math.min(wanted, SIZE - offset);
              for (let at = Math.floor(offset / BLOCK_SIZE); at * BLOCK_SIZE < offset + length; at++)
                touched.add(at);
              if (what === 'hole') punch(volume, offset, length);
              else if (what === 'reserve') punch(volume, offset, length, '--zero-range');
              else if (what === 'zeros') write(volume, offset, Buffer.alloc(length));
              else if (what === 'data') write(volume, offset, randomBytes(length));
              else {
                const now = readFileSync(join(driver.pool, `${volume}.img`));
                write(volume, offset, now.subarray(offset, offset + length));
              }
            }
            const snapshot = `${volume}-${round}`;
            await take(snapshot, volume);
            const has = blocksOf(await allocated(snapshot));
            const bytes = content(snapshot);
            const unlike = new Set(has);
            for (const block of differing(Buffer.alloc(SIZE), bytes)) assert.ok(unlike.has(block), 'data');
            assert.deepEqual(
              has.filter((block) => !touched.has(block)),
              [],
              'nobody wrote there',
            );
            for (const before of snapshots) {
              const expected = differing(content(before), bytes);
              assert.deepEqual(blocksOf(await delta(before, snapshot)), expected);
            }
            snapshots.push(snapshot);
          }
          for (const snapshotId of snapshots) await driver.n1.controller.deleteSnapshot({ snapshotId });
          await driver.n1.controller.deleteVolume({ volumeId: volume });
        },
      ),
      { numRuns: 8, endOnFailure: true },
    );
  });

  it('come from an offset on, the end among them, and so many in a message', async (t) => {
    const { make, take, write, allocated, delta } = await start(t);
    await make('v');
    await take('s0', 'v');
    for (const block of [1, 3, 5, 6, 9]) write('v', block * BLOCK_SIZE + 7, Buffer.from('x'));
    await take('s1', 'v');
    const all = [
      [1, 2],
      [3, 4],
      [5, 7],
      [9, 10],
    ].map(([from, to]) => [from! * BLOCK_SIZE, to! * BLOCK_SIZE]);
    for (const ask of [
      (more: object = {}) => allocated('s1', more),
      (more: object = {}) => delta('s0', 's1', more),
    ]) {
      const whole = await ask();
      assert.deepEqual([whole.ranges, whole.capacity], [all, BigInt(SIZE)]);
      const few = await ask({ maxResults: 3 });
      assert.deepEqual([few.ranges, few.mostInOne], [all, 3]);
      // Whoever goes on behind what he has gets the rest, and within a range what is left of it.
      for (const [index, [, end]] of all.entries())
        assert.deepEqual((await ask({ startingOffset: BigInt(end!) })).ranges, all.slice(index + 1));
      const inside = await ask({ startingOffset: BigInt(6 * BLOCK_SIZE + 100) });
      assert.deepEqual(inside.ranges, [[6 * BLOCK_SIZE, 7 * BLOCK_SIZE], all[3]]);
      assert.deepEqual((await ask({ startingOffset: BigInt(SIZE) })).ranges, []);
      for (const startingOffset of [BigInt(SIZE) + 1n, -1n])
        await assert.rejects(ask({ startingOffset }), fails(Code.OUT_OF_RANGE, /starting_offset/));
      await assert.rejects(ask({ maxResults: -1 }), fails(Code.INVALID_ARGUMENT, /max_results/));
    }
    assert.deepEqual((await delta('s1', 's1')).ranges, []);
    assert.deepEqual((await allocated('s0')).ranges, []);
  });

  it('of a volume that has grown include what came with it', async (t) => {
    const { driver, make, take, write, delta } = await start(t);
    await make('v');
    await take('small', 'v');
    await driver.n1.controller.controllerExpandVolume({
      volumeId: 'v',
      capacityRange: { requiredBytes: BigInt(2 * SIZE) },
      volumeCapability: blockCapability(),
    });
    write('v', SIZE + BLOCK_SIZE, Buffer.from('behind'));
    await take('large', 'v');
    const { ranges, capacity } = await delta('small', 'large');
    assert.deepEqual([ranges, capacity], [[[SIZE + BLOCK_SIZE, SIZE + 2 * BLOCK_SIZE]], BigInt(2 * SIZE)]);
  });

  it('are refused for snapshots that do not belong together, are not there, or have no image', async (t) => {
    const { make, take, lose, allocated, delta } = await start(t);
    const createdAt = async (name: string, volume: string) => {
      const { seconds = 0n, nanos = 0 } = (await take(name, volume)).snapshot?.creationTime ?? {};
      return `${seconds}.${nanos}`;
    };
    await make('v');
    await make('w');
    await take('v1', 'v');
    await take('w1', 'w');
    const older = await createdAt('v1', 'v');
    let v2 = 'v2';
    // Within a millisecond neither is the older one.
    while ((await createdAt(v2, 'v')) === older) v2 += 'x';
    await assert.rejects(delta('v1', 'w1'), fails(Code.INVALID_ARGUMENT, /of volume v, the other of w/));
    await assert.rejects(delta(v2, 'v1'), fails(Code.INVALID_ARGUMENT, /the base must be the older one/));
    await assert.rejects(delta('none', 'v1'), fails(Code.NOT_FOUND, /snapshot none/));
    await assert.rejects(delta('v1', 'none'), fails(Code.NOT_FOUND, /snapshot none/));
    await assert.rejects(allocated('none'), fails(Code.NOT_FOUND, /snapshot none/));
    lose(v2);
    await assert.rejects(allocated(v2), fails(Code.NOT_FOUND, /v2x* has been deleted meanwhile/));
    await assert.rejects(delta('v1', v2), fails(Code.NOT_FOUND, /v2x* has been deleted meanwhile/));
  });
});

const fails = (code: Code, says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CsiError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, says);
  return true;
};
