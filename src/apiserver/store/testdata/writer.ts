// Writes config maps into a data directory, 32 at a time, and prints the number of each once it is acknowledged.
import { writeSync } from 'node:fs';
import { systemClock, systemRandom } from '../../../base/index.ts';
import { configMaps } from '../../../kube/index.ts';
import { createLocalClient, createRegistry, openStore } from '../../index.ts';

const dataDir = process.argv[2]!;
const registry = await createRegistry({
  store: await openStore({ dataDir }),
  clock: systemClock,
  random: systemRandom,
});
const client = createLocalClient(registry);
let next = 0;
await Promise.all(
  Array.from({ length: 32 }, async () => {
    for (;;) {
      const number = next++;
      await client.create(configMaps, {
        metadata: { namespace: 'default', name: `w-${number}` },
        data: { text: 'x'.repeat(500) },
      });
      writeSync(1, `${number}\n`);
    }
  }),
);
