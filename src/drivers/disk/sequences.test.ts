import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { silentLogger as log } from '../../base/index.ts';
import { Code, CsiStatus, csi } from '../../csi/index.ts';
import type { FileStat, Files, Host, LoopDevice, MountEntry } from '../../host/index.ts';
import { LoopDevices } from './attachments.ts';
import { diskController } from './controller.ts';
import { IoLimiter } from './io-limits.ts';
import { diskNode } from './node.ts';
import { Pool } from './pool.ts';
import { mountCapability } from './test-support.ts';

/** A machine in memory that can die at its nth change, and lose its devices and mounts in a reboot. */
class Machine {
  readonly files = new Map<string, { kind: 'file' | 'directory'; content: string; sizeBytes: number }>();
  loops: LoopDevice[] = [];
  mounts: MountEntry[] = [];
  readonly formatted: string[] = [];
  changesLeft = Number.POSITIVE_INFINITY;
  #names = 0;

  change(): void {
    if (--this.changesLeft < 0) throw new Error('the machine is dead');
  }

  reboot(): void {
    this.loops = [];
    this.mounts = [];
  }

  host(): Host {
    const stat = (path: string): FileStat | undefined => {
      if (path.startsWith('/dev/')) return blockStat(path);
      const node = this.files.get(path);
      return node && { ...blockStat(path), kind: node.kind, sizeBytes: node.sizeBytes, rdev: undefined };
    };
    const put = (path: string, content: string, sizeBytes = content.length) =>
      this.files.set(path, { kind: 'file', content, sizeBytes });
    const changing =
      <Args extends unknown[], Result>(work: (...args: Args) => Result) =>
      async (...args: Args): Promise<Result> => {
        this.change();
        return work(...args);
      };
    const files: Partial<Files> = {
      stat: async (path) => stat(path),
      realPath: async (path) => path,
      read: async (path) => this.files.get(path)!.content,
      list: async (path) =>
        [...this.files.keys()]
          .filter((name) => dirname(name) === path)
          .map((name) => name.slice(path.length + 1)),
      statFs: async () => ({
        ...({} as Awaited<ReturnType<Files['statFs']>>),
        availableBytes: 1n << 40n,
        type: '0x58465342',
      }),
      async makeDirectory(path) {
        if (!stat(path)) machine.files.set(path, { kind: 'directory', content: '', sizeBytes: 0 });
      },
      chmod: async () => undefined,
      syncDirectory: changing(() => undefined),
      removeDirectory: changing((path) => void this.files.delete(path)),
      removeFile: changing((path) => void this.files.delete(path)),
      allocate: changing((path, size) => void put(path, '', Number(size))),
      rename: changing((from, to) => {
        put(to, this.files.get(from)!.content, this.files.get(from)!.sizeBytes);
        this.files.delete(from);
      }),
      write: changing((path, content) => void put(path, `${content}`)),
      async writeAtomic(path, content) {
        machine.change();
        const temporary = `${dirname(path)}/.x.${machine.#names++}.tmp`;
        put(temporary, '');
        machine.change();
        machine.files.delete(temporary);
        put(path, `${content}`);
      },
    };
    const machine = this;
    return {
      files: files as Files,
      loops: {
        list: async () => this.loops,
        get: async (device) => this.loops.find((loop) => loop.device === device),
        attach: changing((backingFile, options) => {
          const device = `/dev/loop${this.#names++}`;
          this.loops = [
            ...this.loops,
            { device, backingFile, readOnly: options?.readOnly ?? false, deleted: false },
          ];
          return device;
        }),
        detach: changing((device) => {
          assert.ok(!this.mounts.some((mount) => mount.source === device), `${device} is in use`);
          this.loops = this.loops.filter((loop) => loop.device !== device);
        }),
        refresh: async () => undefined,
      },
      mounts: {
        sync: async () => undefined,
        freeze: async () => undefined,
        thaw: async () => undefined,
        list: async () => this.mounts,
        isMountPoint: async (target) => this.mounts.some((mount) => mount.target === target),
        mount: changing(({ source, target, options = [] }) => {
          const staged = this.mounts.find((mount) => mount.target === source);
          const entry = { id: 0, root: '/', device: '', fsType: 'ext4', deleted: false, target, options };
          this.mounts = [...this.mounts, { ...entry, source: staged?.source ?? source }];
        }),
        unmount: changing((target) => {
          const last = this.mounts.findLastIndex((mount) => mount.target === target);
          this.mounts = this.mounts.filter((_, index) => index !== last);
        }),
      },
      disks: {
        signature: async (device) =>
          this.formatted.includes(this.#imageOf(device)) ? { type: 'ext4' } : undefined,
        format: changing((device) => {
          const image = this.#imageOf(device);
          assert.ok(!this.formatted.includes(image), `${image} formatted twice`);
          this.formatted.push(image);
        }),
        check: async () => 'clean',
        sizeBytes: async () => 0n,
        isInUse: async () => false,
        flush: async () => undefined,
        grow: async () => undefined,
        growUnmounted: async () => true,
      },
      processes: {} as Host['processes'],
      network: {} as Host['network'],
      info: () => ({ hostname: 'h' }) as ReturnType<Host['info']>,
    };
  }

  /** The image and which one of that name: a volume made anew is another. */
  #imageOf(device: string): string {
    return this.loops.find((loop) => loop.device === device)!.backingFile;
  }
}

function blockStat(path: string): FileStat {
  const numbers = {
    modifiedAtMs: 0,
    sizeBytes: 0,
    allocatedBytes: 0,
    mode: 0o700,
    uid: 0,
    gid: 0,
    inode: 0n,
    device: 0n,
  };
  return { kind: 'block', rdev: `7:${path.slice('/dev/loop'.length)}`, ...numbers };
}

const POOL = '/pool';
const NODES = ['n1', 'n2'] as const;
type NodeId = (typeof NODES)[number];

async function boot(machine: Machine) {
  machine.changesLeft = Number.POSITIVE_INFINITY;
  const host = machine.host();
  const pool = await Pool.open(POOL, host, log);
  const attachments = new LoopDevices(pool, host);
  await attachments.reclaim({ published: false });
  const topology = { h: 'h' };
  const limiter = new IoLimiter(host.files);
  const controller = diskController({
    pool,
    attachments,
    topology,
    nodes: new Map(NODES.map((nodeId) => [nodeId, topology])),
    limiter,
  });
  const nodes = Object.fromEntries(
    NODES.map((nodeId) => [nodeId, diskNode({ pool, attachments, host, nodeId, topology, limiter })]),
  ) as Record<NodeId, ReturnType<typeof diskNode>>;
  return { controller, nodes };
}

type Driver = Awaited<ReturnType<typeof boot>>;

const calls = {
  create: ({ controller }: Driver, name: string) =>
    controller.createVolume!(
      message(csi.CreateVolumeRequestSchema, { name, volumeCapabilities: [mountCapability()] }),
      context,
    ),
  delete: ({ controller }: Driver, volumeId: string) =>
    controller.deleteVolume!(message(csi.DeleteVolumeRequestSchema, { volumeId }), context),
  controllerPublish: ({ controller }: Driver, volumeId: string, nodeId: NodeId) =>
    controller.controllerPublishVolume!(
      message(csi.ControllerPublishVolumeRequestSchema, {
        volumeId,
        nodeId,
        volumeCapability: mountCapability(),
      }),
      context,
    ),
  controllerUnpublish: ({ controller }: Driver, volumeId: string, nodeId: NodeId) =>
    controller.controllerUnpublishVolume!(
      message(csi.ControllerUnpublishVolumeRequestSchema, { volumeId, nodeId }),
      context,
    ),
  expand: ({ controller }: Driver, volumeId: string, nodeId: NodeId) =>
    controller.controllerExpandVolume!(
      message(csi.ControllerExpandVolumeRequestSchema, {
        volumeId,
        capacityRange: { requiredBytes: SIZES[nodeId] },
      }),
      context,
    ),
  modify: ({ controller }: Driver, volumeId: string, nodeId: NodeId) =>
    controller.controllerModifyVolume!(
      message(csi.ControllerModifyVolumeRequestSchema, {
        volumeId,
        mutableParameters: { writeIops: nodeId === 'n1' ? '100' : '200' },
      }),
      context,
    ),
  nodeExpand: ({ nodes }: Driver, volumeId: string, nodeId: NodeId) =>
    nodes[nodeId].nodeExpandVolume!(
      message(csi.NodeExpandVolumeRequestSchema, {
        volumeId,
        volumePath: `${staging(volumeId, nodeId)}-pod`,
        volumeCapability: mountCapability(),
      }),
      context,
    ),
  stage: ({ nodes }: Driver, volumeId: string, nodeId: NodeId) =>
    nodes[nodeId].nodeStageVolume!(
      message(csi.NodeStageVolumeRequestSchema, {
        volumeId,
        stagingTargetPath: staging(volumeId, nodeId),
        volumeCapability: mountCapability(),
      }),
      context,
    ),
  unstage: ({ nodes }: Driver, volumeId: string, nodeId: NodeId) =>
    nodes[nodeId].nodeUnstageVolume!(
      message(csi.NodeUnstageVolumeRequestSchema, { volumeId, stagingTargetPath: staging(volumeId, nodeId) }),
      context,
    ),
  publish: ({ nodes }: Driver, volumeId: string, nodeId: NodeId) =>
    nodes[nodeId].nodePublishVolume!(
      message(csi.NodePublishVolumeRequestSchema, {
        volumeId,
        stagingTargetPath: staging(volumeId, nodeId),
        targetPath: `${staging(volumeId, nodeId)}-pod`,
        volumeCapability: mountCapability(),
      }),
      context,
    ),
  unpublish: ({ nodes }: Driver, volumeId: string, nodeId: NodeId) =>
    nodes[nodeId].nodeUnpublishVolume!(
      message(csi.NodeUnpublishVolumeRequestSchema, {
        volumeId,
        targetPath: `${staging(volumeId, nodeId)}-pod`,
      }),
      context,
    ),
};

/** To what size a volume grows that is to be used on a node: any two that differ. */
const SIZES: Readonly<Record<NodeId, bigint>> = { n1: 2n << 30n, n2: 3n << 30n };

const context = { method: '', signal: new AbortController().signal, deadlineMs: undefined, log };
const staging = (volumeId: string, nodeId: string) => `/${nodeId}-${volumeId}`;

function message<Schema extends DescMessage>(schema: Schema, init: MessageInitShape<Schema>) {
  return create(schema, init);
}

/** What holds after every call that the machine has survived. */
function checkInvariants(machine: Machine): void {
  const names = [...machine.files.keys()].filter((path) => dirname(path) === POOL);
  const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  const images = names.filter((name) => name.endsWith('.img')).map((name) => name.slice(0, -'.img'.length));
  assert.deepEqual(images.sort(), ids.sort(), 'an image exists if and only if its record does');
  for (const id of ids) {
    const { sizeBytes } = JSON.parse(machine.files.get(`${id}.json`)!.content);
    const image = machine.files.get(`${id}.img`)!;
    assert.ok(image.sizeBytes >= Number(sizeBytes), 'an image is as large as its record says');
  }
  for (const name of names) assert.match(name, /\.(img|json|node)$/, 'nothing half done');
  const backing = machine.loops.map((loop) => loop.backingFile);
  assert.equal(new Set(backing).size, backing.length, 'one loop device for an image');
  for (const image of backing)
    assert.ok(machine.files.has(image.replace(/\.img$/, '.node')), 'attached only while published');
  for (const { source, target } of machine.mounts) {
    const image = machine.loops.find((loop) => loop.device === source)?.backingFile;
    assert.ok(image, `${target} has its device`);
    const nodeId = JSON.parse(machine.files.get(image.replace(/\.img$/, '.node'))!.content).nodeId;
    assert.equal(target.slice(1, 3), nodeId, 'mounted only where it is published');
  }
  const targets = machine.mounts.map((mount) => mount.target);
  assert.equal(new Set(targets).size, targets.length, 'nothing mounted twice');
}

const EXPECTED: readonly number[] = [Code.NOT_FOUND, Code.FAILED_PRECONDITION];

describe('any sequence of calls, crashes and reboots', () => {
  it('keeps the invariants, and everything can be undone', async () => {
    const call = fc.record({
      name: fc.constantFrom(...(Object.keys(calls) as (keyof typeof calls)[])),
      // Mostly the same, so that sequences get deep.
      volume: fc.constantFrom('a', 'a', 'a', 'b'),
      node: fc.constantFrom<NodeId>('n1', 'n1', 'n1', 'n2'),
      diesAfter: fc.option(fc.nat(6), { nil: undefined, freq: 4 }),
      reboots: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 20, maxLength: 60, size: 'max' }), async (sequence) => {
        const machine = new Machine();
        let driver = await boot(machine);
        for (const { name, volume, node, diesAfter, reboots } of sequence) {
          machine.changesLeft = diesAfter ?? Number.POSITIVE_INFINITY;
          try {
            await calls[name](driver, volume, node);
          } catch (error) {
            const died = machine.changesLeft < 0;
            assert.ok(
              died || (error instanceof CsiStatus && EXPECTED.includes(error.code)),
              `${name}: ${error}`,
            );
          }
          if (machine.changesLeft < 0) {
            if (reboots) machine.reboot();
            driver = await boot(machine);
          }
          // A new volume of the same name is blank.
          for (const image of machine.formatted.filter((path) => !machine.files.has(path)))
            machine.formatted.splice(machine.formatted.indexOf(image), 1);
          checkInvariants(machine);
        }
        machine.changesLeft = Number.POSITIVE_INFINITY;
        for (const volume of ['a', 'b']) {
          for (const node of NODES) {
            await calls.unpublish(driver, volume, node);
            await calls.unstage(driver, volume, node);
            await calls.controllerUnpublish(driver, volume, node);
          }
          await calls.delete(driver, volume);
        }
        assert.deepEqual([...machine.loops, ...machine.mounts], []);
        assert.deepEqual(
          [...machine.files.keys()].filter((path) => dirname(path) === POOL),
          [],
        );
      }),
      { numRuns: 300 },
    );
  });
});
