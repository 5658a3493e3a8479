import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONTROLLER_SIDECARS } from '../../cluster/sidecars.ts';
import type { SidecarName } from '../../cluster/standalone-sidecars.ts';
import type { CsiClient } from '../../csi/index.ts';
import { flagsOf as healthMonitor } from '../../sidecars/health/options.ts';
import { flagsOf as provisioner } from '../../sidecars/provisioner/options.ts';
import { flagsOf as resizer } from '../../sidecars/resizer/options.ts';
import { flagsOf as snapshotter } from '../../sidecars/snapshotter/options.ts';
import { COMMON_FLAGS } from './common-flags.ts';
import type { SidecarFlags } from './flag-set.ts';
import { parseFlags } from './go-flags.ts';
import { SIDECAR_FLAGS } from './sidecar-flags.ts';

const csi = {} as CsiClient;
const defaults: Partial<Record<SidecarName, object>> = {
  provisioner: provisioner({ csi }),
  resizer: resizer({ csi }),
  snapshotter: snapshotter({ csi }),
  'health-monitor': healthMonitor({ csi }),
};

describe('the flags of the sidecars', () => {
  for (const name of Object.keys(CONTROLLER_SIDECARS) as SidecarName[]) {
    const { flags, options }: SidecarFlags = SIDECAR_FLAGS[name];
    const parsed = options(parseFlags({ ...COMMON_FLAGS, ...flags }, []).values as never, {}) as Record<
      string,
      unknown
    >;

    it(`of the ${name} say by default what it does by itself`, () => {
      const component = defaults[name] as Record<string, unknown> | undefined;
      for (const [option, value] of Object.entries(component ?? {}))
        assert.deepEqual(parsed[option], value, option);
    });

    it(`of the ${name} are all meant for something`, () => {
      for (const [option, value] of Object.entries(parsed)) assert.notEqual(value, undefined, option);
      for (const flag of Object.keys(flags)) assert.ok(!(flag in COMMON_FLAGS), `${flag} is common`);
    });
  }

  it('of all programs of Kubernetes are taken where they change nothing', () => {
    const { values } = parseFlags(COMMON_FLAGS, [
      ...['--automaxprocs', '--vmodule=', '--logging-format=json', '--log-flush-frequency=1s'],
      ...['--log-json-split-stream=false', '--log-json-info-buffer-size=0'],
      ...['--log-text-split-stream=false', '--log-text-info-buffer-size', '0'],
    ]);
    assert.equal(values.automaxprocs, true);
    assert.throws(() => parseFlags(COMMON_FLAGS, ['--log-text-split-stream']), /standard error/);
  });

  const leases: [SidecarName, string][] = [
    ['provisioner', 'd'],
    ['attacher', 'external-attacher-leader-d'],
    ['resizer', 'external-resizer-d'],
    ['snapshotter', 'external-snapshotter-leader-d'],
    ['health-monitor', 'external-health-monitor-leader-d'],
  ];
  for (const [name, lease] of leases)
    it(`the Lease of the ${name} is that of its twin`, () =>
      assert.equal(CONTROLLER_SIDECARS[name].lease('d'), lease));
});
