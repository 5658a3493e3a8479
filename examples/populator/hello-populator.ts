// A volume populator: a claim whose dataSourceRef names a Hello gets a volume with the file that the Hello asks for.
// kubectl apply -f examples/populator/hello.yaml
// KUBECONFIG=… npx node examples/populator/hello-populator.ts
// kubectl apply -f examples/populator/claim.yaml
import { createLogger, systemClock } from '../../src/base/index.ts';
import { loadKubeconfig } from '../../src/client/http/index.ts';
import { startStandalonePopulator } from '../../src/cluster/standalone-populator.ts';
import type { KubeObject, Resource } from '../../src/kube/index.ts';

interface Hello extends KubeObject {
  readonly spec: { readonly fileName: string; readonly fileContents: string };
}

const hellos: Resource = {
  group: 'hello.example.com',
  version: 'v1alpha1',
  kind: 'Hello',
  plural: 'hellos',
  singular: 'hello',
  shortNames: [],
  categories: [],
  namespaced: true,
};

const { running } = await startStandalonePopulator({
  connection: await loadKubeconfig(),
  log: createLogger({
    level: 'info',
    now: () => systemClock.now(),
    sink: (line) => process.stderr.write(`${line}\n`),
  }),
  namespace: 'hello',
  prefix: 'hello.example.com',
  source: hellos,
  by: {
    pod: {
      // Any image with a shell.
      image: 'busybox',
      command: ['sh', '-c', 'printf "%s\\n" "$2" > "$1" && sync', 'populate'],
      mountPath: '/mnt',
      devicePath: '/dev/block',
      args: (rawBlock, source) => {
        const { fileName, fileContents } = (source as Hello).spec;
        return [rawBlock ? '/dev/block' : `/mnt/${fileName}`, fileContents];
      },
    },
  },
});
process.once('SIGTERM', () => void running.stop());
process.once('SIGINT', () => void running.stop());
