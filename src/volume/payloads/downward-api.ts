import { normalize } from 'node:path/posix';
import {
  type Container,
  metadataFieldValue,
  type Pod,
  resourceFieldValue,
  type Volume,
} from '../../kube/index.ts';
import type { FileProjection, Payload } from '../atomic-writer/atomic-writer.ts';
import { all } from './all.ts';
import type { PayloadRequest } from './request.ts';

export type DownwardItem = NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number];

/** Tells what the node has for pods: what a container without a limit may use. */
export type Allocatable = () => Readonly<Record<string, string>>;

/** Fields of the pod as files (CollectData, pkg/volume/downwardapi). */
export function downwardPayload(
  items: readonly DownwardItem[],
  { pod, defaultMode }: Pick<PayloadRequest, 'pod' | 'defaultMode'>,
  allocatable: Allocatable,
): Payload {
  const files = all(
    items.map((item) => (): [string, FileProjection] => [
      normalize(item.path),
      { data: Buffer.from(contentOf(item, pod, allocatable)), mode: item.mode ?? defaultMode },
    ]),
  );
  return new Map(files);
}

function contentOf({ fieldRef, resourceFieldRef }: DownwardItem, pod: Pod, allocatable: Allocatable): string {
  if (fieldRef) return metadataFieldValue(pod, fieldRef.fieldPath);
  if (!resourceFieldRef) return '';
  const { containerName = '', resource, divisor } = resourceFieldRef;
  return resourceFieldValue(resource, divisor, containerNamed(pod, containerName), allocatable());
}

function containerNamed({ spec }: Pod, name: string): Container {
  const found = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].find(
    (container) => container.name === name,
  );
  if (!found) throw new Error(`container ${name} not found`);
  return found;
}
