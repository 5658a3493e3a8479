import { type Clock, deepFreeze, type Random } from '../../base/index.ts';
import type { ObjectName } from '../../client/index.ts';
import {
  apiVersionOf,
  invalid,
  type KubeObject,
  type ObjectMeta,
  type Resource,
  type StatusCause,
  type Stored,
} from '../../kube/index.ts';
import {
  type AdmissionPlugin,
  type AdmissionReader,
  admit,
  prepareAdmission,
  validateAdmission,
} from '../admission/index.ts';
import type { Authorization } from '../auth/authorization/index.ts';
import type { RequestContext, ResourceDefinition } from './contract.ts';
import { carriedMetadata, newMetadata } from './operations/metadata.ts';
import { copyFrozen, freezeRest } from './schema/index.ts';
import {
  isDNS1123Subdomain,
  validateFinalizerNames,
  validateMetadata,
  validateMetadataUpdate,
} from './validation/index.ts';

export interface AdmittingParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly reader: AdmissionReader;
  readonly admission: readonly AdmissionPlugin[];
  readonly authorization: Authorization;
}

/** An object that admission wants written together with the one that it has just admitted. */
export interface WrittenBeside {
  readonly resource: Resource<never>;
  readonly object: KubeObject;
}

/**
 * From what a client sent to what may be stored, in upstream's order: defaults, admission that changes, preparation,
 * validation, admission that only refuses.
 */
export class Admitting {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #reader: AdmissionReader;
  readonly #admission: readonly AdmissionPlugin[];
  readonly #authorization: Authorization;
  #beside: WrittenBeside[] = [];

  constructor(parts: AdmittingParts) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#reader = parts.reader;
    this.#admission = parts.admission;
    this.#authorization = parts.authorization;
  }

  /** What is to be written with the object that was admitted last; hands it over once. */
  takeBeside(): readonly WrittenBeside[] {
    return this.#beside.splice(0);
  }

  /** Most creates need not wait, and then do not. */
  waitBefore(
    definition: ResourceDefinition,
    input: KubeObject,
    context: RequestContext,
  ): Promise<void> | undefined {
    return prepareAdmission(this.#admission, {
      operation: 'CREATE',
      resource: definition,
      namespace: input.metadata?.namespace,
      name: input.metadata?.name ?? '',
      object: input,
      user: context.user,
      ...this.#forAdmission(),
    });
  }

  /**
   * A new object. `own` makes its managedFields from what was read, defaults included.
   * @throws StatusError
   */
  admitNew(
    definition: ResourceDefinition,
    input: KubeObject,
    context: RequestContext,
    own: (defaulted: KubeObject) => ManagedFields,
  ): KubeObject {
    const { strategy } = definition;
    const metadata = newMetadata(
      input.metadata ?? {},
      this.#clock,
      this.#random,
      strategy.tracksGeneration === true,
    );
    const named = inOrder(definition, input, metadata);
    const request = {
      operation: 'CREATE',
      resource: definition,
      namespace: metadata.namespace,
      name: metadata.name ?? '',
      user: context.user,
      ...this.#forAdmission(),
    } as const;
    const defaulted = strategy.defaults?.(named) ?? named;
    const admitted = admit(this.#admission, { ...request, object: defaulted });
    const prepared = strategy.prepareForCreate?.(admitted, this.#clock.now()) ?? admitted;
    const object = freezeRest(withManagedFields(prepared, own(defaulted))) as KubeObject;
    const nameRule = (text: string) => strategy.validateName?.(text) ?? isDNS1123Subdomain(text);
    refuse(definition, object, [
      ...validateMetadata(object.metadata!, nameRule),
      ...(definition.custom ? [] : validateFinalizerNames(object.metadata!)),
      ...(strategy.validate?.(object) ?? []),
      ...(strategy.validateNew?.(object) ?? []),
    ]);
    validateAdmission(this.#admission, { ...request, object });
    warn(context, strategy.warnings?.(object, undefined));
    return object;
  }

  /** A changed object; `previous` itself when nothing would change. @throws StatusError */
  admitUpdate(
    definition: ResourceDefinition,
    input: KubeObject,
    previous: Stored<KubeObject>,
    context: RequestContext,
    subresource: string | undefined,
  ): KubeObject {
    const { strategy } = definition;
    const metadata = carriedMetadata(input.metadata ?? {}, previous.metadata);
    const request = {
      operation: 'UPDATE',
      resource: definition,
      subresource,
      namespace: previous.metadata.namespace,
      name: previous.metadata.name,
      previous,
      user: context.user,
      ...this.#forAdmission(),
    } as const;
    const sent = inOrder(definition, input, metadata);
    const defaulted = strategy.defaults?.(sent) ?? sent;
    const admitted = admit(this.#admission, { ...request, object: defaulted });
    const prepared = prepareForUpdate(definition, admitted, previous, subresource, this.#clock.now());
    let next = copyFrozen(prepared, previous) as KubeObject;
    if (next === previous) return previous;
    const counts = specOf(next) !== specOf(previous) || strategy.alsoInGeneration?.(next, previous);
    if (strategy.tracksGeneration && subresource !== 'status' && counts) {
      const generation = (previous.metadata.generation ?? 0) + 1;
      next = deepFreeze({ ...next, metadata: { ...next.metadata, generation } });
    }
    refuse(definition, next, [
      ...validateMetadataUpdate(next.metadata!, previous.metadata),
      ...(definition.custom ? [] : validateFinalizerNames(next.metadata!, previous.metadata)),
      ...rulesOfUpdate(definition, next, previous, subresource),
    ]);
    validateAdmission(this.#admission, { ...request, object: next });
    if (subresource === undefined) warn(context, strategy.warnings?.(next, previous));
    return next;
  }

  /** Whether an object may be deleted. @throws StatusError */
  admitDeletion(definition: ResourceDefinition, previous: Stored<KubeObject>, context: RequestContext): void {
    validateAdmission(this.#admission, {
      operation: 'DELETE',
      resource: definition,
      namespace: previous.metadata.namespace,
      name: previous.metadata.name,
      previous,
      user: context.user,
      ...this.#forAdmission(),
    });
  }

  /** The body of a POST to a subresource as it is admitted; it is what is created. @throws StatusError */
  admitSubresource(
    definition: ResourceDefinition,
    { namespace, name }: ObjectName,
    subresource: string,
    body: KubeObject,
    context: RequestContext,
  ): KubeObject {
    const request = {
      operation: 'CREATE',
      resource: definition,
      subresource,
      namespace,
      name,
      object: body,
      user: context.user,
      ...this.#forAdmission(),
    } as const;
    const object = admit(this.#admission, request);
    validateAdmission(this.#admission, { ...request, object });
    return object;
  }

  /** What every admission request has. What is to be written beside its object is held until that is written. */
  #forAdmission() {
    this.#beside = [];
    return {
      reader: this.#reader,
      random: this.#random,
      authorization: this.#authorization,
      nowMs: this.#clock.now(),
      alsoWrite: (resource: Resource<never>, object: KubeObject) => {
        this.#beside.push({ resource, object });
      },
    };
  }
}

function prepareForUpdate(
  definition: ResourceDefinition,
  next: KubeObject,
  previous: Stored<KubeObject>,
  subresource: string | undefined,
  nowMs: number,
): KubeObject {
  const { strategy } = definition;
  if (subresource === undefined) {
    const kept = definition.subresources.includes('status')
      ? withField(next, 'status', (previous as { status?: unknown }).status)
      : next;
    return strategy.prepareForUpdate?.(kept, previous) ?? kept;
  }
  if (subresource === 'status') {
    const kept = withField(next, 'spec', specOf(previous));
    return strategy.prepareForStatusUpdate?.(kept, previous, nowMs) ?? kept;
  }
  return definition.updatable?.[subresource]?.take(next, previous) ?? next;
}

/** The rules of the part that an update goes to. */
function rulesOfUpdate(
  { strategy, updatable, custom }: ResourceDefinition,
  next: KubeObject,
  previous: Stored<KubeObject>,
  subresource: string | undefined,
): readonly StatusCause[] {
  if (subresource === undefined || (subresource === 'scale' && custom))
    return [...(strategy.validate?.(next) ?? []), ...(strategy.validateUpdate?.(next, previous) ?? [])];
  if (subresource === 'status') return strategy.validateStatusUpdate?.(next, previous) ?? [];
  return updatable?.[subresource]?.validate?.(next, previous) ?? [];
}

export type ManagedFields = ObjectMeta['managedFields'];

/** The object itself when they are its managedFields already. */
export function withManagedFields(object: KubeObject, managedFields: ManagedFields): KubeObject {
  const { managedFields: before, ...metadata } = object.metadata ?? {};
  if (before === managedFields) return object;
  return { ...object, metadata: managedFields ? { ...metadata, managedFields } : metadata };
}

function withField(object: KubeObject, name: string, value: unknown): KubeObject {
  return { ...object, [name]: value };
}

function specOf(object: KubeObject): unknown {
  return (object as { spec?: unknown }).spec;
}

/** The object with its kind and metadata in front, as upstream writes them. */
function inOrder(definition: ResourceDefinition, object: KubeObject, metadata: ObjectMeta): KubeObject {
  const { kind: _kind, apiVersion: _apiVersion, metadata: _metadata, ...rest } = object;
  return { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata, ...rest };
}

/** @throws StatusError 422 when there are causes. */
function refuse(definition: ResourceDefinition, object: KubeObject, causes: readonly StatusCause[]): void {
  if (causes.length > 0) throw invalid(definition, object.metadata?.name ?? '', causes);
}

function warn({ warn }: RequestContext, texts: readonly string[] = []): void {
  for (const text of texts) warn?.(text);
}
