import {
  type KubeObject,
  type LabelSelector,
  type PodTemplateSpec,
  type Stored,
  selectorText,
} from '../../../kube/index.ts';
import type { Column } from '../contract.ts';
import { wideColumn } from './columns.ts';

/** `a=b,c=d`, sorted; '<none>' for no labels (labels.FormatLabels). */
export function labelsCell(labels: Readonly<Record<string, string>> | undefined): string {
  return (
    Object.entries(labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(',') || '<none>'
  );
}

/** metav1.FormatLabelSelector. */
export function selectorCell(selector: LabelSelector | undefined): string {
  return (selector && selectorText(selector)) || '<none>';
}

export function containersCell(template: PodTemplateSpec | undefined): string {
  return (template?.spec?.containers ?? []).map((one) => one.name).join(',');
}

export function imagesCell(template: PodTemplateSpec | undefined): string {
  return (template?.spec?.containers ?? []).map((one) => one.image ?? '').join(',');
}

/** What -o wide says of the pods that a workload makes. */
export function templateColumns<T extends KubeObject>(
  templateOf: (object: Stored<T>) => PodTemplateSpec | undefined,
  selectorOf?: (object: Stored<T>) => LabelSelector | undefined,
): readonly Column<T>[] {
  const columns = [
    wideColumn<T>('Containers', (object) => containersCell(templateOf(object)), {
      description: 'Names of each container in the template.',
    }),
    wideColumn<T>('Images', (object) => imagesCell(templateOf(object)), {
      description: 'Images referenced by each container in the template.',
    }),
  ];
  if (!selectorOf) return columns;
  return [
    ...columns,
    wideColumn<T>('Selector', (object) => selectorCell(selectorOf(object)), {
      description: 'Which pods are its own.',
    }),
  ];
}
