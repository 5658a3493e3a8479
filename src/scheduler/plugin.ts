import type { Clock, Logger, Random } from '../base/index.ts';
import type { Client, EventRecorder, Informers } from '../client/index.ts';
import type { ClusterView } from './cache.ts';
import type { Interest } from './cluster-events.ts';
import type { CycleState } from './cycle-state.ts';
import type { NodeStatuses } from './fit-error.ts';
import type { NodeInfo } from './node-info.ts';
import type { Nominator } from './nominator.ts';
import type { PodInfo } from './pod-info.ts';
import type { Rejection, Skip } from './status.ts';

/** The best score of a node; the worst is 0. */
export const MAX_NODE_SCORE = 100;

/** Only these nodes come into question. */
export interface NodeSubset {
  readonly nodeNames: ReadonlySet<string>;
}

/** What came of trying to make room. */
export interface PostFilterResult {
  /** The node that the pod is promised to; '' takes a promise back, absent leaves it as it is. */
  readonly nominate?: string;
  /** What was tried in vain, for the message. */
  readonly message?: string;
}

/** What a plugin may ask of all filters together, to try out how a node would be with other pods. */
export interface Trial {
  /** Whether the pod could run on the node, be the pods there or not that have been promised to it. */
  filter(state: CycleState, pod: PodInfo, node: NodeInfo): Rejection | undefined;
  /** Puts a pod on the node and into what the plugins have computed. Both must be clones. */
  add(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void;
  remove(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void;
}

/**
 * A rule of scheduling. It implements the extension points it needs; each is named and timed as in the scheduling
 * framework of Kubernetes. Those up to `unreserve` answer at once and never wait: a cycle must see one state of the
 * cluster. An exception anywhere fails the attempt as an error of the scheduler, to be tried again after a back-off.
 */
export interface Plugin {
  readonly name: string;
  /** Changes that may let a pod through which this plugin refused. Without any, only the periodic flush tries again. */
  readonly interests?: readonly Interest[];
  /** Holds a pod back from the queue (a gate). */
  preEnqueue?(pod: PodInfo): Rejection | undefined;
  /** Looks at the pod before any node; `SKIP` leaves out this plugin's filter. */
  preFilter?(
    state: CycleState,
    pod: PodInfo,
    nodes: readonly NodeInfo[],
  ): Rejection | Skip | NodeSubset | undefined;
  /** Brings what `preFilter` computed up to a pod more or less on the node. Called on clones only. */
  addPod?(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void;
  removePod?(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void;
  /** Whether the pod can run on the node. Hot: called for hundreds of nodes a pod. */
  filter?(state: CycleState, pod: PodInfo, node: NodeInfo): Rejection | undefined;
  /** When no node fits: makes room, or says why it cannot. */
  postFilter?(
    state: CycleState,
    pod: PodInfo,
    statuses: NodeStatuses,
    trial: Trial,
  ): PostFilterResult | undefined;
  /** `SKIP` leaves out this plugin's score. */
  preScore?(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): Skip | undefined;
  /** 0 to 100, or anything when `normalize` brings it there. Hot. */
  score?(state: CycleState, pod: PodInfo, node: NodeInfo): number;
  /** Brings the scores of all nodes to whole numbers from 0 to 100, in place. */
  normalize?(scores: number[], state: CycleState, nodes: readonly NodeInfo[]): void;
  /** Takes what the pod needs on the node, in memory only. */
  reserve?(state: CycleState, pod: PodInfo, nodeName: string): Rejection | undefined;
  /** Gives back what `reserve` took; called whether or not it was. */
  unreserve?(state: CycleState, pod: PodInfo, nodeName: string): void;
  /** Whether there will be something to do before the pod may be bound; `SKIP`: nothing, `preBind` is left out. */
  preBindPreFlight?(state: CycleState, pod: PodInfo, nodeName: string): Skip | undefined;
  /** Work in the API before the pod may be bound. May wait. */
  preBind?(state: CycleState, pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<void>;
  /** Binds the pod; of several plugins the first that has this does it. */
  bind?(state: CycleState, pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<void>;
}

/** What plugins are made from. */
export interface PluginHandle {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Logger;
  readonly cluster: ClusterView;
  readonly random: Random;
  readonly recorder: EventRecorder;
  readonly nominator: Nominator;
  /** Tries a waiting pod again, whatever it was refused for. By `namespace/name`. */
  activate(key: string): void;
}

/** A plugin in its place: the order of the list is the order of the calls. */
export interface ConfiguredPlugin {
  readonly plugin: Plugin;
  /** What its scores count. @default 1 */
  readonly weight?: number;
}
