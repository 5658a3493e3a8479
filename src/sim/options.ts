import { FAULT_KINDS } from './faults.ts';
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

/** What each way to run takes beside the option that asks for it. */
const TAKES = {
  '--seed': ['--size', '--only', '--faults', '--log', '--quiet'],
  '--shrink': ['--size', '--only', '--faults'],
  '--seeds': ['--minutes', '--from', '--size'],
} as const;
const FLAGS = ['--log', '--quiet'];
const OPTIONS: ReadonlySet<string> = new Set(Object.entries(TAKES).flat(2));

/** @throws Error that says what is wrong with the arguments. */
export function parseCommand(args: readonly string[]): Command {
  const given = readOptions(args);
  const way = given.has('--seed') ? '--seed' : given.has('--shrink') ? '--shrink' : '--seeds';
  for (const name of given.keys())
    if (name !== way && !(TAKES[way] as readonly string[]).includes(name))
      throw new Error(
        way === '--seeds' ? `${name} needs --seed or --shrink` : `${name} does not go with ${way}`,
      );
  const size = given.get('--size') ?? DEFAULT_SIZE;
  if (!isSizeName(size))
    throw new Error(`--size ${JSON.stringify(size)}: it is one of ${Object.keys(SIZES).join(', ')}`);
  if (way === '--seeds') {
    const minutes = optional(given.get('--minutes'), (text) => numberOf('--minutes', text));
    const count = optional(given.get('--seeds'), (text) => wholeOf('--seeds', text, 1));
    const first = optional(given.get('--from'), (text) => wholeOf('--from', text)) ?? 1;
    return { kind: 'many', first, count: count ?? (minutes === undefined ? 200 : undefined), minutes, size };
  }
  const scenario: Scenario = {
    seed: wholeOf(way, given.get(way)!),
    ...(size === DEFAULT_SIZE ? {} : { size }),
    only: optional(given.get('--only'), (text) => listOf(text).map((step) => wholeOf('--only', step))),
    faults: optional(given.get('--faults'), (text) => listOf(text).map(faultOf)),
  };
  if (way === '--shrink') return { kind: 'shrink', scenario };
  return { kind: 'one', scenario, quiet: given.has('--quiet'), log: given.has('--log') };
}

function readOptions(args: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (let at = 0; at < args.length; at++) {
    const name = args[at]!;
    if (!OPTIONS.has(name)) throw new Error(`unknown argument ${JSON.stringify(name)}`);
    if (given.has(name)) throw new Error(`${name} is given twice`);
    const value = FLAGS.includes(name) ? '' : args[++at];
    if (value === undefined) throw new Error(`${name} needs a value`);
    given.set(name, value);
  }
  return given;
}

function optional<T>(text: string | undefined, read: (text: string) => T): T | undefined {
  return text === undefined ? undefined : read(text);
}

function listOf(text: string): string[] {
  return text.split(',').filter((item) => item !== '' && item !== 'none');
}

function numberOf(name: string, text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`${name} ${JSON.stringify(text)}: not a number`);
  return Number(text);
}

function wholeOf(name: string, text: string, least = 0): number {
  const number = numberOf(name, text);
  if (!Number.isSafeInteger(number) || number < least)
    throw new Error(`${name} ${JSON.stringify(text)}: not a whole number from ${least} on`);
  return number;
}

function faultOf(text: string): string {
  const kind = /^(.+):[1-9]\d*$/.exec(text)?.[1];
  if (!FAULT_KINDS.some((known) => known === kind))
    throw new Error(
      `--faults ${JSON.stringify(text)}: a fault is KIND:N, with a KIND of ${FAULT_KINDS.join(', ')}`,
    );
  return text;
}

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
