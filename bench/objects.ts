// What objects cost: memory for each thousand, and one more write as they become many. Prints figures as JSON.
import { createLocalClient, createRegistry, openStore } from '../src/apiserver/index.ts';
import { systemClock, systemRandom } from '../src/base/index.ts';
import { configMaps } from '../src/kube/index.ts';
import { type Figure, median, timed } from './figure.ts';

const SIZES = [1_000, 10_000, 100_000, 1_000_000] as const;
const WRITES = 2_000;
const AT_ONCE = 500;

const store = await openStore({ memory: true });
const registry = await createRegistry({ store, clock: systemClock, random: systemRandom });
const client = createLocalClient(registry);
const objectOf = (name: string) => ({
  metadata: { namespace: 'default', name, labels: { app: 'bench' } },
  data: { text: 'x'.repeat(200) },
});

const figures: Figure[] = [];
let made = 0;
const residentMb = () => {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().rss / 2 ** 20;
};
const emptyMb = residentMb();

for (const size of SIZES) {
  while (made < size) {
    const count = Math.min(AT_ONCE, size - made);
    await Promise.all(
      Array.from({ length: count }, () => client.create(configMaps, objectOf(`object-${made++}`))),
    );
  }
  const resident = residentMb();
  const times: number[] = [];
  for (let index = 0; index < WRITES; index++) {
    const name = `object-${Math.floor((index / WRITES) * made)}`;
    const patch = { type: 'merge' as const, body: { data: { index: String(index) } } };
    times.push(await timed(() => client.patch(configMaps, { namespace: 'default', name }, patch)));
  }
  const listed = await timed(() => client.list(configMaps, { limit: 1 }));
  const label = `${size.toLocaleString('en')} objects`;
  figures.push(
    { what: `one write among ${label}, median`, value: median(times) * 1000, unit: 'µs' },
    { what: `first list of one after them, ${label}`, value: listed, unit: 'ms' },
    {
      what: `resident with ${label}`,
      value: resident,
      unit: 'MB',
      budget: size === 100_000 ? 1_000 : undefined,
    },
    { what: `for each 1,000 of ${label}`, value: ((resident - emptyMb) / size) * 1000, unit: 'MB' },
  );
}
process.stdout.write(JSON.stringify(figures));
