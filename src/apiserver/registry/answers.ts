import {
  type KubeObject,
  qualifiedName,
  type Resource,
  type Stored,
  statusFailure,
} from '../../kube/index.ts';
import { StoredEntry } from '../store/index.ts';
import type { Answer, Entry, RequestContext, ResourceDefinition } from './contract.ts';
import { readInput } from './input.ts';

/** Who answers creates of kinds and subresources of which nothing is stored: reviews, tokens, evictions. */
export class Answers {
  readonly #answers = new Map<string, Answer>();

  set(resource: Resource, answer: Answer, subresource?: string): void {
    this.#answers.set(keyOf(resource, subresource), answer);
  }

  get(resource: Resource, subresource?: string): Answer | undefined {
    return this.#answers.get(keyOf(resource, subresource));
  }

  /** The answer to a create of a kind that has no objects. @throws StatusError 404 when nobody has one */
  async toCreate<T extends KubeObject>(
    definition: ResourceDefinition,
    object: T,
    context: RequestContext,
  ): Promise<Entry<T>> {
    const answer = this.get(definition);
    if (!answer) throw unsupported(definition);
    const body = readInput(definition, object, undefined, context);
    return new StoredEntry((await answer({ body, context })) as Stored<T>, 0);
  }
}

function keyOf(resource: Resource, subresource = ''): string {
  return `${qualifiedName(resource)}/${subresource}`;
}

/** @throws StatusError 404 unless a PUT or PATCH may go there */
export function checkUpdatable(definition: ResourceDefinition, subresource: string | undefined): void {
  if (subresource === undefined || definition.updatable?.[subresource]) return;
  if (subresource === 'status' && definition.subresources.includes('status')) return;
  throw unsupported(definition, subresource);
}

export function unsupported(definition: ResourceDefinition, subresource?: string) {
  return statusFailure(404, 'NotFound', 'the server could not find the requested resource', {
    group: definition.group || undefined,
    kind: subresource === undefined ? definition.plural : `${definition.plural}/${subresource}`,
  });
}
