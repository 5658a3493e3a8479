import { ANN_SELECTED_NODE, annotation, type PersistentVolumeClaim } from '../../kube/index.ts';

/** Where the claim's volume is to be; '' when nobody has said so. */
export function selectedNodeOf(claim: PersistentVolumeClaim): string {
  return annotation(claim, ANN_SELECTED_NODE) ?? '';
}
