import type { Readable, Writable } from 'node:stream';
import type { ExecResult } from '../../host/index.ts';
import type { CgroupUsage, ContainerCgroup } from '../cgroups/index.ts';

/** What to bind into a container. */
export interface ContainerMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
  /** Read-only with all that is mounted below. @default false */
  readonly recursiveReadOnly?: boolean;
  /**
   * Whether mounts that appear below on the host later appear in the container (HostToContainer), and those of the
   * container on the host (Bidirectional). @default 'None'
   */
  readonly propagation?: 'None' | 'HostToContainer' | 'Bidirectional';
  /** A device node that the container may open. @default false */
  readonly device?: boolean;
}

/** What a container's program reads and writes. */
export interface ContainerStreams {
  /** Nothing; what clients that attach send; the same, but at its end when the first of them goes. */
  readonly stdin: 'none' | 'open' | 'once';
  /** A terminal of its own. */
  readonly tty: boolean;
}

/** What a container shares with others. */
export interface ContainerNamespaces {
  /** Processes: its own, the machine's, or those of a container that runs. */
  readonly pid: 'own' | 'host' | { readonly container: string };
  readonly ipc: 'own' | 'host';
}

/** As whom a container's process runs. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  readonly supplementalGroups: readonly number[];
}

/** The same, and what it may do. */
export interface ContainerSecurity extends ContainerUser {
  /** Without the prefix CAP_, lower case. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly readOnlyRootFilesystem: boolean;
}

/** What of a container can be said before its volumes are there. */
export interface ContainerSetup {
  readonly podUid: string;
  readonly podNamespace: string;
  readonly podName: string;
  readonly containerName: string;
  /** How many containers of this name the pod had before. */
  readonly attempt: number;
  readonly image: string;
  readonly hostname: string;
  readonly workingDir: string;
  /** The content of files in /etc, by name. */
  readonly etcFiles: Readonly<Record<string, string>>;
  readonly terminationMessagePath: string;
  /** Take the end of the log as the message of a failed container that left none. */
  readonly terminationMessageFromLog: boolean;
  readonly security: ContainerSecurity;
  /** @default neither input nor a terminal */
  readonly streams?: ContainerStreams;
  /** @default all its own */
  readonly namespaces?: ContainerNamespaces;
  /** The directory that holds the image's root file system. @default the host's root */
  readonly imageRoot?: string;
  readonly imageId?: string;
  /** What it may use, where the machine has limits to give. @default no limits */
  readonly cgroup?: ContainerCgroup;
  /** How readily the kernel kills it when the machine is out of memory, -1000 to 1000. @default as we are */
  readonly oomScore?: number;
}

/** The rest: what may depend on what is in volumes, or takes time to find out. */
export interface ContainerProgram {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly ContainerMount[];
}

/** Everything about a container that is to be started. */
export type ContainerConfig = ContainerSetup & ContainerProgram;

/** A container that has all but its volumes and its program. Nobody sees it yet. */
export interface PreparedContainer {
  /** As `Runtime.start`. Call it, or `discard`, once. */
  start(program: ContainerProgram): Promise<ContainerRecord>;
  /** Resolves when nothing is left of it. Never rejects. */
  discard(): Promise<void>;
}

export type ContainerState = 'running' | 'exited';

/** A container as it is now. */
export interface ContainerRecord {
  /** 64 hexadecimal digits; `stowage://ID` in a pod's status. */
  readonly id: string;
  readonly podUid: string;
  readonly podNamespace: string;
  readonly podName: string;
  readonly containerName: string;
  readonly attempt: number;
  readonly image: string;
  /** Absent: it runs on the host's root. */
  readonly imageId?: string;
  /** Absent: nobody knows. */
  readonly user?: ContainerUser;
  readonly state: ContainerState;
  /** Wall time, milliseconds. */
  readonly startedAtMs: number;
  readonly finishedAtMs?: number;
  /** Of an exited container; undefined when nobody saw it end. */
  readonly exitCode?: number;
  /** The kernel has killed one of its processes for want of memory. */
  readonly oomKilled?: boolean;
  /** What the container left in its termination message file, at most 4096 bytes. */
  readonly message?: string;
  readonly logPath: string;
  /** The container's process 1, in the host's numbers. */
  readonly pid: number;
}

/** Of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface SessionOptions {
  /** Whether the command reads what the client sends; if not, it reads nothing. */
  readonly stdin: boolean;
  /** Whether it gets a terminal: its standard error goes to standard output then. */
  readonly tty: boolean;
}

/** A command in a container, or the container itself, whose streams lead to a client. Who does not read holds it up. */
export interface ContainerSession {
  readonly stdin?: Writable;
  readonly stdout: Readable;
  readonly stderr?: Readable;
  /** Without a terminal, nothing happens. */
  resize(size: TerminalSize): void;
  /**
   * Resolves when it has ended, with the exit code of a command; the streams come to their end by themselves. Rejects
   * when the command could not be started.
   */
  readonly ended: Promise<number | undefined>;
  /** Nobody is interested any more: ends every process of a command; a container goes on. */
  end(): void;
}

/** A container could not be started: its set-up failed, or its program could not. */
export class StartError extends Error {
  override name = 'StartError';
}

/** Runs containers as processes of this machine. What it starts outlives it, and the next runtime on its directory adopts it. */
export interface Runtime {
  /** Prepares the directory and adopts the containers that are there. Call it once, first. */
  open(): Promise<void>;
  /** One sentence for events: what a container's root file system is. */
  readonly rootDescription: string;
  /** Resolves once the program runs. Rejects with a StartError; nothing is left of the attempt then. */
  start(config: ContainerConfig): Promise<ContainerRecord>;
  /** Begins to make a container ready, while its volumes are on their way. What goes wrong shows at its start. */
  prepare(setup: ContainerSetup): PreparedContainer;
  containers(podUid?: string): readonly ContainerRecord[];
  /** What a pod and its containers use now; undefined where nobody counts. */
  usage(podUid: string): Promise<PodUsage | undefined>;
  /** SIGTERM, after `graceSeconds` SIGKILL; resolves with the exited container. Has it exited already, at once. */
  stop(id: string, graceSeconds: number): Promise<ContainerRecord>;
  /** Removes what an exited container has left, but for its log. */
  remove(id: string): Promise<void>;
  /** Runs a command in the container's namespaces as its user. */
  exec(id: string, command: readonly string[], options: { timeoutMs: number }): Promise<ExecResult>;
  /** Runs a command in the container's namespaces as its user, with streams. */
  session(id: string, command: readonly string[], options: SessionOptions): Promise<ContainerSession>;
  /**
   * What the container itself writes from now on, and with `stdin` what it reads. The session ends when its input does,
   * unless the container's input ends with it.
   */
  attach(id: string, options?: { readonly stdin: boolean }): Promise<ContainerSession>;
  /** Calls back when a container has exited, until the returned function is called. */
  onExit(callback: (record: ContainerRecord) => void): () => void;
  /** Removes the logs of a pod. */
  removeLogs(pod: PodIdentity): Promise<void>;
  /** Where a container's log is, or will be. */
  logPath(pod: PodIdentity, containerName: string, attempt: number): string;
  /** Lets go: containers go on, nobody listens to them until the next runtime adopts them. Nothing is left of what was only prepared. */
  close(): Promise<void>;
}

/** Figures of a pod that runs. */
export interface PodUsage {
  readonly pod: CgroupUsage;
  /** By the container's id; of those that run. */
  readonly containers: ReadonlyMap<string, CgroupUsage>;
}

export interface PodIdentity {
  readonly podUid: string;
  readonly podNamespace: string;
  readonly podName: string;
}
