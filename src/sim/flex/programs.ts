import { createSimulatedHost, type Machine, NETWORK_FS } from '../../host/simulated/index.ts';
import type { NetworkStorage } from '../csi/network-storage.ts';

/** Where machines have the drivers. */
export const FLEX_DIRECTORY = '/flexvolume';
/** A disk that one node at a time has attached, and a share that nobody attaches. */
export type FlexKind = 'disk' | 'share';
export const FLEX_KINDS: readonly FlexKind[] = ['disk', 'share'];

export const flexDriver = (kind: FlexKind) => `sim/${kind}`;
const executable = (kind: FlexKind) => `${FLEX_DIRECTORY}/sim~${kind}/${kind}`;

export interface FlexProgramsOptions {
  readonly machine: Machine;
  readonly storage: NetworkStorage;
  readonly now: () => number;
  /** Hears of a step that is about to be taken, under the name of the CSI call that is its like. */
  called(rpc: string, request: { readonly volumeId: string; readonly nodeId: string }): void;
  /** Hears of a call to the machine that is about to take effect. */
  touched(call: string, args: readonly unknown[]): void;
}

type Answer = { readonly status: string } & Readonly<Record<string, unknown>>;
type Command = (...args: string[]) => Promise<Answer | undefined> | Answer | undefined;
type Program = Readonly<Record<string, Command>>;

const SUCCESS: Answer = { status: 'Success' };
const failure = (message: string): Answer => ({ status: 'Failure', message });

export function installFlexDrivers(machine: Machine): void {
  for (const kind of FLEX_KINDS) {
    const path = executable(kind);
    machine.makeDirectory(path.slice(0, path.lastIndexOf('/')));
    machine.makeFile(path, 'file', 0o755);
  }
  machine.sync();
}

/** Stand-ins for FlexVolume drivers: what a machine runs when it is told to run one of their executables. */
export function flexPrograms(options: FlexProgramsOptions) {
  const programs = new Map([
    [executable('disk'), diskProgram(options)],
    [executable('share'), shareProgram(options)],
  ]);
  /** What the program writes; undefined: there is no such program. */
  return (path: string, [command = '', ...args]: readonly string[]) => {
    const program = programs.get(path);
    if (!program || !options.machine.lookup(path)) return undefined;
    return async () => {
      const answer = (await program[command]?.(...args)) ?? { status: 'Not supported' };
      return { exitCode: answer.status === 'Success' ? 0 : 1, stdout: JSON.stringify(answer), stderr: '' };
    };
  };
}

function volumeOf(json: string): string {
  return (JSON.parse(json) as Record<string, string>)['kubernetes.io/pvOrVolumeName'] ?? '';
}

/** Mounts by what the driver is for; all else is left to the kubelet. */
function diskProgram(options: FlexProgramsOptions): Program {
  const { machine, storage, called } = options;
  return {
    init: () => ({ ...SUCCESS, capabilities: { attach: true } }),
    attach(json, node) {
      const volumeId = volumeOf(json!);
      called('ControllerPublishVolume', { volumeId, nodeId: node! });
      const volume = storage.get(volumeId);
      if (!volume) return failure(`no volume ${volumeId}`);
      const other = storage.holdsOff(volumeId, node!, true);
      if (other !== undefined) return failure(`${volumeId} is attached to ${other}`);
      if (!volume.grants.has(node!)) storage.grant(volumeId, node!, { exclusive: true, readOnly: false });
      return { ...SUCCESS, device: `/dev/net/${volumeId}` };
    },
    waitforattach: (device, json) =>
      storage.get(volumeOf(json!))?.grants.has(machine.name)
        ? { ...SUCCESS, device }
        : failure(`${volumeOf(json!)} is not attached`),
    isattached: (json, node) => ({
      ...SUCCESS,
      attached: storage.get(volumeOf(json!))?.grants.has(node!) ?? false,
    }),
    detach(volumeId, nodeId) {
      called('ControllerUnpublishVolume', { volumeId: volumeId!, nodeId: nodeId! });
      storage.revoke(volumeId!, nodeId!);
      return SUCCESS;
    },
    mountdevice: (directory, _device, json) => mount(options, volumeOf(json!), directory!),
  };
}

/** Mounts for each pod, and has the share as long as one has it. */
function shareProgram(options: FlexProgramsOptions): Program {
  const { machine, storage } = options;
  /** Unless it is mounted somewhere. */
  const giveBack = (volumeId: string) => {
    const isUsed = machine.mounts().some(({ grant }) => grant?.volumeId === volumeId);
    if (!isUsed) storage.revoke(volumeId, machine.name);
  };
  return {
    init: () => ({ ...SUCCESS, capabilities: { attach: false } }),
    async mount(directory, json) {
      const volumeId = volumeOf(json!);
      const volume = storage.get(volumeId);
      if (!volume) return failure(`no volume ${volumeId}`);
      if (!volume.grants.has(machine.name))
        storage.grant(volumeId, machine.name, { exclusive: false, readOnly: false });
      const answer = await mount(options, volumeId, directory!);
      giveBack(volumeId);
      return answer;
    },
    async unmount(directory) {
      const mounted = machine.topMount(directory!);
      if (!mounted) return SUCCESS;
      const answer = await unmount(options, directory!);
      giveBack(mounted.grant?.volumeId ?? '');
      return answer;
    },
  };
}

async function mount(
  { machine, now, touched }: FlexProgramsOptions,
  source: string,
  target: string,
): Promise<Answer> {
  const request = { source, target, fsType: NETWORK_FS };
  touched('mounts.mount', [request]);
  return tried(() => createSimulatedHost(machine, now).mounts.mount(request));
}

async function unmount({ machine, touched }: FlexProgramsOptions, target: string): Promise<Answer> {
  touched('mounts.unmount', [target]);
  return tried(async () => machine.unmount(target));
}

async function tried(work: () => Promise<void>): Promise<Answer> {
  try {
    await work();
    return SUCCESS;
  } catch (error) {
    return failure((error as Error).message);
  }
}
