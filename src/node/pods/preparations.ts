import { isDeepStrictEqual } from 'node:util';
import type { ContainerSetup, PreparedContainer, Runtime } from '../runtime/index.ts';

/** Containers of one pod that are made ready while its volumes are on their way. */
export class Preparations {
  readonly #runtime: Pick<Runtime, 'prepare'>;
  readonly #prepared = new Map<
    string,
    { readonly setup: ContainerSetup; readonly container: PreparedContainer }
  >();

  constructor(runtime: Pick<Runtime, 'prepare'>) {
    this.#runtime = runtime;
  }

  /** Begins with a container, unless it is made ready already. */
  add(setup: ContainerSetup): void {
    const { containerName } = setup;
    if (this.#prepared.has(containerName)) return;
    this.#prepared.set(containerName, { setup, container: this.#runtime.prepare(setup) });
  }

  /** Hands over what was made ready for exactly this; what was made ready for something else goes. */
  async take(setup: ContainerSetup): Promise<PreparedContainer | undefined> {
    const found = this.#prepared.get(setup.containerName);
    this.#prepared.delete(setup.containerName);
    if (!found || isDeepStrictEqual(found.setup, setup)) return found?.container;
    await found.container.discard();
    return undefined;
  }

  /** Resolves when nothing is left of those that nobody took. */
  async discard(): Promise<void> {
    const unused = [...this.#prepared.values()];
    this.#prepared.clear();
    await Promise.all(unused.map(({ container }) => container.discard()));
  }
}
