import type { Grant } from '../../host/simulated/index.ts';
import type { Node } from '../../kube/index.ts';
import type { Computer } from '../computer.ts';
import type { NetworkStorage } from '../csi/network-storage.ts';

/** Volumes of the network driver that are made by hand; all others so made are FlexVolumes. */
export const BY_HAND = 'by-hand-';

/**
 * Whether somebody is still to give a FlexVolume back. A share that nobody attaches is given back by nobody where the
 * power took its mounts; nor is what a node has attached for itself and not mounted when its kubelet dies.
 */
export function isHeldFlexVolume(grant: Grant, { machine }: Computer, nodesAttach: boolean): boolean {
  const isKept = grant.exclusive && !nodesAttach;
  return isKept || machine.mounts().some((mount) => mount.grant === grant);
}

/**
 * What is attached and no controller will ever hear of: that a FlexVolume is attached is written down in the status of
 * its node only, and there not yet, not any more, or with the node no more when controllers die. As upstream, an
 * administrator has to detach it.
 */
export function forgottenFlexVolumes(
  storage: NetworkStorage,
  node: (name: string) => Node | undefined,
): readonly Grant[] {
  return storage
    .volumes()
    .filter(({ id, byHand }) => byHand && !id.startsWith(BY_HAND))
    .flatMap(({ grants }) => [...grants.values()])
    .filter(({ exclusive, volumeId, node: name }) => {
      const attached = node(name)?.status?.volumesAttached ?? [];
      return exclusive && !attached.some((one) => one.name.endsWith(`/${volumeId}`));
    });
}
