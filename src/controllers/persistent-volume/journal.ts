import type { Span, Trace } from '../../base/index.ts';
import {
  ANN_SELECTED_NODE,
  annotation,
  keyOf,
  type PersistentVolumeClaim,
  type Stored,
} from '../../kube/index.ts';

const COMPONENT = 'persistentvolume-controller';

type Claim = Stored<PersistentVolumeClaim>;

interface Journey {
  readonly uid: string;
  claim: Span | undefined;
  bind: Span | undefined;
}

/** The trace of each unbound claim: step `claim` until it is clear who acts next, step `bind` until it is Bound. */
export class Journal {
  readonly #trace: Trace;
  readonly #journeys = new Map<string, Journey>();

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** The claim is there and not bound. Counts once in a claim's life. */
  seen(claim: Claim): void {
    const key = keyOf(claim);
    if (this.#journeys.get(key)?.uid === claim.metadata.uid) return;
    this.gone(key);
    const span = this.#trace.begin(COMPONENT, 'claim', key, attributesOf(claim));
    this.#journeys.set(key, { uid: claim.metadata.uid, claim: span, bind: undefined });
  }

  /** It waits for a consumer, or for its provisioner. */
  handedOver(claim: Claim, attributes: Record<string, string> = {}): void {
    const journey = this.#journeys.get(keyOf(claim));
    journey?.claim?.ok(attributes);
    if (journey) journey.claim = undefined;
  }

  /** A volume was found for it. */
  matched(claim: Claim, volume: string, driver: string | undefined): void {
    this.handedOver(claim, { volume });
    const journey = this.#journeys.get(keyOf(claim));
    if (!journey || journey.bind) return;
    const attributes = { ...attributesOf(claim), volume, ...(driver && { driver }) };
    journey.bind = this.#trace.begin(COMPONENT, 'bind', keyOf(claim), attributes);
  }

  bound(claim: Claim): void {
    const journey = this.#journeys.get(keyOf(claim));
    journey?.bind?.ok();
    this.#journeys.delete(keyOf(claim));
  }

  /** The claim was deleted; steps that were under way end as failed. */
  gone(key: string): void {
    const journey = this.#journeys.get(key);
    journey?.claim?.fail('the claim was deleted');
    journey?.bind?.fail('the claim was deleted');
    this.#journeys.delete(key);
  }
}

function attributesOf(claim: Claim): Record<string, string> {
  const node = annotation(claim, ANN_SELECTED_NODE);
  return node ? { node } : {};
}
