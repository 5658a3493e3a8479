import { run } from './command.ts';

let found: Promise<void> | undefined;

/** Makes sure that a kubectl is on the path, installing Debian's where there is none. */
export function requireKubectl(): Promise<void> {
  found ??= install();
  return found;
}

async function install(): Promise<void> {
  const present = await run('sh', ['-c', 'command -v kubectl']);
  if (present.code === 0) return;
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const command = 'apt-get update -q && apt-get install -y -q --no-install-recommends kubernetes-client';
  const { code, stdout, stderr } = await run('sh', ['-c', command], { env, limitMs: 300_000 });
  if (code !== 0)
    throw new Error(`kubectl is not on the path and could not be installed: ${stdout}${stderr}`);
}

/**
 * Why tests of kubectl's own words cannot run here; false when they can. Debian 12's kubectl is 1.20, which checks
 * manifests by itself and words its refusals otherwise; feature row A2 names 1.30 and later.
 */
export async function kubectlTooOld(): Promise<string | false> {
  await requireKubectl();
  const { stdout } = await run('kubectl', ['version', '--client', '-o', 'json']);
  const { minor, gitVersion } = JSON.parse(stdout).clientVersion;
  return Number.parseInt(minor, 10) < 30 && `kubectl ${gitVersion} is older than 1.30`;
}
