import { Code, CsiStatus } from '../../csi/index.ts';

/**
 * One operation at a time on each thing of a driver, over all its sockets. The toolkit sees to that for each socket and
 * service by itself; a driver's controller and nodes share what they work on.
 */
export class Exclusive {
  readonly #busy = new Set<string>();

  /**
   * Runs work that nothing else on the same thing may run beside.
   * @param what as in a message: `volume pvc-1`.
   * @throws CsiStatus ABORTED while other work on it is going on.
   */
  async run<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#busy.has(what))
      throw new CsiStatus(Code.ABORTED, `another operation on ${what} is pending; try again`);
    this.#busy.add(what);
    try {
      return await work();
    } finally {
      this.#busy.delete(what);
    }
  }
}
