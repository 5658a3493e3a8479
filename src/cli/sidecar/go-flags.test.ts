import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDuration } from '../../base/index.ts';
import {
  bool,
  duration,
  FlagError,
  fixed,
  float,
  gates,
  int,
  labels,
  parseFlags,
  string,
  uint,
  usageOf,
} from './go-flags.ts';

const FLAGS = {
  name: string('pvc', 'Its name.'),
  on: bool(false, 'Whether.'),
  off: bool(true, 'Whether not.'),
  count: int(-1, 'How many.'),
  threads: uint(10, 'How many at once.'),
  qps: float(5, 'How fast.'),
  timeout: duration(15_000, 'How long.'),
  'lease-labels': labels({}, 'Labels.'),
  'feature-gates': gates({ Topology: true, Other: false }, ['Other']),
  capacity: fixed(bool(false, 'Capacity objects.'), 'nothing makes them'),
};

describe('flags as Go reads them', () => {
  it('has defaults, and knows which were given', () => {
    const { values, given } = parseFlags(FLAGS, ['--name=x']);
    assert.deepEqual(values, {
      name: 'x',
      on: false,
      off: true,
      count: -1,
      threads: 10,
      qps: 5,
      timeout: 15_000,
      'lease-labels': {},
      'feature-gates': { Topology: true, Other: false },
      capacity: false,
    });
    assert.deepEqual([...given], ['name']);
  });

  it('takes one dash or two, the value behind = or in the next argument, and switches without one', () => {
    const { values } = parseFlags(FLAGS, [
      ...['-name', '-x=y', '--on', '-off=F', '--count', '-3', '-threads=2', '--qps=.5', '--timeout=1m30s'],
      ...['--lease-labels=a:b,c:d', '--lease-labels', 'e:f', '--feature-gates=Other=true', '--capacity=0'],
    ]);
    assert.deepEqual(values, {
      name: '-x=y',
      on: true,
      off: false,
      count: -3,
      threads: 2,
      qps: 0.5,
      timeout: 90_000,
      'lease-labels': { a: 'b', c: 'd', e: 'f' },
      'feature-gates': { Topology: true, Other: true },
      capacity: false,
    });
  });

  for (const [args, says] of [
    [['--nam=x'], 'flag provided but not defined: -nam'],
    [['--toString'], 'flag provided but not defined: -toString'],
    [['--name'], 'flag needs an argument: -name'],
    [['x'], 'unexpected argument "x"'],
    [['---name=x'], 'bad flag syntax: ---name=x'],
    [['--=x'], 'bad flag syntax: --=x'],
    [['--on=maybe'], 'invalid boolean value "maybe" for -on: parse error'],
    [['--threads=-1'], 'invalid value "-1" for flag -threads: parse error'],
    [['--timeout=15'], 'invalid value "15" for flag -timeout: parse error'],
    [['--qps=fast'], 'invalid value "fast" for flag -qps: parse error'],
    [['--lease-labels=a'], 'invalid value "a" for flag -lease-labels: malformed item in list of labels: a'],
    [
      ['--feature-gates=X=true'],
      'invalid value "X=true" for flag -feature-gates: unrecognized feature gate: X',
    ],
    [['--feature-gates=Topology=false'], 'feature gate Topology cannot be false here'],
    [['--capacity'], 'flag -capacity cannot be true here: nothing makes them'],
  ] as const)
    it(`refuses ${args.join(' ')}`, () =>
      assert.throws(
        () => parseFlags(FLAGS, args),
        (error) => error instanceof FlagError && error.message === says,
      ));

  for (const [text, ms] of [
    ['0', 0],
    ['250ms', 250],
    ['1h2m3.5s', 3_723_500],
    ['-1s', -1_000],
    ['10', undefined],
    ['s', undefined],
    ['', undefined],
  ] as const)
    it(`reads the duration ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text), ms));

  it('tells each flag with its default', () => {
    const text = usageOf(FLAGS);
    assert.match(text, /-timeout duration\n\s+How long\. \(default 15s\)/);
    assert.match(text, /-on\n\s+Whether\.\n/);
    assert.match(text, /-capacity\n\s+Capacity objects\. \[fixed: nothing makes them\]/);
    assert.match(usageOf({ t: duration(300_000, 'x') }), /\(default 5m0s\)/);
  });
});
