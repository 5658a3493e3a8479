import type { Client } from '../../client/index.ts';
import { type Binding, pods } from '../../kube/index.ts';
import type { Plugin } from '../plugin.ts';

/** Binds by a POST to the pod's binding subresource. */
export function defaultBinder(client: Client): Plugin {
  return {
    name: 'DefaultBinder',
    async bind(_state, { pod }, nodeName, signal) {
      const { namespace, name, uid } = pod.metadata;
      const binding: Binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { namespace, name, uid },
        target: { kind: 'Node', name: nodeName },
      };
      await client.createSubresource(pods, { namespace, name }, 'binding', binding, { signal });
    },
  };
}
