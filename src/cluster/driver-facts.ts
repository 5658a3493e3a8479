import { Code, type CsiClient, CsiError, type NodeCapability, nodeCapabilities } from '../csi/index.ts';
import { askDriver, type Driver } from '../sidecars/shared/driver.ts';

/** What a driver says of itself. */
export interface DriverFacts extends Driver {
  /** Undefined without a node service. */
  readonly node: ReadonlySet<NodeCapability> | undefined;
}

const ASK_TIMEOUT_MS = 10_000;

/** Asks a driver until it answers: it may start late. @throws CsiError when it cannot say whether it has a node service. */
export async function askFacts(
  csi: CsiClient,
  asking: Omit<Parameters<typeof askDriver>[1], 'timeoutMs'>,
): Promise<DriverFacts> {
  const timeoutMs = ASK_TIMEOUT_MS;
  const driver = await askDriver(csi, { ...asking, timeoutMs });
  const { signal } = asking;
  const node = await nodeCapabilities(csi, { signal, timeoutMs }).catch((error: unknown) => {
    if (error instanceof CsiError && error.code === Code.UNIMPLEMENTED) return undefined;
    throw error;
  });
  return { ...driver, node };
}

/** Whether a driver that came back is the one that went. */
export function isSameDriver(a: DriverFacts, b: DriverFacts): boolean {
  const text = ({ name, services, controller, node }: DriverFacts) =>
    JSON.stringify([name, ...[services, controller, node].map((set) => set && [...set].sort())]);
  return text(a) === text(b);
}
