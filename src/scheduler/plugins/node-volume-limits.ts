import type { Informer, Lister } from '../../client/index.ts';
import {
  type CSIDriver,
  type CSINode,
  claimClass,
  driverOf,
  driversOf,
  notMadeFor,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
  type Stored,
  type VolumeAttachment,
} from '../../kube/index.ts';
import { migratedPluginOf } from '../../volume/migration/index.ts';
import { ADD, DELETE, interest, UPDATE } from '../cluster-events.ts';
import { stateKey } from '../cycle-state.ts';
import type { NodeInfo } from '../node-info.ts';
import { hasPlace } from '../placed.ts';
import type { Plugin } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';
import { type Rejection, SKIP, unresolvable, unschedulable } from '../status.ts';
import { csiVolumeOf, driverOfProvisioner, inlineCsiVolumeOf } from './migrated-volume.ts';

const TOO_MANY = unschedulable('node(s) exceed max volume count');
const BY_NODE = 'spec.nodeName';

export interface NodeVolumeLimitsOptions {
  readonly claims: Lister<Stored<PersistentVolumeClaim>>;
  readonly volumes: Lister<Stored<PersistentVolume>>;
  readonly classes: Lister<Stored<StorageClass>>;
  readonly csiNodes: Lister<Stored<CSINode>>;
  readonly attachments: Informer<VolumeAttachment>;
  /**
   * Absent: a node without a volume's driver is as good as one with it. Present (VolumeLimitScaling): not for drivers
   * whose CSIDriver says preventPodSchedulingIfMissing.
   */
  readonly drivers?: Lister<Stored<CSIDriver>>;
}

/** Volumes by a name that two pods with the same volume share (`driver/handle`), with their drivers. */
type VolumeDrivers = Map<string, string>;

/** What a pod brings to a node. */
interface Wanted {
  readonly volumes: VolumeDrivers;
  /** Why it cannot be told, which no node can change. An Error fails the attempt. */
  readonly problem: Rejection | Error | undefined;
}

const wanted = stateKey<Wanted>('NodeVolumeLimits');

/**
 * Keeps a node's CSI volumes within the limits that its CSINode states (drivers[].allocatable.count). A volume that
 * several pods share counts once; one that is attached counts although no pod of the node uses it, and the pod that wants
 * it counts it again: until it is detached it may be on its way out. Source: nodevolumelimits. Unlike upstream, a pod on
 * the node whose ephemeral volume has another's claim counts nothing, and fails nobody else's attempt.
 */
export function nodeVolumeLimits(options: NodeVolumeLimitsOptions): Plugin {
  const attachments = options.attachments.addIndex(BY_NODE, ({ spec }) => (spec ? [spec.nodeName] : []));
  return {
    name: 'NodeVolumeLimits',
    interests: [
      interest('CSINode', ADD),
      interest(
        'CSINode',
        UPDATE,
        (_pod, before, after) =>
          limitRaised(before, after) || (options.drivers !== undefined && driverCame(before, after)),
      ),
      interest(
        'Pod',
        DELETE,
        (_pod, deleted) =>
          hasPlace(deleted) &&
          (deleted?.spec?.volumes ?? []).some(
            (volume) => volume.persistentVolumeClaim ?? volume.ephemeral ?? migratedPluginOf(volume),
          ),
      ),
      interest('PersistentVolumeClaim', ADD, (pod, _before, claim) =>
        pod.claims.some(({ key }) => key === `${claim?.metadata.namespace}/${claim?.metadata.name}`),
      ),
      interest('VolumeAttachment', DELETE, ({ claims, pod, namespace }, deleted) => {
        if (claims.some(({ ephemeral }) => !ephemeral)) return true;
        const inline = (pod.spec?.volumes ?? []).map(
          (volume) => inlineCsiVolumeOf(volume, namespace)?.driver,
        );
        return inline.some((driver) => driver !== undefined && driver === deleted?.spec?.attacher);
      }),
    ],
    preFilter(state, pod) {
      const volumes: VolumeDrivers = new Map();
      collect(pod, volumes);
      const problem = problemOf(pod);
      if (volumes.size === 0 && !problem) return SKIP;
      state.write(wanted, { volumes, problem });
      return undefined;
    },
    filter(state, _pod, node) {
      const csiNode = options.csiNodes.byKey(node.name);
      const { volumes, problem } = state.read(wanted)!;
      if (problem instanceof Error) throw problem;
      if (problem) return problem;
      const missing = missingDriver(volumes, csiNode);
      if (missing !== undefined) return unschedulable(`${missing} CSI driver is not installed on the node`);
      const limits = limitsOf(csiNode);
      if (limits.counts.size === 0) return undefined;
      const most = node.driverVolumeCount + attachments.byIndex(BY_NODE, node.name).length + volumes.size;
      // Mostly there is room however they are counted.
      if (most <= limits.lowest) return undefined;
      return exceeds(limits.counts, volumes, present(node)) ? TOO_MANY : undefined;
    },
  };

  /** Why the pod's volumes cannot be counted. */
  function problemOf(pod: PodInfo): Wanted['problem'] {
    for (const { key, name, ephemeral } of pod.claims) {
      const claim = options.claims.byKey(key);
      if (!claim) return unresolvable(`looking up PVC ${key}: persistentvolumeclaim "${name}" not found`);
      const foreign = ephemeral ? notMadeFor(pod.pod, claim) : undefined;
      if (foreign !== undefined) return new Error(foreign);
    }
    return undefined;
  }

  /** The driver of a volume that must be on the node and is not. One that no CSIDriver tells of need not be. */
  function missingDriver(volumes: VolumeDrivers, csiNode: CSINode | undefined): string | undefined {
    if (!options.drivers) return undefined;
    for (const driver of volumes.values()) {
      const mustBe = options.drivers.byKey(driver)?.spec.preventPodSchedulingIfMissing === true;
      if (mustBe && !driverOf(csiNode, driver)) return driver;
    }
    return undefined;
  }

  /** What the node's pods use and what is attached to it. */
  function present(node: NodeInfo): { used: VolumeDrivers; attached: VolumeDrivers } {
    const used: VolumeDrivers = new Map();
    for (const pod of node.pods.values()) collect(pod, used);
    const attached: VolumeDrivers = new Map();
    for (const { spec } of attachments.byIndex(BY_NODE, node.name)) {
      const volumeName = spec?.source.persistentVolumeName;
      const volume = volumeName ? options.volumes.byKey(volumeName) : undefined;
      const handle = volume && csiVolumeOf(volume)?.handle;
      if (spec?.attacher && handle) attached.set(`${spec.attacher}/${handle}`, spec.attacher);
    }
    return { used, attached };
  }

  /** The volumes of a pod. A claim that is not there counts nothing. */
  function collect(pod: PodInfo, into: VolumeDrivers): void {
    for (const { key, ephemeral } of pod.claims) {
      const claim = options.claims.byKey(key);
      if (!claim || (ephemeral && notMadeFor(pod.pod, claim))) continue;
      const volume = volumeOf(claim);
      if (volume) into.set(`${volume.driver}/${volume.handle}`, volume.driver);
    }
    for (const volume of pod.pod.spec?.volumes ?? []) {
      const inline = inlineCsiVolumeOf(volume, pod.pod.metadata.namespace ?? '');
      if (inline) into.set(`${inline.driver}/${inline.handle}`, inline.driver);
    }
  }

  /** The CSI volume of a claim; of one that has none yet the driver that its class names, under the claim's own name. */
  function volumeOf(claim: Stored<PersistentVolumeClaim>): { driver: string; handle: string } | undefined {
    const volume = claim.spec?.volumeName ? options.volumes.byKey(claim.spec.volumeName) : undefined;
    if (volume) return csiVolumeOf(volume);
    const provisioner = options.classes.byKey(claimClass(claim))?.provisioner;
    const driver = provisioner && driverOfProvisioner(provisioner);
    return driver ? { driver, handle: `unbound:${claim.metadata.uid}` } : undefined;
  }
}

interface Limits {
  /** The most volumes of each driver on the node; a driver that is not in it has no limit. */
  readonly counts: ReadonlyMap<string, number>;
  readonly lowest: number;
}

/** The limits of a CSINode are asked for thousands of times while it stays as it is. */
const KNOWN_LIMITS = new WeakMap<CSINode, Limits>();
const NO_LIMITS: Limits = { counts: new Map(), lowest: Infinity };

function limitsOf(csiNode: CSINode | undefined): Limits {
  if (!csiNode) return NO_LIMITS;
  const known = KNOWN_LIMITS.get(csiNode);
  if (known) return known;
  const counts = new Map<string, number>();
  for (const { name, allocatable } of driversOf(csiNode)) {
    if (allocatable?.count !== undefined) counts.set(name, allocatable.count);
  }
  const limits = { counts, lowest: Math.min(...counts.values()) };
  KNOWN_LIMITS.set(csiNode, limits);
  return limits;
}

/** Whether the wanted volumes would take a driver over its limit. Only those that a pod of the node uses cost nothing. */
export function exceeds(
  limits: ReadonlyMap<string, number>,
  wanted: ReadonlyMap<string, string>,
  present: { used: ReadonlyMap<string, string>; attached: ReadonlyMap<string, string> },
): boolean {
  const total = new Map<string, number>();
  const add = (driver: string) => total.set(driver, (total.get(driver) ?? 0) + 1);
  const growing = new Set<string>();
  for (const driver of present.used.values()) add(driver);
  for (const [name, driver] of present.attached) if (!present.used.has(name)) add(driver);
  for (const [name, driver] of wanted) {
    if (present.used.has(name)) continue;
    add(driver);
    growing.add(driver);
  }
  for (const driver of growing) if (total.get(driver)! > (limits.get(driver) ?? Infinity)) return true;
  return false;
}

function driverCame(before: CSINode | undefined, after: CSINode | undefined): boolean {
  return driversOf(after).some(({ name }) => !driverOf(before, name));
}

function limitRaised(before: CSINode | undefined, after: CSINode | undefined): boolean {
  const [old, now] = [limitsOf(before).counts, limitsOf(after).counts];
  for (const [driver, limit] of now) if (limit > (old.get(driver) ?? 0)) return true;
  return false;
}
