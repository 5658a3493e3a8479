import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import {
  cannotMount,
  kubectl,
  kubectlResult,
  kubectlUntil,
  stowage,
  type Up,
  up,
} from '../support/command.ts';
import { inDirectory } from '../support/in-directory.ts';
import { kubectlTooOld, requireKubectl } from '../support/kubectl.ts';

/** A client of the API server in a pod, as client libraries are: by environment and files. */
const CLIENT = `
cd /var/run/secrets/kubernetes.io/serviceaccount
ask() {
  curl -sS -A client --cacert ca.crt -H "Authorization: Bearer $(cat token)" -H 'Content-Type: application/json' "$@"
  echo
}
server=https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT
ask -d '{}' $server/apis/authentication.k8s.io/v1/selfsubjectreviews
ask $server/api/v1/namespaces/$(cat namespace)/secrets
ask $server/api/v1/namespaces/$(cat namespace)/configmaps/kube-root-ca.crt | grep -o '"name":"kube-root-ca.crt"'
cat token
echo
echo end
sleep 1000
`;
const MANIFEST = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: robot-reads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: robot}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  serviceAccountName: robot
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: example.com/curl
    command: [sh, -c, ${JSON.stringify(CLIENT)}]
`;

const k = (stack: Up, ...args: string[]) => kubectl(stack.kubeconfig, args);

/** What the API server says to whoever has only this token. */
async function withToken(stack: Up, directory: string, token: string) {
  const kubeconfig = join(directory, 'empty');
  await writeFile(kubeconfig, '');
  const server = await k(stack, 'config', 'view', '-o', 'jsonpath={.clusters[0].cluster.server}');
  const ca = join(directory, 'data', 'pki', 'ca.crt');
  const flags = ['--server', server, '--certificate-authority', ca, '--token', token];
  return kubectlResult(kubeconfig, ['auth', 'whoami', ...flags]);
}

async function runClient(stack: Up): Promise<{ lines: string[]; token: string }> {
  await kubectl(stack.kubeconfig, ['apply', '-f', '-'], { input: MANIFEST });
  await k(stack, 'wait', '--for=condition=Ready', 'pod/client', '--timeout=60s');
  await kubectlUntil(stack.kubeconfig, ['logs', '-f', 'client'], /^end$/);
  const lines = (await k(stack, 'logs', 'client')).split('\n').filter((line) => line !== '');
  return { lines, token: lines.at(-2)! };
}

describe('a service account', { skip: cannotMount }, () => {
  before(requireKubectl);

  it('lets a pod ask the API server, for what it may and as long as it is there', async (test) => {
    const old = await kubectlTooOld();
    if (old) return test.skip(old);
    await inDirectory(async (directory) => {
      const stack = await up(directory);
      const { lines, token } = await runClient(stack);
      const review = JSON.parse(lines[0]!).status.userInfo;
      const uid = await k(stack, 'get', 'pod', 'client', '-o', 'jsonpath={.metadata.uid}');
      assert.equal(review.username, 'system:serviceaccount:default:robot');
      assert.deepEqual(review.extra['authentication.kubernetes.io/pod-name'], ['client']);
      assert.deepEqual(review.extra['authentication.kubernetes.io/pod-uid'], [uid]);
      assert.deepEqual(review.extra['authentication.kubernetes.io/node-name'], ['node-1']);
      assert.match(
        lines[1]!,
        /secrets is forbidden: User \\"system:serviceaccount:default:robot\\" cannot list resource \\"secrets\\" in API group \\"\\" in the namespace \\"default\\"/,
      );
      assert.equal(lines[2], '"name":"kube-root-ca.crt"');
      assert.match((await withToken(stack, directory, token)).stdout, /system:serviceaccount:default:robot/);
      await k(stack, 'delete', 'pod', 'client');
      assert.match((await withToken(stack, directory, token)).stderr, /Unauthorized/);
      assert.equal(await stack.end('SIGTERM'), 0);
    });
  });

  it('has tokens that outlive the API server', async (test) => {
    const old = await kubectlTooOld();
    if (old) return test.skip(old);
    await inDirectory(async (directory) => {
      const first = await up(directory);
      await k(first, 'create', 'serviceaccount', 'robot');
      const token = (await k(first, 'create', 'token', 'robot')).trim();
      assert.equal(await first.end('SIGTERM'), 0);
      const second = await up(directory);
      assert.match((await withToken(second, directory, token)).stdout, /system:serviceaccount:default:robot/);
      assert.match((await withToken(second, directory, `${token.slice(0, -4)}AAAA`)).stderr, /Unauthorized/);
      assert.equal(await second.end('SIGTERM'), 0);
    });
  });
});

describe('--encryption-key-file', () => {
  before(requireKubectl);

  it('keeps secrets from whoever reads the data directory', () =>
    inDirectory(async (directory) => {
      const keyFile = join(directory, 'keys.yaml');
      const secret = Buffer.alloc(32, 7).toString('base64');
      await writeFile(
        keyFile,
        `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - aesgcm: {keys: [{name: one, secret: ${secret}}]}
  - identity: {}
`,
        { mode: 0o600 },
      );
      const flags = ['--nodes', '0', '--encryption-key-file', keyFile];
      const first = await up(directory, flags);
      const manifest =
        '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"password":"correct horse battery"}}';
      await kubectl(first.kubeconfig, ['apply', '-f', '-'], { input: manifest });
      assert.equal(await first.end('SIGTERM'), 0);
      const state = join(directory, 'data', 'state');
      const plain = [/correct horse/, new RegExp(Buffer.from('correct horse battery').toString('base64'))];
      for (const name of await readdir(state)) {
        const text = await readFile(join(state, name), 'latin1');
        for (const pattern of plain) assert.doesNotMatch(text, pattern, name);
      }

      const refused = await stowage([
        'up',
        '--data-dir',
        join(directory, 'data'),
        '--nodes',
        '0',
        '--port',
        '0',
      ]);
      assert.equal(refused.code, 1);
      assert.match(
        refused.stderr,
        /^stowage: secrets default\/s in the data directory is encrypted with the key "one", which is not among the keys for secrets; start with --encryption-key-file and a file that has it\n$/,
      );
      const second = await up(directory, flags);
      const password = await k(second, 'get', 'secret', 's', '-o', 'jsonpath={.data.password}');
      assert.equal(Buffer.from(password, 'base64').toString(), 'correct horse battery');
      assert.equal(await second.end('SIGTERM'), 0);
    }));
});
