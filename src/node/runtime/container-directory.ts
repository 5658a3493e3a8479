import { join } from 'node:path';
import type { Files } from '../../host/index.ts';
import type { ContainerConfig, ContainerMount, ContainerSetup } from './contract.ts';
import { imageTable, type RootMode, records } from './root-plan.ts';
import { shellSettings } from './settings.ts';
import { type StoredContainer, writeStored } from './stored-state.ts';

/** Where a runtime keeps what all containers start from (base-directory.ts). */
export interface RuntimePlaces {
  readonly directory: string;
  readonly mode: RootMode;
  readonly scratchBytes: number;
  /** In a user namespace. @default false */
  readonly rootless?: boolean;
}

/** Whether what is below `upper` of the scratch space covers what the root has there. */
const isLayered = ({ mode }: RuntimePlaces, { imageRoot }: ContainerSetup) =>
  mode === 'overlay' || imageRoot !== undefined;

const etcOf = (places: RuntimePlaces, directory: string, setup: ContainerSetup) =>
  join(directory, 'files', isLayered(places, setup) ? 'upper/etc' : 'etc');

const messageFile = (directory: string) => join(directory, 'termination-log');

/** Fills the directory of a container that is to be started: its files, its settings, its state. */
export async function fillContainerDirectory(
  files: Files,
  places: RuntimePlaces,
  directory: string,
  config: ContainerSetup,
  stored: StoredContainer,
  /** Whose PID namespace it joins. */
  sharedPid: number | undefined,
): Promise<void> {
  await files.makeDirectory(directory, 0o700);
  const etc = etcOf(places, directory, config);
  await files.makeDirectory(etc, 0o755);
  for (const [name, content] of Object.entries(config.etcFiles)) await files.append(join(etc, name), content);
  await files.append(messageFile(directory), '');
  await files.chmod(messageFile(directory), 0o666);
  await fillRoot(files, places, directory, config);
  await files.append(
    join(directory, 'settings'),
    shellSettings(settings(places, directory, config, stored, sharedPid)),
  );
  await writeStored(files, directory, stored);
}

/** All that is bound into a container: its files, where they are not a part of its root, and its volumes. */
export async function allMounts(
  files: Files,
  places: RuntimePlaces,
  directory: string,
  config: ContainerConfig,
): Promise<readonly (ContainerMount & { readonly isFile: boolean })[]> {
  const own: ContainerMount[] = [];
  if (!isLayered(places, config))
    // /etc itself is read-only here: a file can only be bound over one that is there.
    for (const name of Object.keys(config.etcFiles))
      if ((await files.stat(`/etc/${name}`))?.kind === 'file')
        own.push({
          hostPath: join(etcOf(places, directory, config), name),
          containerPath: `/etc/${name}`,
          readOnly: false,
        });
  own.push({
    hostPath: messageFile(directory),
    containerPath: config.terminationMessagePath,
    readOnly: false,
  });
  return Promise.all(
    [...own, ...config.mounts].map(async (mount) => {
      const hostPath = await files.realPath(mount.hostPath);
      return { ...mount, hostPath, isFile: (await files.stat(hostPath))?.kind !== 'directory' };
    }),
  );
}

/** What is the container's own of its root. */
async function fillRoot(
  files: Files,
  places: RuntimePlaces,
  directory: string,
  { imageRoot }: ContainerSetup,
): Promise<void> {
  if (imageRoot === undefined) return;
  await files.append(join(directory, 'concealed'), records([]));
  const table = imageTable(join(places.directory, 'root'), imageRoot, places.rootless);
  await files.append(join(directory, 'fstab'), table);
}

function settings(
  { directory: runtime, scratchBytes }: RuntimePlaces,
  directory: string,
  config: ContainerSetup,
  { cgroup }: StoredContainer,
  sharedPid: number | undefined,
): Readonly<Record<string, string>> {
  const { streams, namespaces, imageRoot, oomScore } = config;
  const { pid = 'own', ipc = 'own' } = namespaces ?? {};
  const ofImage = imageRoot !== undefined;
  return {
    hostname: config.hostname,
    scratch: String(scratchBytes),
    base: join(runtime, ofImage ? 'image-base' : 'base'),
    fstab: ofImage ? join(directory, 'fstab') : join(runtime, 'fstab'),
    concealed: join(ofImage ? directory : runtime, 'concealed'),
    stdin: streams && streams.stdin !== 'none' ? '1' : '',
    tty: streams?.tty ? '1' : '',
    unshare: [pid === 'own' && '--pid', ipc === 'own' && '--ipc'].filter(Boolean).join(' '),
    pid_of: sharedPid === undefined ? '' : String(sharedPid),
    cgroup: cgroup?.directory ?? '',
    oom_score: oomScore === undefined ? '' : String(oomScore),
  };
}
