import type {
  Action,
  Extra,
  Modes,
  PodWish,
  StaticVolume,
  Step,
  WorkloadKind,
  WorkloadName,
} from './actions.ts';
import { withAttributes, withLostAttributes } from './attributes.ts';
import { classesOf } from './classes.ts';
import { withCopies } from './copies.ts';
import { childSeed, Dice } from './dice.ts';
import { withFlexVolumes } from './flex/steps.ts';
import { withGroups } from './groups.ts';
import { withGrowth } from './growth.ts';
import { withLocalVolumes } from './local-volumes.ts';
import { withNamespaces } from './namespaces.ts';
import type { Setting } from './setting.ts';
import type { Driver } from './sizes.ts';

const ONE_NODE: readonly Modes[] = [
  ['ReadWriteOnce'],
  ['ReadWriteOnce'],
  ['ReadWriteOnce'],
  ['ReadWriteOncePod'],
];
const MANY_NODES: readonly Modes[] = [
  ['ReadWriteMany'],
  ['ReadOnlyMany'],
  ['ReadWriteOnce', 'ReadWriteMany'],
];
/** StatefulSets as often as all others. */
const KINDS: readonly WorkloadKind[] = [
  ...(['StatefulSet', 'StatefulSet', 'StatefulSet'] as const),
  ...(['Deployment', 'DaemonSet', 'Job'] as const),
];
const EXTRAS: readonly Extra[] = ['empty', 'memory', 'config', 'secret'];
const MINUTE_MS = 60_000;

/** What users do under a seed. The list is the same whatever else happens, so that steps can be left out of it. */
export function drawWorkload(seed: number, setting: Setting): Step[] {
  const steps = new Draft(new Dice(childSeed(seed, 'workload')), setting).draw(setting.size.steps);
  const apart = (what: string) => new Dice(childSeed(seed, what));
  const growing = withGrowth(steps, apart('growth'));
  const copying = withCopies(withAttributes(growing, apart('attributes')), apart('copies'));
  const flexing = withFlexVolumes(withGroups(copying, apart('groups')), apart('flex'), setting);
  const losing = withLostAttributes(flexing, apart('lost-attributes'));
  const placing = withLocalVolumes(losing, apart('local'), setting);
  return withNamespaces(placing, apart('namespaces'), setting);
}

class Draft {
  readonly #dice: Dice;
  readonly #setting: Setting;
  readonly #steps: Step[] = [];
  readonly #claims: string[] = [];
  readonly #pods: PodWish[] = [];
  /** Claims of raw block devices. */
  readonly #blocks = new Set<string>();
  readonly #workloads: WorkloadName[] = [];
  /** Nodes whose machine has had its trouble, or has it still: one misfortune a node. */
  readonly #stricken = new Set<string>();
  #atMs = 2_000;
  #serial = 0;

  constructor(dice: Dice, setting: Setting) {
    this.#dice = dice;
    this.#setting = setting;
  }

  draw(count: number): Step[] {
    this.#newPod([this.#newClaim()]);
    while (this.#steps.length < count) this.#one();
    return this.#steps.slice(0, count);
  }

  #one(): void {
    const dice = this.#dice;
    const [pods, claims, workloads] = [this.#pods, this.#claims, this.#workloads];
    const draw = dice.int(18);
    if (draw <= 2) this.#newPod([this.#newClaim(), ...(dice.chance(0.1) ? [this.#newClaim()] : [])]);
    else if (draw === 3) this.#newClaim();
    else if (draw <= 5 && claims.length > 0) this.#newPod([dice.pick(claims)]);
    else if (draw <= 7 && pods.length > 0) this.#replacePod();
    else if (draw === 8 && pods.length > 0) this.#deleteTogether();
    else if (draw === 9 && claims.length > 0) this.#add({ do: 'delete-claim', claim: dice.pick(claims) });
    else if (draw === 10 && claims.length > 0) this.#add({ do: 'delete-volume', claim: dice.pick(claims) });
    else if (draw === 11 && workloads.length < 2) this.#newWorkload();
    else if (draw <= 13 && workloads.length > 0) this.#changeWorkload();
    else if (draw === 14) this.#replaceClass();
    else if (draw === 15) this.#switchDefault();
    else if (draw >= 16) this.#strikeNode();
  }

  #add(action: Action): void {
    this.#steps.push({ atMs: this.#atMs, action });
    const dice = this.#dice;
    this.#atMs += dice.chance(0.25) ? dice.between(0, 50) : dice.delay(this.#setting.paceMs);
  }

  #name(kind: string): string {
    return `${kind}-${++this.#serial}`;
  }

  #modes(driver: Driver | undefined): Modes {
    const many = driver === 'network' && this.#dice.chance(0.4);
    return this.#dice.pick(many ? MANY_NODES : ONE_NODE);
  }

  #newClaim(): string {
    const dice = this.#dice;
    const claim = this.#name('claim');
    this.#claims.push(claim);
    if (dice.chance(0.15)) this.#newStatic(claim);
    else if (dice.chance(0.1)) this.#add({ do: 'claim', claim, modes: this.#modes(undefined) });
    else {
      const { name, driver } = dice.pick(classesOf(this.#setting));
      const block = driver === 'disk' && dice.chance(0.1);
      if (block) this.#blocks.add(claim);
      this.#add({ do: 'claim', claim, storageClass: name, modes: this.#modes(driver), block });
    }
    return claim;
  }

  #newStatic(claim: string): void {
    const dice = this.#dice;
    const kind = this.#setting.drivers.includes('network') && dice.chance(0.7) ? 'network' : 'host';
    this.#add({
      do: 'static',
      claim,
      modes: this.#modes(kind === 'network' ? 'network' : 'disk'),
      kind,
      policy: dice.chance(0.5) ? 'Retain' : this.#otherPolicy(kind),
      names: dice.pick(['nobody', 'claim', 'volume', 'both'] as const),
      volumeFirst: dice.chance(0.5),
    });
  }

  /** A pod that recycles a host path may come to any node, as upstream: only with one is that the right one. */
  #otherPolicy(kind: StaticVolume['kind']): StaticVolume['policy'] {
    if (kind === 'network') return 'Delete';
    return this.#setting.nodes.length === 1 ? 'Recycle' : 'Retain';
  }

  #newPod(claims: readonly string[]): void {
    const dice = this.#dice;
    const pod = {
      pod: this.#name('pod'),
      claims,
      extras: EXTRAS.filter(() => dice.chance(0.12)),
      node: dice.chance(0.3) ? dice.pick(this.#setting.nodes) : undefined,
      scratch: dice.chance(0.08) ? dice.pick(classesOf(this.#setting)).name : undefined,
      blocks: claims.filter((claim) => this.#blocks.has(claim)),
    };
    this.#pods.push(pod);
    this.#add({ do: 'pod', ...pod });
  }

  #takePod(): PodWish {
    return this.#pods.splice(this.#dice.int(this.#pods.length), 1)[0]!;
  }

  /** A pod goes, and perhaps another with its claims comes at once. */
  #replacePod(): void {
    const { pod, claims } = this.#takePod();
    this.#add({ do: 'delete-pod', pod, graceSeconds: this.#dice.chance(0.15) ? 0 : undefined });
    if (this.#dice.chance(0.6)) this.#newPod(claims);
  }

  /** Pod, claim and volume in any order. */
  #deleteTogether(): void {
    const { pod, claims } = this.#takePod();
    const claim = claims[0]!;
    const three: Action[] = [
      { do: 'delete-pod', pod },
      { do: 'delete-claim', claim },
      { do: 'delete-volume', claim },
    ];
    while (three.length > 0) this.#add(three.splice(this.#dice.int(three.length), 1)[0]!);
  }

  #newWorkload(): void {
    const dice = this.#dice;
    const kind = dice.pick(KINDS);
    const shares = kind === 'Deployment' || kind === 'Job';
    const claim = shares ? this.#someClaim() : undefined;
    const name = this.#name(kind.toLowerCase());
    this.#workloads.push({ kind, name });
    this.#add({
      do: 'workload',
      kind,
      name,
      replicas: 1 + dice.int(2),
      ordered: dice.chance(0.5),
      ...(shares ? { claim } : { storageClass: dice.pick(classesOf(this.#setting)).name }),
      budget: kind === 'StatefulSet' && dice.chance(0.3),
    });
  }

  #changeWorkload(): void {
    const dice = this.#dice;
    const at = dice.int(this.#workloads.length);
    const { kind, name } = this.#workloads[at]!;
    const draw = dice.int(5);
    if (draw === 0 || kind === 'Job') {
      this.#workloads.splice(at, 1);
      this.#add({ do: 'delete-workload', kind, name });
    } else if (draw === 1) this.#add({ do: 'restart', kind, name, revision: ++this.#serial });
    else if (draw === 2 && kind === 'StatefulSet') this.#add({ do: 'evict', pod: `${name}-0` });
    else if (kind !== 'DaemonSet') this.#add({ do: 'scale', kind, name, replicas: dice.int(4) });
  }

  #someClaim(): string {
    return this.#claims.length > 0 && this.#dice.chance(0.5)
      ? this.#dice.pick(this.#claims)
      : this.#newClaim();
  }

  #replaceClass(): void {
    const dice = this.#dice;
    const { name, driver, waits } = dice.pick(classesOf(this.#setting));
    // A class of the disk driver that waits must keep pods off the nodes that have no pool.
    const mode = dice.chance(0.3) ? dice.chance(0.5) : waits;
    this.#add({
      do: 'replace-class',
      storageClass: name,
      reclaimPolicy: dice.pick(['Delete', 'Retain']),
      volumeBindingMode: mode ? 'WaitForFirstConsumer' : 'Immediate',
      tier: driver === 'network' ? dice.pick([undefined, 'gold', 'silver']) : undefined,
      restricted: driver === 'disk' ? mode : dice.chance(0.3),
    });
  }

  #switchDefault(): void {
    const storageClass = this.#dice.pick([undefined, ...classesOf(this.#setting).map(({ name }) => name)]);
    this.#add({ do: 'default-class', storageClass });
  }

  /** A node loses its power or its network, for seconds or for longer than anybody waits, or for ever. */
  #strikeNode(): void {
    const dice = this.#dice;
    const { nodes, poolNode } = this.#setting;
    const node = dice.pick(nodes);
    if (this.#stricken.has(node)) return;
    this.#stricken.add(node);
    const outages = this.#setting.size.outageMinutes;
    const forMs = dice.pick(outages.map(([least, most]) => dice.between(least, most) * MINUTE_MS));
    const helpMs = dice.between(10_000, 3 * MINUTE_MS);
    const helps = helpMs < forMs * 0.9 && dice.chance(0.5);
    const draw = dice.int(5);
    if (draw === 0 && node !== poolNode) this.#add({ do: 'lose', node, helpMs });
    else if (draw <= 2) this.#add({ do: 'cut-off', node, forMs, helpMs: helps ? helpMs : undefined });
    else this.#add({ do: 'power-off', node, forMs, helpMs: helps ? helpMs : undefined });
  }
}
