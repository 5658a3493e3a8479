import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock, systemRandom } from '../../base/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import type { ContainerConfig } from './contract.ts';
import { LinuxRuntime } from './linux-runtime.ts';
import { DEFAULT_CAPABILITIES } from './security.ts';

const host = createLinuxHost({ clock: systemClock });
const d = mkdtempSync(join(tmpdir(), 'rt-'));
const rt = new LinuxRuntime({
  host,
  clock: systemClock,
  random: systemRandom,
  log: silentLogger,
  directory: `${d}/runtime`,
  logRoot: `${d}/log`,
});
let t = performance.now();
const lap = (s: string) => {
  console.log(s, (performance.now() - t).toFixed(1));
  t = performance.now();
};
await rt.open();
lap('open');
console.log(rt.rootDescription);
const config = (n: string, script: string, more: Partial<ContainerConfig> = {}): ContainerConfig => ({
  podUid: `u-${n}`,
  podNamespace: 'ns',
  podName: n,
  containerName: 'main',
  attempt: 0,
  image: 'x',
  hostname: n,
  command: ['sh', '-c', script],
  environment: new Map([
    ['PATH', '/usr/bin:/bin:/usr/sbin:/sbin'],
    ['A.b', "it's $x"],
  ]),
  workingDir: '/',
  mounts: [],
  etcFiles: { hosts: `127.0.0.1 localhost ${n}\n`, hostname: `${n}\n` },
  terminationMessagePath: '/dev/termination-log',
  terminationMessageFromLog: false,
  security: {
    uid: 0,
    gid: 0,
    supplementalGroups: [],
    capabilities: DEFAULT_CAPABILITIES,
    noNewPrivileges: false,
    readOnlyRootFilesystem: false,
  },
  ...more,
});
for (let i = 0; i < 5; i++) {
  lap('');
  const r = await rt.start(config(`p${i}`, 'exec sleep 100'));
  lap('start');
  await rt.stop(r.id, 0.05);
  lap('stop');
  await rt.remove(r.id);
  lap('remove');
}
const r = await rt.start(
  config(
    'q',
    'env; mount; cat /etc/hosts; hostname; echo bye >/dev/termination-log; ls -la /dev /tmp / ; printf part; echo err >&2; exit 3',
  ),
);
await rt.stop(r.id, 5).then((x) => console.log(x));
console.log(readFileSync(r.logPath, 'utf8'));
try {
  await rt.start(config('q2', '', { command: ['nosuch'] }));
} catch (e) {
  console.log(String(e));
}
try {
  await rt.start(
    config('q2', '', { mounts: [{ hostPath: '/etc', containerPath: '/bin/sh/x', readOnly: true }] }),
  );
} catch (e) {
  console.log(String(e));
}
await rt.remove(r.id);
await rt.close();
console.log(execFileSync('find', [d]).toString());
rmSync(d, { recursive: true });
