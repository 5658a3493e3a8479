import { type Node, nodes, type StatusCause, type Stored, type Taint } from '../../../kube/index.ts';
import {
  at,
  duplicate,
  invalidValue,
  isLabelValue,
  isQualifiedName,
  notSupported,
  required,
  validateWith,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { defineResource } from './define.ts';
import { goForm } from './go-form.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';

export const nodeDefinition = defineResource<Node>(nodes, {
  subresources: ['status'],
  columns: [
    nameColumn(),
    column('Status', statusCell, { description: 'Whether the node is ready, and takes pods.' }),
    column('Roles', (node) => roles(node).join(',') || '<none>', { description: 'The roles of the node.' }),
    ageColumn(),
    column('Version', (node) => node.status?.nodeInfo?.kubeletVersion ?? '', {
      description: 'The version that the node agent reports.',
    }),
    wideColumn('Internal-IP', (node) => address(node, 'InternalIP')),
    wideColumn('External-IP', (node) => address(node, 'ExternalIP')),
    wideColumn('OS-Image', (node) => node.status?.nodeInfo?.osImage || '<unknown>'),
    wideColumn('Kernel-Version', (node) => {
      const { kernelVersion, architecture } = node.status?.nodeInfo ?? {};
      return `${kernelVersion || '<unknown>'}${architecture ? ` (${architecture})` : ''}`;
    }),
    wideColumn('Container-Runtime', (node) => node.status?.nodeInfo?.containerRuntimeVersion || '<unknown>'),
  ],
  selectableFields: { 'spec.unschedulable': (node) => String(node.spec?.unschedulable ?? false) },
  strategy: {
    validate: ({ spec }) => taintCauses(spec?.taints ?? []),
    defaults: (node) =>
      node.status?.capacity && !node.status.allocatable
        ? { ...node, status: { ...node.status, allocatable: node.status.capacity } }
        : node,
  },
});

function statusCell(node: Stored<Node>): string {
  const ready = node.status?.conditions?.findLast((one) => one.type === 'Ready');
  const words = [ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'];
  if (node.spec?.unschedulable) words.push('SchedulingDisabled');
  return words.join(',');
}

function roles(node: Stored<Node>): string[] {
  const found = new Set<string>();
  for (const [label, value] of Object.entries(node.metadata.labels ?? {})) {
    if (label.startsWith(ROLE_PREFIX) && label.length > ROLE_PREFIX.length)
      found.add(label.slice(ROLE_PREFIX.length));
    else if (label === 'kubernetes.io/role' && value) found.add(value);
  }
  return [...found].sort();
}

function address(node: Stored<Node>, type: string): string {
  return node.status?.addresses?.find((one) => one.type === type)?.address ?? '<none>';
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** Rules: Kubernetes 1.36, pkg/apis/core/validation validateNodeTaints. Upstream's path is that of metadata. */
function taintCauses(taints: readonly Taint[]): StatusCause[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, index) => {
    const path = at('metadata.taints', index);
    const causes = validateWith(`${path}.key`, taint.key, isQualifiedName);
    if (taint.value) {
      const found = isLabelValue(taint.value);
      if (found.length > 0) causes.push(invalidValue(`${path}.value`, taint.value, found.join(';')));
    }
    if (!taint.effect) causes.push(required(`${path}.effect`));
    else if (!EFFECTS.includes(taint.effect))
      causes.push(notSupported(`${path}.effect`, taint.effect, EFFECTS));
    const pair = `${taint.key}:${taint.effect}`;
    if (seen.has(pair)) {
      const { message, ...rest } = duplicate(path, goForm('Taint', taint));
      causes.push({ ...rest, message: `${message}: taints must be unique by key and effect pair` });
    }
    seen.add(pair);
    return causes;
  });
}
