import type { Clock } from '../../base/index.ts';
import { Code, CsiStatus, csi, type NodeService } from '../../csi/index.ts';
import type { Host, MountEntry } from '../../host/index.ts';
import { cleanupMountPoint, mountTablePath } from '../../volume/mount/index.ts';
import { unmountAll } from '../shared/mounted.ts';
import { checkCapabilities, isForOnePlace, isReadOnly } from './capability.ts';
import type { FuseClients } from './fuse-clients.ts';
import { fromMountFlags, isMounterType } from './mounters/index.ts';
import { orCsiStatus } from './or-csi-status.ts';
import { type Account, S3 } from './s3/index.ts';
import { accountOf, locationOf, mountOptionsOf } from './settings.ts';
import type { Staging } from './staging.ts';
import { Volumes } from './volumes.ts';

export interface NodeOptions {
  readonly clients: FuseClients;
  readonly host: Host;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** The node's name, which is its id too. */
  readonly nodeId: string;
}

const STAGE_SECRET = 'csi.storage.k8s.io/node-stage-secret-name and -namespace of the class';
const PUBLISH_SECRET = 'csi.storage.k8s.io/node-publish-secret-name and -namespace of the class';

/** What NodeStageVolume and NodePublishVolume say alike. */
type VolumeRequest = Pick<
  csi.NodeStageVolumeRequest,
  'volumeId' | 'stagingTargetPath' | 'volumeCapability' | 'volumeContext' | 'secrets'
>;

/** The node service: a FUSE client serves the bucket at the global path, and that is bound to each pod's. */
export function ossNode({ clients, host, fetch, clock, nodeId }: NodeOptions): NodeService {
  /** What is asked for, checked: where the volume is, and what it is mounted with. */
  function planOf({ volumeId, volumeCapability, volumeContext }: VolumeRequest) {
    checkCapabilities([volumeCapability!]);
    const location = locationOf(volumeId, volumeContext);
    const { accessType } = volumeCapability!;
    const flags = accessType.case === 'mount' ? fromMountFlags(accessType.value.mountFlags) : [];
    const isMode = ({ name }: { name: string }) => name === 'ro' || name === 'rw';
    const { mounter, options } = mountOptionsOf(
      volumeContext,
      flags.filter((flag) => !isMode(flag)),
    );
    const readOnly = isReadOnly(volumeCapability!) || flags.findLast(isMode)?.name === 'ro';
    const asked = JSON.stringify({ location, mounter: mounter.name, options, readOnly });
    return { location, mounter, options, readOnly, asked };
  }

  /** @throws CsiStatus NOT_FOUND if there is nothing that could be mounted. */
  async function accountWith(
    request: VolumeRequest,
    secretOf: string,
    signal: AbortSignal,
  ): Promise<Account> {
    const { volumeId, volumeContext, secrets } = request;
    const location = locationOf(volumeId, volumeContext);
    const account = accountOf(secrets, secretOf);
    const volumes = new Volumes(new S3(account, { fetch, clock, signal }));
    if (await orCsiStatus(() => volumes.exists(location))) return account;
    throw new CsiStatus(
      Code.NOT_FOUND,
      `volume ${volumeId}: there is no such bucket, or nothing below its prefix; make it first`,
    );
  }

  /** Starts a client at the global path, once it is known that there is something to mount. */
  async function mount(request: VolumeRequest, path: string, secretOf: string, signal: AbortSignal) {
    const { mounter, asked, ...plan } = planOf(request);
    const account = await accountWith(request, secretOf, signal);
    const { volumeId } = request;
    await clients.start(mounter, { ...plan, account, path }, { volumeId, asked }, signal);
  }

  /** A place for a volume, as the mount table will name it. */
  async function placeAt(path: string): Promise<string> {
    const target = await mountTablePath(host, path);
    const stat = await host.files.stat(target).catch(() => undefined);
    if (stat?.kind === 'symlink')
      throw new CsiStatus(Code.FAILED_PRECONDITION, `${path} is a symbolic link, not a place for a volume`);
    return target;
  }

  return {
    capabilities: ['SINGLE_NODE_MULTI_WRITER', 'VOLUME_CONDITION'],

    async nodeStageVolume(request, { signal }) {
      const { volumeId, stagingTargetPath } = request;
      const { asked } = planOf(request);
      const path = await placeAt(stagingTargetPath);
      const present = clients.at(path);
      if (present && (await clients.isServing(present))) {
        checkSame(present, { volumeId, asked });
        return {};
      }
      await mount(request, path, STAGE_SECRET, signal);
      return {};
    },

    async nodeUnstageVolume({ stagingTargetPath }, { signal }) {
      await clients.stop(await mountTablePath(host, stagingTargetPath), signal);
      return {};
    },

    /** Repeated for pods that run, where the CSIDriver says requiresRepublish: then a client that has died is replaced. */
    async nodePublishVolume(request, { signal }) {
      const { volumeId, stagingTargetPath, targetPath, readonly, secrets } = request;
      const { asked, readOnly } = planOf(request);
      const path = await placeAt(stagingTargetPath);
      const target = await placeAt(targetPath);
      const staged = clients.at(path);
      const hasSecrets = Object.keys(secrets).length > 0;
      if (staged?.volumeId !== volumeId) {
        if (hasSecrets) await accountWith(request, PUBLISH_SECRET, signal);
        throw new CsiStatus(
          Code.FAILED_PRECONDITION,
          `volume ${volumeId} is not staged at ${stagingTargetPath}`,
        );
      }
      checkSame(staged, { volumeId, asked });
      if (!(await clients.isServing(staged))) {
        if (!hasSecrets)
          throw new CsiStatus(
            Code.FAILED_PRECONDITION,
            `the client that served volume ${volumeId} has ended, and cannot be started again without a secret: ` +
              `name it as ${PUBLISH_SECRET}, or delete the pods that use it`,
          );
        await mount(request, path, PUBLISH_SECRET, signal);
      }

      const mounts = await host.mounts.list();
      const source = mounts.findLast((entry) => entry.target === path);
      if (!source)
        throw new CsiStatus(
          Code.UNAVAILABLE,
          `the client of volume ${volumeId} has ended just now; try again`,
        );
      const present = mounts.findLast((entry) => entry.target === target);
      if (present?.device === source.device) {
        const isReadOnlyThere = present.options.includes('ro');
        // A read-only bind is a bind and then a remount; a crash may have come between.
        if (readonly && !isReadOnlyThere)
          await host.mounts.mount({ source: path, target, options: ['remount', 'bind', 'ro'] });
        else if (isReadOnlyThere && !readonly && !readOnly)
          throw alreadyMounted(volumeId, targetPath, 'it read-only');
        return {};
      }
      if (present) {
        // What a client that has died served; nothing else of that kind is ever put there.
        if (!isMounterType(present.fsType)) throw alreadyMounted(volumeId, targetPath, present.source);
        await unmountAll(host, target);
      }
      checkOnlyPlace(request, source, mounts);
      await host.files.makeDirectory(target, 0o750);
      await host.mounts.mount({ source: path, target, options: readonly ? ['bind', 'ro'] : ['bind'] });
      return {};
    },

    async nodeUnpublishVolume({ targetPath }) {
      await cleanupMountPoint(host, targetPath);
      return {};
    },

    async nodeGetVolumeStats({ volumeId, volumePath }, { signal }) {
      const path = await mountTablePath(host, volumePath);
      const mounts = await host.mounts.list();
      const topmost = (at: string) => mounts.findLast((entry) => entry.target === at);
      const seen = topmost(path);
      const [staged] = clients.of(volumeId);
      const isAnothers = clients
        .all()
        .some((other) => other.volumeId !== volumeId && topmost(other.path)?.device === seen?.device);
      if (!staged || !seen || !isMounterType(seen.fsType) || isAnothers)
        throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} is not mounted at ${volumePath}`);
      const isOld = topmost(staged.path)?.device !== seen.device;
      const { BYTES } = csi.VolumeUsage_Unit;
      return {
        // A bucket has no size, and what is in it is not counted: numbers that are not known are left out.
        usage: [{ unit: BYTES }],
        volumeCondition: await conditionOf(staged, path, isOld, signal),
      };
    },

    nodeGetInfo: () => ({ nodeId }),
  };

  async function conditionOf(staged: Staging, path: string, isOld: boolean, signal: AbortSignal) {
    const { mounter, pid, volumeId } = staged;
    const mend = 'it is mounted again when it is published or staged next';
    if (isOld || !(await clients.isServing(staged)))
      return { abnormal: true, message: `the ${mounter} that served volume ${volumeId} has ended; ${mend}` };
    try {
      await clients.probe(path, signal);
      return { abnormal: false, message: `served by ${mounter}, process ${pid}` };
    } catch (error) {
      signal.throwIfAborted();
      return {
        abnormal: true,
        message: `${mounter}, process ${pid}, does not answer: ${(error as Error).message}`,
      };
    }
  }
}

/** @throws CsiStatus ALREADY_EXISTS if what is staged there is not what is asked for. */
function checkSame(present: Staging, { volumeId, asked }: { volumeId: string; asked: string }): void {
  if (present.volumeId !== volumeId) throw alreadyMounted(volumeId, present.path, present.volumeId);
  if (present.asked !== asked) throw alreadyMounted(volumeId, present.path, `it as ${present.asked}`);
}

/** @throws CsiStatus FAILED_PRECONDITION if the volume is published, and its access mode allows no second place. */
function checkOnlyPlace(
  { volumeId, volumeCapability }: VolumeRequest,
  source: MountEntry,
  mounts: readonly MountEntry[],
): void {
  if (!isForOnePlace(volumeCapability!)) return;
  const other = mounts.find(({ device, target }) => device === source.device && target !== source.target);
  if (other)
    throw new CsiStatus(
      Code.FAILED_PRECONDITION,
      `volume ${volumeId} is published at ${other.target}, and its access mode allows no second place`,
    );
}

function alreadyMounted(volumeId: string, path: string, what: string): CsiStatus {
  return new CsiStatus(
    Code.ALREADY_EXISTS,
    `${path} has ${what} mounted, which is not what is asked for volume ${volumeId}`,
  );
}
