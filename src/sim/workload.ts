import type { Action, Extra, Modes, PodWish, Step } from './actions.ts';
import { classesOf } from './classes.ts';
import { childSeed, Dice } from './dice.ts';
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
const EXTRAS: readonly Extra[] = ['empty', 'memory', 'config', 'secret'];
const MINUTE_MS = 60_000;

/** What users do under a seed. The list is the same whatever else happens, so that steps can be left out of it. */
export function drawWorkload(seed: number, setting: Setting): Step[] {
  return new Draft(new Dice(childSeed(seed, 'workload')), setting).draw(setting.size.steps);
}

class Draft {
  readonly #dice: Dice;
  readonly #setting: Setting;
  readonly #steps: Step[] = [];
  readonly #claims: string[] = [];
  readonly #pods: PodWish[] = [];
  readonly #sets: string[] = [];
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
    const [pods, claims, sets] = [this.#pods, this.#claims, this.#sets];
    const draw = dice.int(18);
    if (draw <= 2) this.#newPod([this.#newClaim(), ...(dice.chance(0.1) ? [this.#newClaim()] : [])]);
    else if (draw === 3) this.#newClaim();
    else if (draw <= 5 && claims.length > 0) this.#newPod([dice.pick(claims)]);
    else if (draw <= 7 && pods.length > 0) this.#replacePod();
    else if (draw === 8 && pods.length > 0) this.#deleteTogether();
    else if (draw === 9 && claims.length > 0) this.#add({ do: 'delete-claim', claim: dice.pick(claims) });
    else if (draw === 10 && claims.length > 0) this.#add({ do: 'delete-volume', claim: dice.pick(claims) });
    else if (draw === 11 && sets.length < 2) this.#newSet();
    else if (draw <= 13 && sets.length > 0) this.#changeSet();
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
      this.#add({ do: 'claim', claim, storageClass: name, modes: this.#modes(driver) });
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
      policy: kind === 'network' && dice.chance(0.5) ? 'Delete' : 'Retain',
      names: dice.pick(['nobody', 'claim', 'volume', 'both'] as const),
      volumeFirst: dice.chance(0.5),
    });
  }

  #newPod(claims: readonly string[]): void {
    const dice = this.#dice;
    const pod = {
      pod: this.#name('pod'),
      claims,
      extras: EXTRAS.filter(() => dice.chance(0.12)),
      node: dice.chance(0.3) ? dice.pick(this.#setting.nodes) : undefined,
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

  #newSet(): void {
    const dice = this.#dice;
    const set = this.#name('set');
    this.#sets.push(set);
    this.#add({
      do: 'stateful-set',
      set,
      replicas: 1 + dice.int(2),
      storageClass: dice.pick(classesOf(this.#setting)).name,
      policy: dice.pick(['Parallel', 'OrderedReady'] as const),
    });
  }

  #changeSet(): void {
    const dice = this.#dice;
    const draw = dice.int(4);
    if (draw === 0)
      this.#add({ do: 'delete-set', set: this.#sets.splice(dice.int(this.#sets.length), 1)[0]! });
    else if (draw === 1)
      this.#add({ do: 'restart-set', set: dice.pick(this.#sets), revision: ++this.#serial });
    else this.#add({ do: 'scale', set: dice.pick(this.#sets), replicas: dice.int(4) });
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
