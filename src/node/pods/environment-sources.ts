import { errorMessage } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { configMaps, type Pod, type Stored, secrets } from '../../kube/index.ts';
import { openSubpath } from '../../volume/subpath/index.ts';
import type { PodVolume } from './container-config.ts';
import type { PodDependencies } from './dependencies.ts';
import { environmentFileValue } from './env-file.ts';
import type { EnvironmentSources, FileVariable } from './environment.ts';

/** A file of variables that is larger is some other file. */
const MAX_FILE_BYTES = 1 << 20;

/** What environments of the pod's containers refer to, as it is now. */
export function environmentSources(
  { client, services, host, log }: PodDependencies,
  pod: Stored<Pod>,
  volumes: ReadonlyMap<string, PodVolume>,
): EnvironmentSources {
  const { namespace } = pod.metadata;
  return {
    configMap: (name) => client.get(configMaps, { namespace, name }),
    secret: (name) => client.get(secrets, { namespace, name }),
    services,
    async fromFile(volumeName, path, key): Promise<FileVariable> {
      const volume = volumes.get(volumeName);
      if (!volume)
        throw new Error(`cannot find the volume ${JSON.stringify(volumeName)} referenced by FileKeyRef`);
      try {
        const text = await readWithin(host, volume.hostPath, path);
        return { value: environmentFileValue(text, key), path: `${volume.hostPath}/${path}` };
      } catch (error) {
        // What is wrong may say something of the host: the pod's owner is not told.
        log.warn('a file of environment variables could not be read', { error: errorMessage(error) });
        throw new Error("couldn't parse env file", { cause: error });
      }
    },
  };
}

/** Containers write to the volume: no link out of it is followed, and only a file is read, not what waits for a writer. */
async function readWithin(host: Host, volumePath: string, path: string): Promise<string> {
  const place = await openSubpath(host, volumePath, path, 'refuse');
  try {
    const { kind, sizeBytes } = await place.stat();
    if (kind !== 'file') throw new Error(`${path} is a ${kind}, not a file`);
    if (sizeBytes > MAX_FILE_BYTES)
      throw new Error(`${path} has ${sizeBytes} bytes, more than ${MAX_FILE_BYTES}`);
    return await host.files.read(place.path);
  } finally {
    await place.close();
  }
}
