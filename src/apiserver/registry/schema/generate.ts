// Writes models.generated.ts from the object types that @kubernetes/client-node publishes.
// Run by `npm run generate:schemas`; the result is committed.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The kinds that the server serves or will serve; everything that they reach comes along. */
const ROOTS = [
  ...['Namespace', 'Node', 'Pod', 'PersistentVolume', 'PersistentVolumeClaim', 'Secret', 'ConfigMap'],
  ...['ServiceAccount', 'Service', 'Endpoints', 'ResourceQuota', 'LimitRange', 'PodTemplate', 'Binding'],
  ...[
    'StatefulSet',
    'ControllerRevision',
    'Deployment',
    'ReplicaSet',
    'DaemonSet',
    'Job',
    'CronJob',
    'Scale',
  ],
  ...['StorageClass', 'VolumeAttachment', 'CSINode', 'CSIDriver', 'CSIStorageCapacity'],
  ...['VolumeAttributesClass', 'Lease', 'PodDisruptionBudget', 'PriorityClass', 'Eviction'],
  ...['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding', 'TokenReview', 'SelfSubjectReview'],
  ...['SubjectAccessReview', 'SelfSubjectAccessReview', 'LocalSubjectAccessReview', 'SelfSubjectRulesReview'],
  ...['CustomResourceDefinition', 'Status', 'DeleteOptions', 'LabelSelector', 'EndpointSlice'],
].map((kind) => `V1${kind}`);
const EXTRA_ROOTS = ['CoreV1Event', 'EventsV1Event', 'AuthenticationV1TokenRequest'];

/** Fields that are resource.Quantity upstream, which the published types call strings: `field` of any model, or `Model.field`. */
const QUANTITIES = new Set([
  'V1ContainerStatus.allocatedResources',
  'V1CSIStorageCapacity.capacity',
  'V1CSIStorageCapacity.maximumVolumeSize',
  'V1EmptyDirVolumeSource.sizeLimit',
  'V1LimitRangeItem.default',
  'V1LimitRangeItem.defaultRequest',
  'V1LimitRangeItem.max',
  'V1LimitRangeItem.maxLimitRequestRatio',
  'V1LimitRangeItem.min',
  'V1NodeAllocatableResourceClaimStatus.resources',
  'V1NodeStatus.allocatable',
  'V1NodeStatus.capacity',
  'V1PersistentVolumeClaimStatus.allocatedResources',
  'V1PersistentVolumeClaimStatus.capacity',
  'V1PersistentVolumeSpec.capacity',
  'V1PodSpec.overhead',
  'V1PodStatus.allocatedResources',
  'V1ResourceFieldSelector.divisor',
  'V1ResourceQuotaSpec.hard',
  'V1ResourceQuotaStatus.hard',
  'V1ResourceQuotaStatus.used',
  'V1ResourceRequirements.limits',
  'V1ResourceRequirements.requests',
  'V1VolumeResourceRequirements.limits',
  'V1VolumeResourceRequirements.requests',
]);

interface Attribute {
  baseName: string;
  type: string;
  format: string;
}

const packageRoot = dirname(createRequire(import.meta.url).resolve('@kubernetes/client-node'));
const modelsFolder = join(packageRoot, 'gen', 'models');
const modelClasses = (await import('@kubernetes/client-node')) as Record<string, unknown>;

function attributesOf(model: string): Attribute[] {
  const type = modelClasses[model] as { attributeTypeMap?: Attribute[] } | undefined;
  if (!type?.attributeTypeMap) throw new Error(`@kubernetes/client-node has no model ${model}`);
  return type.attributeTypeMap;
}

function requiredOf(model: string): ReadonlySet<string> {
  const text = readFileSync(join(modelsFolder, `${model}.d.ts`), 'utf8');
  return new Set([...text.matchAll(/^ {4}'([^']+)': /gm)].map((match) => match[1]!.replace(/^_/, '')));
}

function typeOf(model: string, { baseName, type, format }: Attribute): string {
  const array = /^Array<(.+)>$/.exec(type);
  if (array) return `[]${typeOf(model, { baseName, type: array[1]!, format })}`;
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type);
  if (map) return `{}${typeOf(model, { baseName, type: map[1]!, format })}`;
  if (QUANTITIES.has(`${model}.${baseName}`)) return 'quantity';
  switch (type) {
    case 'string':
      return format === 'byte' ? 'bytes' : 'string';
    case 'number':
      return format === 'int32' || format === 'int64' || format === 'double' ? format : 'int64';
    case 'boolean':
      return 'bool';
    case 'Date':
    case 'V1MicroTime':
      return format === 'date-time-micro' || type === 'V1MicroTime' ? 'microtime' : 'time';
    case 'IntOrString':
      return 'int-or-string';
    case 'any':
    case 'object':
      return 'any';
    default:
      return type;
  }
}

const lines = new Map<string, string>();
const queue = [...ROOTS, ...EXTRA_ROOTS];
for (let model = queue.shift(); model; model = queue.shift()) {
  if (lines.has(model)) continue;
  const required = requiredOf(model);
  const fields = attributesOf(model).map((attribute) => {
    const type = typeOf(model!, attribute);
    const reference = /[A-Z]\w*$/.exec(type)?.[0];
    if (reference) queue.push(reference);
    return `${attribute.baseName}${required.has(attribute.baseName) ? '!' : ''} ${type}`;
  });
  lines.set(model, fields.join('; '));
}

const body = [...lines.keys()]
  .sort()
  .map((model) => `  ${model}: ${JSON.stringify(lines.get(model)).replace(/^"|"$/g, "'")},`);
const { version } = JSON.parse(readFileSync(join(packageRoot, '..', 'package.json'), 'utf8')) as {
  version: string;
};
writeFileSync(
  new URL('./models.generated.ts', import.meta.url),
  `// Generated by \`npm run generate:schemas\` from @kubernetes/client-node ${version}. Do not edit.
// One line a model: \`field type\`, \`!\` marks a required field, [] an array, {} a map.
export const MODELS: Readonly<Record<string, string>> = {
${body.join('\n')}
};
`,
);
