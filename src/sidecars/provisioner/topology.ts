import { type CSINode, driverOf, type Node, type TopologySelectorTerm } from '../../kube/index.ts';
import { spreadingOffset } from './spreading.ts';
import {
  distinct,
  flatten,
  isSubset,
  segmentsOf,
  type TopologyTerm,
  termOf,
  termText,
} from './topology-term.ts';

/** What was learnt for a claim at its first try. Further tries use it again: CreateVolume must get the same arguments. */
export interface RememberedTopology {
  readonly topologyKeys?: readonly string[];
  readonly nodeLabels?: Readonly<Record<string, string>>;
  readonly aggregated?: readonly TopologyTerm[];
}

export interface TopologyInput {
  readonly driver: string;
  readonly claimName: string;
  readonly allowedTopologies: readonly TopologySelectorTerm[];
  /** '' for immediate binding. */
  readonly selectedNode: string;
  /** --strict-topology: with a selected node, ask for its place only. */
  readonly strict: boolean;
  /** --immediate-topology: without a selected node, tell the driver where it runs. */
  readonly immediate: boolean;
  /** Immediate binding takes the topology keys of the first that has some: give them in random order. */
  readonly csiNodes: readonly CSINode[];
  readonly nodes: readonly Node[];
  readonly remembered?: RememberedTopology;
}

/** The init form of csi.TopologyRequirement. */
export interface TopologyRequirementInit {
  readonly requisite: { segments: Record<string, string> }[];
  readonly preferred: { segments: Record<string, string> }[];
}

export type TopologyResult =
  | { readonly requirement: TopologyRequirementInit | undefined; readonly remember: RememberedTopology }
  /** `reschedule`: the selected node is not there, so the scheduler must choose again. */
  | { readonly error: string; readonly reschedule: boolean };

/**
 * The accessibility requirements of a new volume:
 *
 * | binding   | strict | allowed | immediate | requisite              | preferred                               |
 * | --------- | ------ | ------- | --------- | ---------------------- | --------------------------------------- |
 * | delayed   | yes    | any     | any       | selected node's place  | the same                                |
 * | delayed   | no     | no      | any       | all places in cluster  | requisite, selected node's place first  |
 * | delayed   | no     | yes     | any       | allowed places         | requisite, selected node's place first  |
 * | immediate | any    | yes     | any       | allowed places         | requisite, rotated by the claim's name  |
 * | immediate | any    | no      | yes       | all places in cluster  | requisite, rotated by the claim's name  |
 * | immediate | any    | no      | no        | none                   | none                                    |
 *
 * Source: GenerateAccessibilityRequirements of external-provisioner and the table of its README.
 */
export function accessibilityRequirements(input: TopologyInput): TopologyResult {
  return input.selectedNode === '' ? forImmediateBinding(input) : forSelectedNode(input);
}

function forImmediateBinding(input: TopologyInput): TopologyResult {
  const { allowedTopologies, immediate, remembered = {} } = input;
  if (allowedTopologies.length > 0) {
    return rotated(distinct(flatten(allowedTopologies)), input.claimName, remembered);
  }
  if (!immediate) return { requirement: undefined, remember: remembered };
  const topologyKeys = remembered.topologyKeys ?? firstTopologyKeys(input);
  if (topologyKeys.length === 0) return problem('no available topology found');
  const aggregated = remembered.aggregated ?? aggregate(input.nodes, topologyKeys);
  if (aggregated.length === 0) return problem(notOnAnyNode(topologyKeys));
  return rotated(distinct(aggregated), input.claimName, { ...remembered, topologyKeys, aggregated });
}

function rotated(
  requisite: readonly TopologyTerm[],
  claimName: string,
  remember: RememberedTopology,
): TopologyResult {
  if (requisite.length === 0) return { requirement: undefined, remember };
  return requirement(requisite, spreadingOffset(claimName) % requisite.length, remember);
}

function forSelectedNode(input: TopologyInput): TopologyResult {
  const { selectedNode, allowedTopologies, strict, remembered = {} } = input;
  const csiNode = input.csiNodes.find(({ metadata }) => metadata?.name === selectedNode);
  let topologyKeys = remembered.topologyKeys ?? [];
  if (topologyKeys.length === 0) {
    if (!csiNode) {
      const error = `failed to get selected CSINode ${selectedNode}: csinode.storage.k8s.io ${JSON.stringify(selectedNode)} not found`;
      return { error, reschedule: true };
    }
    topologyKeys = topologyKeysOf(csiNode, input.driver);
  }
  // The driver does not run there, or registers again just now.
  if (topologyKeys.length === 0) return problem(`no topology key found for node ${selectedNode}`);

  const node = input.nodes.find(({ metadata }) => metadata?.name === selectedNode);
  const fromMemory = termOf(remembered.nodeLabels, topologyKeys);
  const nodeLabels = fromMemory ? remembered.nodeLabels : node?.metadata?.labels;
  const selected = termOf(nodeLabels, topologyKeys);
  if (!selected) {
    return problem(
      `topology labels from selected node ${mapText(nodeLabels)} does not match topology keys from CSINode ${listText(topologyKeys)}`,
    );
  }
  let remember: RememberedTopology = { ...remembered, topologyKeys, nodeLabels };
  const allowed = flatten(allowedTopologies);
  if (strict) {
    if (allowedTopologies.length > 0 && !allowed.some((term) => isSubset(term, selected))) {
      return problem(
        `selected node '${JSON.stringify(selectedNode)}' topology '${termText(selected)}' is not in allowed topologies: ` +
          `[${allowed.map(termText).join(' ')}]`,
      );
    }
    return requirement([selected], 0, remember);
  }

  let requisite: readonly TopologyTerm[];
  if (allowedTopologies.length > 0) requisite = distinct(allowed);
  else {
    const aggregated = remembered.aggregated ?? aggregate(input.nodes, topologyKeys);
    if (aggregated.length === 0) return problem(notOnAnyNode(topologyKeys));
    remember = { ...remember, aggregated };
    requisite = distinct(aggregated);
  }
  if (requisite.length === 0) return { requirement: undefined, remember };
  const first = requisite.findIndex((term) => isSubset(term, selected));
  if (first < 0) {
    return problem(
      `topology ${termText(selected)} from selected node ${JSON.stringify(selectedNode)} is not in requisite: ` +
        `[${requisite.map(termText).join(' ')}]`,
    );
  }
  return requirement(requisite, first, remember);
}

/** Preferred is requisite, rotated until `first` is at the front. */
function requirement(
  requisite: readonly TopologyTerm[],
  first: number,
  remember: RememberedTopology,
): TopologyResult {
  const preferred = [...requisite.slice(first), ...requisite.slice(0, first)];
  const init = (terms: readonly TopologyTerm[]) => terms.filter(({ length }) => length > 0).map(segmentsOf);
  return { requirement: { requisite: init(requisite), preferred: init(preferred) }, remember };
}

function topologyKeysOf(csiNode: CSINode, driver: string): readonly string[] {
  return driverOf(csiNode, driver)?.topologyKeys ?? [];
}

function firstTopologyKeys({ csiNodes, driver }: TopologyInput): readonly string[] {
  return csiNodes.map((csiNode) => topologyKeysOf(csiNode, driver)).find(({ length }) => length > 0) ?? [];
}

function aggregate(nodes: readonly Node[], keys: readonly string[]): TopologyTerm[] {
  return nodes.flatMap((node) => {
    const term = termOf(node.metadata?.labels, keys);
    return term ? [term] : [];
  });
}

const problem = (error: string): TopologyResult => ({ error, reschedule: false });
const notOnAnyNode = (keys: readonly string[]) =>
  `topologyKeys ${listText(keys)} were not found on any nodes`;

// As Go prints them, so that the words are upstream's.
const listText = (list: readonly string[]) => `[${list.join(' ')}]`;
const mapText = (map: Readonly<Record<string, string>> | undefined) =>
  `map[${Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}:${value}`)
    .join(' ')}]`;
