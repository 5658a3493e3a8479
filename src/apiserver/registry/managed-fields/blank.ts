import type { KubeObject } from '../../../kube/index.ts';

/** Parts that an object has from its beginning: an object of them, an empty list, a text for as long as it is empty. */
interface Parts {
  readonly [name: string]: Parts | 'list' | 'text';
}

const POD: Parts = { containers: 'list' };
const TEMPLATE: Parts = { metadata: {}, spec: POD };
const JOB: Parts = { template: TEMPLATE };

/**
 * What Go writes of an object with nothing in it, by kind: its types hold these parts by value. Whoever makes an object
 * does not add them, and so does not own them as such. Of all kinds: metadata, spec and status.
 */
const PARTS: Readonly<Record<string, Parts>> = {
  '/Event': { source: {}, reportingComponent: 'text', reportingInstance: 'text' },
  '/PersistentVolumeClaim': { spec: { resources: {} } },
  '/Pod': { spec: POD },
  '/PodTemplate': { template: TEMPLATE },
  'apps/DaemonSet': { spec: { template: TEMPLATE, updateStrategy: {} } },
  'apps/Deployment': { spec: { template: TEMPLATE, strategy: {} } },
  'apps/ReplicaSet': { spec: { template: TEMPLATE } },
  'apps/StatefulSet': { spec: { serviceName: 'text', template: TEMPLATE, updateStrategy: {} } },
  'batch/CronJob': { spec: { jobTemplate: { metadata: {}, spec: JOB } } },
  'batch/Job': { spec: JOB },
  'storage.k8s.io/CSINode': { spec: { drivers: 'list' } },
  'storage.k8s.io/VolumeAttachment': { spec: { source: {} } },
};

/** An object of the kind with nothing in it but the parts that `object` has too. */
export function blank(
  { group, kind, custom }: { readonly group: string; readonly kind: string; readonly custom?: object },
  object: KubeObject,
): object {
  if (custom) return { metadata: {} };
  const name = `${group}/${kind}`;
  const own = Object.hasOwn(PARTS, name) ? PARTS[name] : undefined;
  return common({ metadata: {}, spec: {}, status: {}, ...own }, object);
}

function common(parts: Parts, object: unknown): object {
  const result: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(parts)) {
    const value = (object as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || value === null || (part === 'text' && value !== '')) continue;
    result[name] = part === 'list' ? [] : part === 'text' ? '' : common(part, value);
  }
  return result;
}
