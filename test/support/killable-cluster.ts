import assert from 'node:assert/strict';
import { type Moment, mortalCluster } from './mortal-cluster.ts';

/** A cluster that is killed at chosen moments, and started again on what it has left. */
export interface KillableCluster {
  /** Does something in the course of which it dies at the moment, and starts it again. Resolves to what to call that. */
  during(moment: Moment, work: () => Promise<unknown>): Promise<string>;
  end(): Promise<void>;
}

export async function killableCluster(directory: string): Promise<KillableCluster> {
  let cluster = await mortalCluster(directory);
  return {
    async during(moment, work) {
      await cluster.dieAt(moment);
      const done = work().catch((error: unknown) => error);
      const words = `${moment.when} ${moment.call} ${moment.at}`;
      assert.equal(await cluster.died(60_000), 'SIGKILL', `it does not come to: ${words}`);
      await done;
      cluster = await mortalCluster(directory);
      return words;
    },
    end: () => cluster.end(),
  };
}
