import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cannotMount, type Output, run, STOWAGE } from '../support/command.ts';
import { asOrdinaryUser, cannotBeRootless, withoutNamespaces } from '../support/ordinary-user.ts';

const STEPS = ['claim', 'provision', 'bind', 'schedule', 'attach', 'mount', 'run'];

/** Runs the demo through another command; what it says is as it should be, whatever the mode. */
async function demo(through: readonly string[] = []): Promise<Output> {
  const [command, ...args] = [...through, process.execPath, STOWAGE, 'demo'];
  const output = await run(command!, args, { limitMs: 120_000 });
  const { code, stdout, stderr } = output;
  assert.equal(code, 0, stdout + stderr);
  for (const step of STEPS) {
    for (const pod of ['web-0', 'web-1'])
      assert.match(stdout, new RegExp(`default/disk-pvc-${pod} +${step} +[\\d.]+ ms`), `${step} of ${pod}`);
  }
  assert.match(stdout, /global path +\S+\/plugins\/kubernetes.io\/csi\/[a-z.]+\/[0-9a-f]{64}\/globalmount/);
  assert.match(
    stdout,
    /pod path +\S+\/pods\/[0-9a-f-]{36}\/volumes\/kubernetes.io~csi\/pvc-[0-9a-f-]{36}\/mount/,
  );
  assert.match(stdout, /Nothing is left/);
  assert.equal(stderr, '');
  return output;
}

describe('npm run demo tells six steps of each volume, ends clean and with exit code 0', () => {
  it('real, as root', { skip: cannotMount }, async () => {
    const { stdout } = await demo();
    assert.match(stdout, /^Real, for this is root: /);
    assert.match(stdout, /web-0 sees +\/dev\/loop\d+ on \/data type ext4/);
    assert.match(stdout, /The successor of web-0 reads/);
  });

  it('rootless, as an ordinary user, and says what that costs', { skip: cannotBeRootless }, async () => {
    const { stdout } = await demo(asOrdinaryUser);
    assert.match(
      stdout,
      /^Rootless, for this has not the rights for disks .*: volumes are directories: nothing holds them to/,
    );
    assert.match(stdout, /web-0 sees +\S+ on \/data type /);
    assert.match(stdout, /The successor of web-0 reads/);
  });

  it('simulated, where there are no user namespaces, and says why', { skip: cannotBeRootless }, async () => {
    const { stdout } = await demo(withoutNamespaces);
    assert.match(
      stdout,
      /^Simulated, with a node and volumes in memory only, .*user namespaces cannot be used/,
    );
  });
});
