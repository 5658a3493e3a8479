import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Action } from './actions.ts';
import { plantedBugs } from './planted-bugs.test-support.ts';
import { drawSetting } from './setting.ts';
import { type SimulateOptions, simulate } from './simulate.ts';
import { SIZES } from './sizes.ts';
import { drawWorkload } from './workload.ts';

const MAX_SEEDS = 2_000;
/** Bugs that other rules may stumble on first, with the rule that is about them. */
const RULES: Readonly<Record<string, RegExp>> = {
  'attaches without looking at the other node': /one attachment a volume|one node at a time/,
  'lets two pods have a volume that is for one': /one pod a volume/,
  'takes the word of its cache that a volume is not attached': /no attached volume is deleted/,
  'deletes a volume without looking whether it is attached': /no attached volume is deleted/,
  'detaches without asking whether the node still uses the volume': /unstage before controller-unpublish/,
  'unmounts by the wrong key': /no volume goes under a running pod/,
  'deletes the snapshot that is to outlive its object': /a snapshot goes with its content/,
  'does not keep a claim while a snapshot of it is taken': /no volume goes while a snapshot of it is taken/,
  'takes an attachment for attached as soon as it is made': /controller-publish before stage/,
  'lets a namespace go without looking at the claims in it': /a namespace goes empty/,
  'lets a class of attributes go without looking who has it': /a class of attributes in use stays/,
  'formats a disk without looking at what is on it': /what a pod wrote, the next pod reads/,
};

/** Of faults that a bug needs and that are rare, more. */
const RATES: Readonly<Record<string, SimulateOptions['rates']>> = {
  'answers before what it has done is durable': { crash: 0.003, reboot: 0.6 },
  'takes a conflict for a pod that is gone': { 'api-conflict': 0.2 },
  'takes the word of its cache that a volume is not attached': {
    'watch-expired': 0.5,
    'watch-drop': 0.1,
    'api-slow': 0.1,
  },
  'never hears of an attachment that somebody else has made since it began': { freeze: 0.05 },
  'does not keep a claim while a snapshot of it is taken': { 'csi-error': 0.5 },
};

/** What users must do for a bug to show, where that is rare: other seeds are not run. */
const NEEDS: Readonly<Record<string, Action['do']>> = {
  'does not write down which volume it has chosen for a claim': 'local',
  'lets a namespace go without looking at the claims in it': 'delete-namespace',
  'lets a class of attributes go without looking who has it': 'delete-attributes',
};

function canShow(bug: string, seed: number): boolean {
  const needed = NEEDS[bug];
  const steps = () => drawWorkload(seed, drawSetting(seed, SIZES.small));
  return needed === undefined || steps().some(({ action }) => action.do === needed);
}

describe('the simulation finds a bug in which a component', () => {
  for (const [bug, sabotage] of Object.entries(plantedBugs)) {
    it(bug, async (test) => {
      const rates = RATES[bug];
      for (let seed = 1; seed <= MAX_SEEDS; seed++) {
        if (!canShow(bug, seed)) continue;
        const { violation } = await simulate({ seed, size: 'small' }, { sabotage, rates });
        if (!violation || !(RULES[bug] ?? /./).test(violation.rule)) continue;
        test.diagnostic(`seed ${seed}: ${violation.rule}`);
        return;
      }
      assert.fail(`not found within ${MAX_SEEDS} seeds`);
    });
  }
});
