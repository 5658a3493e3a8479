import { Code, CsiStatus } from '../../csi/index.ts';

/** Parameters that the sidecar adds for everybody's information. */
const SIDECAR_PREFIX = 'csi.storage.k8s.io/';

/** @throws CsiStatus INVALID_ARGUMENT for a parameter that the driver does not know: none is ignored. */
export function checkParameters(
  parameters: Readonly<Record<string, string>>,
  of = 'StorageClass',
  known: readonly string[] = [],
): void {
  const unknown = Object.keys(parameters).filter(
    (name) => !name.startsWith(SIDECAR_PREFIX) && !known.includes(name),
  );
  if (unknown.length > 0) {
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      `unknown parameters in the ${of}: ${unknown.join(', ')}; remove them`,
    );
  }
}
