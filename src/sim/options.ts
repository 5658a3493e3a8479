import type { Scenario } from './simulate.ts';
import { DEFAULT_SIZE, isSizeName, SIZES, type SizeName } from './sizes.ts';

/** What `npm run sim` is asked to do. */
export type Command =
  | {
      readonly kind: 'many';
      readonly first: number;
      readonly count?: number;
      readonly minutes?: number;
      readonly size: SizeName;
    }
  | { readonly kind: 'one'; readonly scenario: Scenario; readonly quiet: boolean; readonly log: boolean }
  | { readonly kind: 'shrink'; readonly scenario: Scenario };

export const USAGE = `npm run sim -- [options]

  --seeds N     run N seeds [200]
  --from N      the first of them [1]
  --minutes M   run seeds for M minutes
  --seed N      run one seed and print its trace: who did what when
  --log         with what the components log
  --quiet       without the trace
  --shrink N    look for fewer steps and faults with which seed N still fails
  --size SIZE   how much there is to a seed: ${Object.keys(SIZES).join(', ')} [${DEFAULT_SIZE}]
  --only LIST   only these steps, by number: 0,3,4
  --faults LIST only these faults, as crash:1,api-error:2; none for a day without
`;

/** @throws Error that says what is wrong with the arguments. */
export function parseCommand(args: readonly string[]): Command {
  const given = new Map<string, string>();
  for (let at = 0; at < args.length; at++) {
    const name = args[at]!;
    const flag = name === '--log' || name === '--quiet';
    if (!flag && !VALUES.includes(name)) throw new Error(`unknown argument ${JSON.stringify(name)}`);
    const value = flag ? '' : args[++at];
    if (value === undefined) throw new Error(`${name} needs a value`);
    given.set(name, value);
  }
  const number = (name: string): number | undefined => {
    const text = given.get(name);
    if (text === undefined) return undefined;
    if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`${name} ${JSON.stringify(text)}: not a number`);
    return Number(text);
  };
  const list = (name: string) =>
    given
      .get(name)
      ?.split(',')
      .filter((text) => text !== '' && text !== 'none');
  const size = given.get('--size') ?? DEFAULT_SIZE;
  if (!isSizeName(size))
    throw new Error(`--size ${JSON.stringify(size)}: it is one of ${Object.keys(SIZES).join(', ')}`);
  const scenario = (seed: number): Scenario => ({
    seed,
    ...(size === DEFAULT_SIZE ? {} : { size }),
    only: list('--only')?.map(Number),
    faults: list('--faults'),
  });
  const seed = number('--seed');
  if (seed !== undefined)
    return { kind: 'one', scenario: scenario(seed), quiet: given.has('--quiet'), log: given.has('--log') };
  const toShrink = number('--shrink');
  if (toShrink !== undefined) return { kind: 'shrink', scenario: scenario(toShrink) };
  const minutes = number('--minutes');
  const count = number('--seeds') ?? (minutes === undefined ? 200 : undefined);
  return { kind: 'many', first: number('--from') ?? 1, count, minutes, size };
}

const VALUES = ['--seeds', '--from', '--minutes', '--seed', '--shrink', '--size', '--only', '--faults'];

/** The one command that runs a scenario again. */
export function replayCommand({ seed, size, only, faults }: Scenario): string {
  return [
    `npm run sim -- --seed ${seed}`,
    size === undefined ? '' : `--size ${size}`,
    only === undefined ? '' : `--only ${only.length === 0 ? 'none' : only.join(',')}`,
    faults === undefined ? '' : `--faults ${faults.length === 0 ? 'none' : faults.join(',')}`,
  ]
    .filter((text) => text !== '')
    .join(' ');
}
