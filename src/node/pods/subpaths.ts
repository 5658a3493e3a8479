import { errorMessage } from '../../base/index.ts';
import type { Container, Pod, Stored } from '../../kube/index.ts';
import { podDirectory } from '../../volume/index.ts';
import { prepareSubpath } from '../../volume/subpath/index.ts';
import type { PodVolume } from './container-config.ts';
import type { PodDependencies } from './dependencies.ts';
import { expand } from './expand.ts';

type VolumeMount = NonNullable<Container['volumeMounts']>[number];

/**
 * Which part of the volume is wanted; '' for the whole. Source: makeMounts of the kubelet.
 * @throws Error with upstream's text.
 */
export function subPathOf(
  { subPath = '', subPathExpr }: VolumeMount,
  environment: ReadonlyMap<string, string>,
): string {
  const wanted = subPathExpr ? expandAll(subPathExpr, environment) : subPath;
  if (wanted.startsWith('/')) throw new Error(`error SubPath \`${wanted}\` must not be an absolute path`);
  if (wanted.split('/').includes('..'))
    throw new Error(`unable to provision SubPath \`${wanted}\`: must not contain '..'`);
  return wanted;
}

/** Mounts the parts of volumes that the container has in place of whole ones; their paths, by the number of the volumeMount. */
export async function prepareSubpaths(
  { host, nodeRoot, log }: Pick<PodDependencies, 'host' | 'nodeRoot' | 'log'>,
  pod: Stored<Pod>,
  container: Container,
  volumes: ReadonlyMap<string, PodVolume>,
  environment: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<number, string>> {
  const paths = new Map<number, string>();
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const subPath = subPathOf(mount, environment);
    const volume = volumes.get(mount.name);
    if (subPath === '' || !volume) continue;
    try {
      const path = await prepareSubpath(host, {
        podDirectory: podDirectory(nodeRoot, pod.metadata.uid),
        volumeName: volume.specName,
        containerName: container.name,
        index,
        volumePath: volume.hostPath,
        subPath,
      });
      paths.set(index, path);
    } catch (error) {
      // What is wrong may say something of the host: the pod's owner is not told.
      log.warn('a subPath could not be prepared', { container: container.name, error: errorMessage(error) });
      const which = `volumeMount ${JSON.stringify(mount.name)} of container ${JSON.stringify(container.name)}`;
      throw new Error(`failed to prepare subPath for ${which}`, { cause: error });
    }
  }
  return paths;
}

/** Every variable that is named must have a value. Source: ExpandContainerVolumeMounts. */
function expandAll(text: string, environment: ReadonlyMap<string, string>): string {
  const named = text.slice(0, text.lastIndexOf(')') + 1).matchAll(/\$\$|\$\(([^)]*)\)/g);
  const missing = new Set([...named].flatMap(([, name]) => (name && !environment.get(name) ? [name] : [])));
  if (missing.size > 0) throw new Error(`missing value for ${[...missing].sort().join(', ')}`);
  return expand(text, environment);
}
