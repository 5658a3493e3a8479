import { findBestMatch } from '../src/controllers/persistent-volume/find-best-match.ts';
import { newClaim, newVolume } from '../src/controllers/persistent-volume/fixtures.ts';
import { VolumeIndex } from '../src/controllers/persistent-volume/volume-index.ts';
import { type Figure, timed } from './figure.ts';

const SIZES = [1_000, 10_000, 100_000];
const BINDS = 20_000;

/** What finding a volume, taking it out and putting it back costs, as the number of free ones grows. */
export async function matching(): Promise<Figure[]> {
  const figures: Figure[] = [];
  let first: number | undefined;
  for (const size of SIZES) {
    const microseconds = await perBind(size);
    const beside = first === undefined ? undefined : { what: `among ${SIZES[0]}`, value: first };
    first ??= microseconds;
    figures.push({
      what: `match a claim among ${size} free volumes`,
      value: microseconds,
      unit: 'µs',
      beside,
    });
  }
  return figures;
}

async function perBind(size: number): Promise<number> {
  const index = new VolumeIndex();
  // A prime step, so that sizes come in no order.
  for (let at = 0; at < size; at++)
    index.set(newVolume(`pv-${at}`, { size: `${1 + ((at * 7919) % size)}Mi` }));
  const claims = Array.from({ length: 1_000 }, (_, at) =>
    newClaim(`claim-${at}`, { size: `${1 + Math.floor((at * size) / 1_000)}Mi` }),
  );
  const work = async (times: number) => {
    for (let at = 0; at < times; at++) {
      const volume = findBestMatch(index, claims[at % claims.length]!);
      if (!volume) throw new Error(`no volume found among ${size}`);
      index.delete(volume.metadata.name);
      index.set(volume);
    }
  };
  await work(BINDS / 10);
  return ((await timed(() => work(BINDS))) / BINDS) * 1_000;
}
