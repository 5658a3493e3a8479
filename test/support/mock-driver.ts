import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger, systemClock, withDeadline } from '../../src/base/index.ts';
import {
  type CsiServices,
  type CsiStatus,
  type csi,
  type NodeCapability,
  type SocketServer,
  serveCsi,
} from '../../src/csi/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { directoryDriver } from './directory-driver.ts';

export interface MockDriverOptions {
  readonly name: string;
  /** Its files and its socket live here. */
  readonly directory: string;
  /** ControllerPublishVolume and its undoing. @default false */
  readonly attaches?: boolean;
  /** NodeStageVolume and its undoing. @default false */
  readonly stages?: boolean;
  /** Growth, modification and snapshots, in name only. @default false */
  readonly manages?: boolean;
  /** Those that handlers cannot show. */
  readonly nodeCapabilities?: readonly NodeCapability[];
}

export interface MockCall {
  /** NodePublishVolume */
  readonly method: string;
  readonly request: object;
}

/** The requests of the calls that tests ask for. */
interface Requests {
  readonly CreateVolume: csi.CreateVolumeRequest;
  readonly DeleteVolume: csi.DeleteVolumeRequest;
  readonly ControllerPublishVolume: csi.ControllerPublishVolumeRequest;
  readonly ControllerUnpublishVolume: csi.ControllerUnpublishVolumeRequest;
  readonly NodeStageVolume: csi.NodeStageVolumeRequest;
  readonly NodeUnstageVolume: csi.NodeUnstageVolumeRequest;
  readonly NodePublishVolume: csi.NodePublishVolumeRequest;
  readonly NodeUnpublishVolume: csi.NodeUnpublishVolumeRequest;
  readonly NodeGetVolumeStats: csi.NodeGetVolumeStatsRequest;
  readonly ControllerExpandVolume: csi.ControllerExpandVolumeRequest;
  readonly NodeExpandVolume: csi.NodeExpandVolumeRequest;
  readonly ControllerModifyVolume: csi.ControllerModifyVolumeRequest;
  readonly CreateSnapshot: csi.CreateSnapshotRequest;
  readonly DeleteSnapshot: csi.DeleteSnapshotRequest;
  readonly ListSnapshots: csi.ListSnapshotsRequest;
}

/** A CSI driver in this process, whose features are data, and which remembers how it was called. */
export class MockDriver {
  readonly calls: MockCall[] = [];
  /** How calls fail from now on, by method; the others work. */
  readonly failures = new Map<string, CsiStatus>();
  /** What it says of its volumes' health. */
  condition = { abnormal: false, message: '' };
  readonly endpoint: string;
  readonly #listeners = new Set<() => void>();
  #server: SocketServer | undefined;

  private constructor(directory: string) {
    this.endpoint = `unix://${join(directory, 'csi.sock')}`;
  }

  static async serve(options: MockDriverOptions): Promise<MockDriver> {
    const { directory, name } = options;
    await mkdir(directory, { recursive: true });
    const mock = new MockDriver(directory);
    const driver = directoryDriver(
      directory,
      createLinuxHost({ clock: systemClock }),
      async (method, request, work) => {
        const failure = mock.failures.get(method);
        if (!failure) await work();
        mock.#told({ method, request });
        if (failure) throw failure;
      },
    );
    const managing = options.manages ? mock.#managing() : undefined;
    mock.#server = await serveCsi({
      endpoint: mock.endpoint,
      clock: systemClock,
      log: silentLogger,
      identity: { name, vendorVersion: '1' },
      controller: {
        ...driver.controller,
        ...(options.attaches ? driver.attach : {}),
        ...managing?.controller,
      },
      node: {
        ...managing?.node,
        ...(options.stages ? driver.stage : {}),
        ...driver.publish,
        capabilities: options.nodeCapabilities,
        nodeGetInfo: () => ({ nodeId: 'node-1' }),
        nodeGetVolumeStats(request) {
          mock.#told({ method: 'NodeGetVolumeStats', request });
          return {
            usage: [
              { unit: 1, total: 1000n, used: 400n, available: 600n },
              { unit: 2, total: 10n, used: 4n, available: 6n },
            ],
            volumeCondition: mock.condition,
          };
        },
      },
    });
    return mock;
  }

  /** How often a method was called. */
  count(method: keyof Requests): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  /**
   * The request of the first call of a method that `look` says yes to, waited for if need be. One that has done its work,
   * or failed as it was to.
   */
  async called<Method extends keyof Requests>(
    method: Method,
    look: (request: Requests[Method]) => boolean = () => true,
    limitMs = 60_000,
  ): Promise<Requests[Method]> {
    const find = () => {
      for (const call of this.calls) {
        const request = call.request as Requests[Method];
        if (call.method === method && look(request)) return request;
      }
      return undefined;
    };
    const found = Promise.withResolvers<Requests[Method]>();
    const listener = () => {
      const request = find();
      if (request) found.resolve(request);
    };
    this.#listeners.add(listener);
    listener();
    try {
      return await withDeadline(systemClock, limitMs, `a call of ${method}`, found.promise);
    } finally {
      this.#listeners.delete(listener);
    }
  }

  async stop(): Promise<void> {
    await this.#server?.stop({ graceMs: 0 });
  }

  #managing(): Pick<CsiServices, 'controller' | 'node'> {
    const told = <Method extends keyof Requests, Answer>(
      method: Method,
      answer: (request: Requests[Method]) => Answer,
    ) => {
      return (request: Requests[Method]) => {
        this.#told({ method, request });
        return answer(request);
      };
    };
    const capacityBytes = (range: csi.CapacityRange | undefined) => range?.requiredBytes ?? 0n;
    const snapshot = (snapshotId: string, sourceVolumeId: string) => ({
      snapshotId,
      sourceVolumeId,
      sizeBytes: 1n,
      creationTime: { seconds: 1n, nanos: 0 },
      readyToUse: true,
    });
    return {
      controller: {
        controllerExpandVolume: told('ControllerExpandVolume', ({ capacityRange }) => ({
          capacityBytes: capacityBytes(capacityRange),
          nodeExpansionRequired: true,
        })),
        controllerModifyVolume: told('ControllerModifyVolume', () => ({})),
        createSnapshot: told('CreateSnapshot', ({ name, sourceVolumeId }) => ({
          snapshot: snapshot(name, sourceVolumeId),
        })),
        deleteSnapshot: told('DeleteSnapshot', () => ({})),
        listSnapshots: told('ListSnapshots', ({ snapshotId }) => ({
          entries: [{ snapshot: snapshot(snapshotId, 'some-volume') }],
        })),
      },
      node: {
        nodeExpandVolume: told('NodeExpandVolume', ({ capacityRange }) => ({
          capacityBytes: capacityBytes(capacityRange),
        })),
      },
    };
  }

  #told(call: MockCall): void {
    this.calls.push(call);
    for (const listener of this.#listeners) listener();
  }
}
