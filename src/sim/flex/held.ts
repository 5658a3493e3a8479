import type { Grant } from '../../host/simulated/index.ts';
import type { Computer } from '../computer.ts';

/**
 * Whether somebody is still to give a FlexVolume back. A share that nobody attaches is given back by nobody where the
 * power took its mounts. What a node had attached is written down in its status only: once the node is deleted,
 * controllers that begin anew know nothing of it, as upstream.
 */
export function isHeldFlexVolume(grant: Grant, { power, machine }: Computer): boolean {
  if (power === 'lost') return false;
  return grant.exclusive || machine.mounts().some((mount) => mount.grant === grant);
}
