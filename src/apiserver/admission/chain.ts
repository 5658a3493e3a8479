import type { KubeObject } from '../../kube/index.ts';
import type { AdmissionPlugin, AdmissionRequest } from './contract.ts';

/** The object after every plugin that is about this write has had its turn, in order. */
export function admit(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest & { readonly object: KubeObject },
): KubeObject {
  let object = request.object;
  for (const plugin of plugins) {
    if (plugin.mutate && concerns(plugin, request)) object = plugin.mutate(object, { ...request, object });
  }
  return object;
}

/** What a create has to wait for before its turn; `undefined` when it need not wait. */
export function prepareAdmission(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest,
): Promise<void> | undefined {
  for (const plugin of plugins) {
    const wait = plugin.prepare && concerns(plugin, request) ? plugin.prepare(request) : undefined;
    if (wait) return wait;
  }
  return undefined;
}

/** @throws StatusError of the first plugin that refuses. */
export function validateAdmission(plugins: readonly AdmissionPlugin[], request: AdmissionRequest): void {
  for (const plugin of plugins) {
    if (plugin.validate && concerns(plugin, request)) plugin.validate(request);
  }
}

function concerns(plugin: AdmissionPlugin, { operation, resource, subresource }: AdmissionRequest): boolean {
  if (subresource !== undefined && !plugin.subresources) return false;
  if (!plugin.operations.includes(operation)) return false;
  return (
    plugin.resources === undefined ||
    plugin.resources.some((one) => one.plural === resource.plural && one.group === resource.group)
  );
}
