import type { Client } from '../../client/index.ts';
import { type Pod, pods, type Stored } from '../../kube/index.ts';

interface Listing {
  readonly running: Promise<readonly Stored<Pod>[]>;
  next: Promise<readonly Stored<Pod>[]> | undefined;
}

/**
 * Live lists of a namespace's pods. Whoever asks gets a list that began after the question; all who ask while one is
 * under way share the next one, so that deleting a thousand claims costs a few lists.
 */
export class LivePods {
  readonly #client: Client;
  readonly #listings = new Map<string, Listing>();

  constructor(client: Client) {
    this.#client = client;
  }

  list(namespace: string): Promise<readonly Stored<Pod>[]> {
    const current = this.#listings.get(namespace);
    if (!current) return this.#begin(namespace);
    current.next ??= current.running.then(
      () => this.#begin(namespace),
      () => this.#begin(namespace),
    );
    return current.next;
  }

  #begin(namespace: string): Promise<readonly Stored<Pod>[]> {
    const running = this.#client.list(pods, { namespace }).then(({ items }) => items);
    const listing: Listing = { running, next: undefined };
    this.#listings.set(namespace, listing);
    const done = () => {
      if (this.#listings.get(namespace) === listing && !listing.next) this.#listings.delete(namespace);
    };
    running.then(done, done);
    return running;
  }
}
