import type { ComponentContext } from '../client/index.ts';
import { type CSIDriver, csiDrivers, isAlreadyExists } from '../kube/index.ts';

type Spec = NonNullable<CSIDriver['spec']>;

/** Makes a driver's CSIDriver object where nobody has made one: never over one that is there. */
export async function ensureDriverObject(
  { client }: Pick<ComponentContext, 'client'>,
  name: string,
  spec: Spec,
): Promise<void> {
  try {
    await client.create(csiDrivers, { metadata: { name }, spec });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
