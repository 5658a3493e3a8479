import { errorMessage } from '../../base/index.ts';
import {
  claimClass,
  isConflict,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
} from '../../kube/index.ts';
import type { Announcer } from './announcer.ts';
import { withUnboundStatus } from './bind.ts';
import { bind, type Writes } from './binder.ts';
import { warning } from './decision.ts';
import type { InTreeVolumes } from './in-tree.ts';
import type { Journal } from './journal.ts';
import { withClaimMigration } from './migration.ts';
import { type ClaimDecision, type ClaimView, syncBoundClaim, syncClaim } from './sync-claim.ts';
import { withProvisioner } from './with-provisioner.ts';

type Claim = Stored<PersistentVolumeClaim>;

/** What the claim worker reads and writes. */
export interface ClaimWorld extends ClaimView, Writes {
  /** Straight from the API server; undefined when it is not there. */
  liveVolume(name: string): Promise<Stored<PersistentVolume> | undefined>;
}

/** Carries out what syncClaim decides. */
export class ClaimSync {
  readonly #world: ClaimWorld;
  readonly #announcer: Announcer;
  readonly #journal: Journal;
  readonly #inTree: Pick<InTreeVolumes, 'provision'>;

  constructor(
    world: ClaimWorld,
    announcer: Announcer,
    journal: Journal,
    inTree: Pick<InTreeVolumes, 'provision'>,
  ) {
    this.#world = world;
    this.#announcer = announcer;
    this.#journal = journal;
    this.#inTree = inTree;
  }

  /** Resolves to what was decided and done. Nothing is awaited between the choice of a volume and holding it. */
  async sync(given: Claim): Promise<ClaimDecision> {
    const migrated = withClaimMigration(given);
    const claim = migrated ? await this.#world.saveClaim(migrated) : given;
    let decision = syncClaim(claim, this.#world);
    if (decision.action === 'lose') decision = await this.#confirmLoss(claim, decision);
    await this.#carryOut(claim, decision);
    return decision;
  }

  /** Lost is alarming, and the cache may be behind: the server is asked about the volume first. */
  async #confirmLoss(claim: Claim, decision: ClaimDecision): Promise<ClaimDecision> {
    if (!claim.spec?.volumeName || claim.status?.phase === 'Lost') return decision;
    const volume = await this.#world.liveVolume(claim.spec.volumeName);
    return syncBoundClaim(claim, volume);
  }

  async #carryOut(claim: Claim, decision: ClaimDecision): Promise<void> {
    switch (decision.action) {
      case 'bind': {
        const { volume } = decision;
        this.#journal.matched(claim, volume.metadata.name, volume.spec?.csi?.driver);
        this.#journal.bound(await bind(this.#world, claim, volume));
        this.#announcer.forget(claim);
        return;
      }
      case 'wait':
        if (decision.event) this.#announcer.tell(claim, decision.event);
        if (decision.event?.reason.startsWith('WaitFor')) this.#journal.handedOver(claim);
        await this.#setStatus(claim, 'Pending');
        return;
      case 'lose':
        if (claim.status?.phase === 'Lost') return;
        await this.#setStatus(claim, 'Lost');
        this.#announcer.tell(claim, decision.event);
        return;
      case 'assignClass':
        await this.#world.saveClaim({
          ...claim,
          spec: { ...claim.spec, storageClassName: decision.className },
        });
        return;
      case 'handOver':
        await this.#setProvisioner(claim, decision.provisioner);
        this.#announcer.tell(claim, decision.event);
        this.#journal.handedOver(claim, { driver: decision.provisioner });
        return;
      case 'provision':
        this.#inTree.provision(claim, decision.storageClass, decision.plugin, decision.provisioner);
        this.#journal.handedOver(claim, { driver: decision.plugin });
        return;
      case 'cannotProvision':
        this.#announcer.tell(claim, decision.event);
        return;
      case 'fail':
        this.#announcer.tell(claim, decision.event);
        throw new Error(decision.error);
    }
  }

  async #setStatus(claim: Claim, phase: 'Pending' | 'Lost'): Promise<void> {
    const changed = withUnboundStatus(claim, phase);
    if (changed) await this.#world.saveClaim(changed, 'status');
  }

  /** Tells the provisioner to begin. */
  async #setProvisioner(claim: Claim, provisioner: string): Promise<void> {
    const asked = withProvisioner(claim, provisioner);
    if (!asked) return;
    try {
      await this.#world.saveClaim(asked);
    } catch (error) {
      if (!isConflict(error)) {
        const text = `Error saving claim: ${errorMessage(error)}`;
        this.#announcer.tell(claim, warning('ProvisioningFailed', text));
      }
      throw error;
    }
  }

  /** Whether the claim takes any free volume that comes: it names none, and no scheduler chooses for it. */
  takesAnyVolume(claim: Claim): boolean {
    const mode = this.#world.storageClass(claimClass(claim))?.volumeBindingMode;
    return !claim.spec?.volumeName && mode !== 'WaitForFirstConsumer';
  }
}
