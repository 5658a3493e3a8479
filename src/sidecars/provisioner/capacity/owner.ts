import { errorMessage } from '../../../base/index.ts';
import type { Client } from '../../../client/index.ts';
import { controllerOf, type OwnerReference, pods, type Resource, resourceOf } from '../../../kube/index.ts';

/**
 * Who owns the objects that a pod makes: the pod itself (0), what controls it (1), what controls that (2) …
 * @throws Error when there is none, or none that may be read. Source: pkg/owner of external-provisioner.
 */
export async function lookUpOwner(
  client: Client,
  pod: { readonly namespace: string; readonly name: string },
  levels: number,
): Promise<OwnerReference> {
  let resource: Resource = pods;
  let { name } = pod;
  for (let level = levels; ; level--) {
    const object = await client.get(resource, { namespace: pod.namespace, name }).catch((cause) => {
      throw new Error(`get object: ${errorMessage(cause)}`, { cause });
    });
    const { apiVersion, kind } = object;
    if (level === 0) return { apiVersion, kind, name, uid: object.metadata.uid, controller: true };
    const owner = controllerOf(object);
    if (!owner) {
      const what = `${apiVersion}/${kind} ${JSON.stringify(name)} in namespace ${JSON.stringify(pod.namespace)}`;
      throw new Error(`${what} has no controlling owner, cannot unwind the ownership further`);
    }
    // The last need not be read: so nobody has to be allowed to.
    if (level === 1)
      return {
        apiVersion: owner.apiVersion,
        kind: owner.kind,
        name: owner.name,
        uid: owner.uid,
        controller: true,
      };
    const found = resourceOf(owner.apiVersion, owner.kind);
    if (!found)
      throw new Error(
        `get object: no matches for kind ${JSON.stringify(owner.kind)} in version ${JSON.stringify(owner.apiVersion)}`,
      );
    resource = found;
    name = owner.name;
  }
}
