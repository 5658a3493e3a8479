import type { Node } from '../../kube/index.ts';

/** FNV-1a, 32 bits, in hexadecimal without leading zeros: Go's fnv.New32a and %x. */
export function fnv32a(...texts: readonly string[]): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(texts.join(''))) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
}

/** The PersistentVolume of a file in a class's directory on a node: always the same. Source: generatePVName. */
export function volumeName(file: string, node: string, className: string): string {
  return `local-pv-${fnv32a(file, node, className)}`;
}

/** Who its volumes say has made them. Source: StartLocalController. */
export function provisionerName({ metadata }: Node, useNodeNameOnly: boolean): string {
  const name = `local-volume-provisioner-${metadata?.name}`;
  return useNodeNameOnly ? name : `${name}-${metadata?.uid}`;
}

/** Of the volume by which a cleaning Job has the directory. Source: GenerateMountName. */
export function mountName(hostDir: string, mountDir: string): string {
  return `mount-${fnv32a(hostDir, mountDir)}`;
}

export const jobName = (volume: string): string => `cleanup-${volume}`;
