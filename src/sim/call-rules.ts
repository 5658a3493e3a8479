import type { PersistentVolume, Stored } from '../kube/index.ts';
import type { Violation } from './violation.ts';
import type { Whereabouts } from './whereabouts.ts';

/** A call that has reached a driver. */
export interface Call {
  readonly rpc: string;
  readonly volumeId: string;
  /** Of a call to the controller service. */
  readonly node: string;
  /** Of a call to the node service. */
  readonly staging: string;
  /** What the volume is asked for as, where it is: `mount` or `block`. */
  readonly accessType?: string;
}

/** What there is to know of the call's volume. */
export interface KnownOfVolume {
  readonly where: Whereabouts;
  /** Many nodes may have it at once. */
  readonly shared: boolean;
  volume(): Stored<PersistentVolume> | undefined;
  /** Whether it may leave the node although it is mounted there. */
  mayForce(node: string): boolean;
  /** Whether it was asked for there by a leader that did not know that it leads no more. */
  askedLate(node: string): boolean;
}

type Rule = (call: Call, known: KnownOfVolume) => Iterable<Violation>;

const RULES: Readonly<Record<string, Rule>> = {
  DeleteVolume: deletesWhatIsReleased,
  ControllerPublishVolume: leavesItToTheNodeThatHasIt,
  NodeStageVolume: (call, known) => [...keepsItsMode(call, known), ...publishesFirst(call, known)],
  ControllerUnpublishVolume: unstagesFirst,
  NodePublishVolume: stagesFirst,
  NodeUnstageVolume: unpublishesFirst,
};

/** The rules that a call breaks. Source: design, section 5; the CSI specification, volume lifecycle. */
export function callViolations(call: Call, known: KnownOfVolume): readonly Violation[] {
  return [...(RULES[call.rpc]?.(call, known) ?? [])];
}

function* deletesWhatIsReleased({ volumeId }: Call, { where, volume }: KnownOfVolume): Iterable<Violation> {
  const mounted = where.mountsOf(volumeId);
  if (mounted.length > 0)
    yield { rule: 'no volume in use is deleted', detail: `${volumeId} is mounted at ${mounted.join(', ')}` };
  const [holder] = where.publishedTo(volumeId);
  if (holder !== undefined)
    yield { rule: 'no attached volume is deleted', detail: `${volumeId} is published to ${holder}` };
  const found = volume();
  if (!found) return;
  const policy = found.spec?.persistentVolumeReclaimPolicy;
  if (policy !== 'Delete')
    yield { rule: 'retained volumes stay', detail: `${volumeId} has policy ${policy}` };
  const { phase } = found.status ?? {};
  if (phase !== 'Released' && phase !== 'Failed' && found.metadata.deletionTimestamp === undefined)
    yield { rule: 'only released volumes are deleted', detail: `${volumeId} is ${phase}` };
}

function* leavesItToTheNodeThatHasIt({ volumeId, node }: Call, known: KnownOfVolume): Iterable<Violation> {
  // The driver must refuse then, and the rule about mounts sees to it that it does.
  if (known.shared || known.askedLate(node)) return;
  for (const holder of known.where.publishedTo(volumeId))
    if (holder !== node && known.where.mountsOn(volumeId, holder).length > 0)
      yield {
        rule: 'one node at a time',
        detail: `${volumeId} is to be published to ${node} and is on ${holder}`,
      };
}

function* unstagesFirst({ volumeId, node }: Call, { where, mayForce }: KnownOfVolume): Iterable<Violation> {
  const left = where.mountsOn(volumeId, node);
  if (left.length > 0 && !mayForce(node))
    yield {
      rule: 'unstage before controller-unpublish',
      detail: `${volumeId} leaves ${node}, mounted at ${left}`,
    };
}

/** A detach by force may come in between. */
function* publishesFirst(
  { volumeId, staging }: Call,
  { where, mayForce }: KnownOfVolume,
): Iterable<Violation> {
  const node = /^\/kubelet\/([^/]+)\//.exec(staging)?.[1] ?? '';
  if (!where.publishedTo(volumeId).includes(node) && !mayForce(node))
    yield {
      rule: 'controller-publish before stage',
      detail: `${volumeId} is staged on ${node}, where it is not published`,
    };
}

/** A block volume that is mounted is formatted first, over whatever data it has. */
function* keepsItsMode({ volumeId, accessType }: Call, { volume }: KnownOfVolume): Iterable<Violation> {
  const mode = volume()?.spec?.volumeMode;
  if (mode !== undefined && (mode === 'Block') !== (accessType === 'block'))
    yield {
      rule: 'a volume keeps its mode',
      detail: `${volumeId}, of mode ${mode}, is staged as ${accessType}`,
    };
}

function* stagesFirst(
  { volumeId, staging, accessType }: Call,
  { where }: KnownOfVolume,
): Iterable<Violation> {
  // Nothing need be seen of a device that is staged.
  if (accessType === 'block') return;
  if (!where.mountsOf(volumeId, true).includes(staging))
    yield { rule: 'stage before publish', detail: `${volumeId} is not staged at ${staging}` };
}

function* unpublishesFirst({ volumeId, staging }: Call, { where }: KnownOfVolume): Iterable<Violation> {
  const root = staging.slice(0, staging.indexOf('/plugins/'));
  const left = where
    .mountsOf(volumeId)
    .filter((target) => target.startsWith(`${root}/`) && target !== staging);
  if (left.length > 0)
    yield {
      rule: 'unpublish before unstage',
      detail: `${volumeId} is still mounted at ${left.join(', ')}`,
    };
}
