import type { Random } from '../../src/base/index.ts';
import type { Client } from '../../src/client/index.ts';
import { configMaps, StatusError } from '../../src/kube/index.ts';
import type { Ledger } from './ledger.ts';
import { dataOf, foundIn, NAMESPACE, objectOf } from './payload.ts';

const OBJECTS_PER_WRITER = 12;
let serials = 0;

/** Creates, updates, patches and deletes objects of its own until the server is gone. @throws StatusError for a refusal */
export async function writeUntilGone(
  writer: number,
  { client, ledger, random }: { client: Client; ledger: Ledger; random: Random },
): Promise<void> {
  for (;;) {
    const name = `w${writer}-${Math.floor(random.next() * OBJECTS_PER_WRITER)}`;
    const known = ledger.known(name);
    const after = ledger.newest;
    const serial = ++serials;
    const dice = random.next();
    try {
      if (known === undefined) {
        ledger.send(name, { serial });
        const made = await client.create(configMaps, objectOf(name, serial));
        ledger.acknowledge(name, foundIn(made), after);
      } else if (dice < 0.2) {
        ledger.send(name, 'delete');
        await client.delete(configMaps, { namespace: NAMESPACE, name });
        ledger.acknowledge(name, undefined, after);
      } else if (dice < 0.6) {
        ledger.send(name, { serial });
        const object = objectOf(name, serial, String(known.revision));
        ledger.acknowledge(name, foundIn(await client.update(configMaps, object)), after);
      } else {
        ledger.send(name, { serial });
        const patch = { type: 'merge' as const, body: { data: dataOf(serial) } };
        const patched = await client.patch(configMaps, { namespace: NAMESPACE, name }, patch);
        ledger.acknowledge(name, foundIn(patched), after);
      }
    } catch (error) {
      // An answer that is a refusal would be a fault: nobody else writes these objects.
      if (error instanceof StatusError || (error as Error).name === 'AssertionError') throw error;
      return;
    }
  }
}
