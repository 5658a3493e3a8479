import type { Client } from '../../client/index.ts';
import { nodes } from '../../kube/index.ts';
import type { ProvisionerConfig } from './config.ts';

/**
 * Takes the taint away that kept pods from a node whose local volumes were not offered yet. Upstream's own order of
 * conditions never comes to it (2.9, StartLocalController); this is what its configuration says.
 */
export async function removeTaint(
  client: Client,
  name: string,
  { provisionerNotReadyNodeTaintKey: key }: ProvisionerConfig,
): Promise<void> {
  const node = await client.get(nodes, { name });
  const taints = node.spec?.taints ?? [];
  const others = taints.filter((taint) => taint.key !== key);
  if (others.length === taints.length) return;
  await client.update(nodes, { ...node, spec: { ...node.spec, taints: others } });
}
