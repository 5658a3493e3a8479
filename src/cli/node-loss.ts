import type { Command } from 'commander';
import type { NodeLoss } from '../cluster/control-plane.ts';
import { durationOption } from './duration-option.ts';
import { orInvalid } from './or-invalid.ts';

interface Flags {
  readonly nodeMonitorPeriod: number;
  readonly nodeMonitorGracePeriod: number;
  readonly maxWaitForUnmountDuration: number;
  readonly disableForceDetachOnTimeout: boolean;
}

/** When nodes are given up, and what is attached to them: kube-controller-manager's flags and defaults. */
export function addNodeLossFlags(command: Command): Command {
  return command
    .option(
      '--node-lease-duration-seconds <n>',
      'how long the lease of a node is good for, which it renews four times in that',
      orInvalid((text: string) => {
        const seconds = Number(text);
        if (!/^[1-9]\d{0,3}$/.test(text) || seconds > 3600)
          throw new Error('It must be a whole number from 1 to 3600.');
        return seconds;
      }),
      40,
    )
    .addOption(durationOption('--node-monitor-period', 'how often nodes are looked at', 5_000))
    .addOption(
      durationOption(
        '--node-monitor-grace-period',
        'how long a node may be silent before it is not Ready',
        50_000,
      ),
    )
    .addOption(
      durationOption(
        '--max-wait-for-unmount-duration',
        'how long a node that is not Ready may take to unmount before its volumes are detached all the same',
        360_000,
      ),
    )
    .option('--disable-force-detach-on-timeout', 'never detach for that reason', false);
}

export function nodeLossOf(flags: Flags): NodeLoss {
  return {
    nodeLifecycle: {
      monitorPeriodMs: flags.nodeMonitorPeriod,
      monitorGraceMs: flags.nodeMonitorGracePeriod,
    },
    attachDetach: {
      maxWaitForUnmountMs: flags.maxWaitForUnmountDuration,
      disableForceDetachOnTimeout: flags.disableForceDetachOnTimeout,
    },
  };
}
