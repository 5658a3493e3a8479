import { type Component, type ComponentContext, Controller, runControllers } from '../../client/index.ts';
import {
  isNamespaceTerminating,
  isNotFound,
  type KubeObject,
  type Namespace,
  namespaces,
  type Resource,
  type Stored,
} from '../../kube/index.ts';

export interface EachNamespaceOptions<T extends KubeObject> {
  readonly name: string;
  readonly resource: Resource<T>;
  /** The name that the object has in every namespace. */
  readonly object: string;
  /** Looked at again when somebody changes the object, not only when it goes. @default false */
  readonly watchesChanges?: boolean;
  ensure(namespace: Stored<Namespace>, present: Stored<T> | undefined, signal: AbortSignal): Promise<void>;
}

/** A controller that keeps one object in every namespace that is not going away. */
export function eachNamespace<T extends KubeObject>(
  context: ComponentContext,
  options: EachNamespaceOptions<T>,
): Component {
  const { informers, clock, log } = context;
  const namespaceInformer = informers.of(namespaces);
  const objectInformer = informers.of(options.resource);
  const controller = new Controller({
    name: options.name,
    clock,
    log,
    async reconcile(name, signal) {
      const namespace = namespaceInformer.get(name);
      if (namespace?.status?.phase !== 'Active') return;
      try {
        await options.ensure(namespace, objectInformer.get(options.object, name), signal);
      } catch (error) {
        // It went meanwhile: then it needs nothing.
        if (!isNotFound(error) && !isNamespaceTerminating(error)) throw error;
      }
    },
  });
  const look = (namespace: Stored<Namespace>) => controller.enqueue(namespace.metadata.name);
  const lookAgain = ({ metadata }: Stored<T>) => {
    if (metadata.name === options.object) controller.enqueue(metadata.namespace!);
  };
  return {
    name: options.name,
    start: (signal) =>
      runControllers(signal, {
        informers: { namespaceInformer, objectInformer },
        listen: () => [
          namespaceInformer.on({ added: look, updated: look }),
          objectInformer.on({ deleted: lookAgain, ...(options.watchesChanges && { updated: lookAgain }) }),
        ],
        loops: [controller],
      }),
  };
}
