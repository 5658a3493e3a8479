import type {
  KubeObject,
  LabelSelector,
  PodTemplateSpec,
  Resource,
  StatusCause,
} from '../../../kube/index.ts';
import type { Column, ResourceDefinition, Strategy } from '../contract.ts';
import { unchanged } from '../validation/index.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { change, fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { defaultPodTemplate } from './pod-spec-defaults.ts';
import { templateWarnings } from './template-warnings.ts';
import { templateColumns } from './workload-cells.ts';
import { workloadScale } from './workload-scale.ts';

/** What the specs of kinds that keep pods have in common. */
interface WorkloadSpec {
  readonly selector?: LabelSelector;
  readonly template?: PodTemplateSpec;
}

interface WorkloadObject<S> extends KubeObject {
  readonly spec?: S;
  readonly status?: unknown;
}

export interface WorkloadOptions<T extends WorkloadObject<S>, S extends WorkloadSpec> {
  /** Between the name and the age. */
  readonly columns: readonly Column<T>[];
  /** Whether -o wide shows the selector. @default true */
  readonly selectorColumn?: boolean;
  /** Whether it has a number of replicas to scale. @default true */
  readonly scales?: boolean;
  /** Of all but the template. */
  defaultSpec(spec: S): S;
  validateSpec(spec: S | undefined, path: string): StatusCause[];
  /** The status of a new object. */
  readonly newStatus: T['status'];
  /** What else its strategy is; the selector cannot be changed unless it says otherwise. */
  readonly strategy?: Strategy<T>;
}

/** The row of a kind that keeps pods made of a template and finds them by a selector. */
export function defineWorkload<T extends WorkloadObject<S>, S extends WorkloadSpec>(
  resource: Resource<T>,
  { columns, selectorColumn = true, scales = true, ...options }: WorkloadOptions<T, S>,
): ResourceDefinition {
  const ownWarnings = options.strategy?.warnings;
  const warnOfTemplate = templateWarnings<T>(({ spec }) => spec?.template, 'spec.template');
  const defaultSpec = (spec: S): S => change(options.defaultSpec(spec), 'template', defaultPodTemplate);
  return defineResource<T>(resource, {
    subresources: scales ? ['status', 'scale'] : ['status'],
    scale: scales ? workloadScale : undefined,
    columns: [
      nameColumn(),
      ...columns,
      ageColumn(),
      ...templateColumns<T>(
        ({ spec }) => spec?.template,
        selectorColumn ? ({ spec }) => spec?.selector : undefined,
      ),
    ],
    strategy: {
      tracksGeneration: true,
      defaults: (object) => (object.spec ? { ...object, spec: defaultSpec(object.spec) } : object),
      prepareForCreate: (object) => ({ ...object, status: options.newStatus }),
      validate: ({ spec }) => options.validateSpec(spec, 'spec'),
      validateUpdate: (next, previous) =>
        unchanged('spec.selector', next.spec?.selector, previous.spec?.selector),
      ...options.strategy,
      warnings: (next, previous) => [
        ...(ownWarnings?.(next, previous) ?? []),
        ...warnOfTemplate(next, previous),
      ],
    },
  });
}

interface RollingStrategy {
  readonly type?: string;
  readonly rollingUpdate?: object;
}

/** The strategy with its type, and with what belongs to a rolling one. */
export function defaultRolling<T extends RollingStrategy>(
  strategy: T,
  rollingUpdate: NonNullable<T['rollingUpdate']>,
): T {
  const typed = fill<RollingStrategy>(strategy, { type: 'RollingUpdate' });
  if (typed.type !== 'RollingUpdate') return typed as T;
  return { ...typed, rollingUpdate: fill<object>(typed.rollingUpdate ?? {}, rollingUpdate) } as T;
}
