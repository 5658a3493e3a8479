import type { ComponentContext, Informer } from '../../client/index.ts';
import {
  type KubeObject,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type StorageClass,
  type Stored,
  storageClasses,
} from '../../kube/index.ts';
import type { World } from './plan.ts';
import { type PopulatorOptions, podName, primeName, uidOf } from './population.ts';

const BY_UID = 'populator-uid';
const BY_SOURCE = 'populator-source';
const BY_CLASS = 'populator-class';

type Claim = Stored<PersistentVolumeClaim>;
type Of = Pick<PopulatorOptions, 'namespace' | 'source' | 'by'>;

const sourceKey = (group: string, kind: string, namespace: string, name: string) =>
  [group, kind, namespace, name].join('/');

/** Where the object is that the claim is to be filled from; undefined when it names none. */
export function sourceOf({ metadata, spec }: PersistentVolumeClaim) {
  const reference = spec?.dataSourceRef;
  if (!reference) return undefined;
  const { apiGroup: group = '', kind, name, namespace = metadata?.namespace ?? '' } = reference;
  return { group, kind, namespace, name };
}

/** What a populator sees, and which claims a change concerns. */
export class Worlds {
  readonly informers: {
    readonly claims: Informer<PersistentVolumeClaim>;
    readonly volumes: Informer<PersistentVolume>;
    readonly pods: Informer<Pod>;
    readonly classes: Informer<StorageClass>;
    readonly sources: Informer<KubeObject>;
  };
  readonly #of: Of;

  constructor({ informers }: ComponentContext, of: Of) {
    this.#of = of;
    const claims = informers.of(persistentVolumeClaims);
    claims.addIndex(BY_UID, ({ metadata }) => [metadata.uid]);
    claims.addIndex(BY_CLASS, ({ spec }) => [spec?.storageClassName ?? '']);
    claims.addIndex(BY_SOURCE, (claim) => {
      const source = sourceOf(claim);
      return source ? [sourceKey(source.group, source.kind, source.namespace, source.name)] : [];
    });
    this.informers = {
      claims,
      volumes: informers.of(persistentVolumes),
      pods: informers.of(pods),
      classes: informers.of(storageClasses),
      sources: informers.of(of.source),
    };
  }

  /** The claim, if it is one for this populator to fill. */
  claimOf(key: string): Claim | undefined {
    const claim = this.informers.claims.byKey(key);
    return claim && this.#isOurs(claim) ? claim : undefined;
  }

  of(claim: Claim): World {
    const { claims, volumes, pods, classes, sources } = this.informers;
    const { namespace, by } = this.#of;
    const source = sourceOf(claim)!;
    const prime = claims.get(primeName(claim.metadata.uid), namespace);
    return {
      claim,
      source: sources.get(source.name, source.namespace),
      class: classes.get(claim.spec?.storageClassName ?? ''),
      prime,
      pod: 'pod' in by ? pods.get(podName(claim.metadata.uid), namespace) : undefined,
      volume: volumes.get(prime?.spec?.volumeName ?? ''),
    };
  }

  /** Tells each claim that is to be looked at: itself, or what it depends on, has changed. */
  listen(look: (claim: Claim) => void): (() => void)[] {
    const { claims, volumes, pods, classes, sources } = this.informers;
    const { namespace, source } = this.#of;
    const all = (found: readonly Claim[]) => {
      for (const claim of found) if (this.#isOurs(claim)) look(claim);
    };
    const byName = (name: string | undefined) => {
      const uid = name === undefined ? undefined : uidOf(name);
      if (uid !== undefined) all(claims.byIndex(BY_UID, uid));
    };
    const each = <T>(seen: (object: T) => void) => ({ added: seen, updated: seen, deleted: seen });
    return [
      claims.on(
        each<Claim>((claim) =>
          claim.metadata.namespace === namespace ? byName(claim.metadata.name) : all([claim]),
        ),
      ),
      pods.on(
        each<Stored<Pod>>(({ metadata }) => {
          if (metadata.namespace === namespace) byName(metadata.name);
        }),
      ),
      volumes.on(
        each<Stored<PersistentVolume>>(({ spec }) => {
          const reference = spec?.claimRef;
          if (reference?.namespace === namespace) byName(reference.name);
        }),
      ),
      classes.on(each<Stored<StorageClass>>(({ metadata }) => all(claims.byIndex(BY_CLASS, metadata.name)))),
      sources.on(
        each<Stored<KubeObject>>(({ metadata }) => {
          const key = sourceKey(source.group, source.kind, metadata.namespace ?? '', metadata.name);
          all(claims.byIndex(BY_SOURCE, key));
        }),
      ),
    ];
  }

  #isOurs(claim: Claim): boolean {
    const { namespace, source } = this.#of;
    const wanted = sourceOf(claim);
    return (
      claim.metadata.namespace !== namespace &&
      wanted?.group === source.group &&
      wanted.kind === source.kind &&
      wanted.name !== ''
    );
  }
}
