import type { Pod } from '../../kube/index.ts';
import type { ClusterView } from '../cache.ts';
import { stateKey } from '../cycle-state.ts';
import type { ImageState } from '../image-states.ts';
import { MAX_NODE_SCORE, type Plugin } from '../plugin.ts';
import { SKIP } from '../status.ts';

const MB = 1024 * 1024;
/** Less than this is as good as nothing. */
const MIN_BYTES = 23 * MB;
/** More than this for each container makes no difference. */
const MAX_BYTES_PER_CONTAINER = 1000 * MB;

/** Those of the pod's images that some node has. */
const known = stateKey<readonly ImageState[]>('ImageLocality');

/** Prefers nodes that have the pod's images; one that few nodes have counts for less, lest all pods go there. */
export function imageLocality({ cluster }: { cluster: Pick<ClusterView, 'nodes' | 'image'> }): Plugin {
  return {
    name: 'ImageLocality',
    preScore(state, { pod }) {
      const images = imagesOf(pod).flatMap((name) => cluster.image(name) ?? []);
      if (images.length === 0) return SKIP;
      state.write(known, images);
      return undefined;
    },
    score(state, { pod }, node) {
      const total = cluster.nodes().length;
      let bytes = 0;
      for (const { sizeBytes, nodes } of state.read(known) ?? []) {
        if (nodes.has(node.name)) bytes += Math.trunc(sizeBytes * (nodes.size / total));
      }
      const containers = (pod.spec?.initContainers?.length ?? 0) + (pod.spec?.containers.length ?? 0);
      const most = MAX_BYTES_PER_CONTAINER * containers;
      const counted = Math.min(Math.max(bytes, MIN_BYTES), most);
      return Math.trunc((MAX_NODE_SCORE * (counted - MIN_BYTES)) / (most - MIN_BYTES));
    },
  };
}

/** Of all containers but the ephemeral ones, and of volumes; as nodes name them. */
function imagesOf({ spec }: Pod): string[] {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const references = [
    ...containers.map(({ image }) => image),
    ...(spec?.volumes ?? []).flatMap(({ image }) => (image ? [image.reference] : [])),
  ];
  return references.map((reference = '') => withTag(reference));
}

function withTag(reference: string): string {
  return reference.lastIndexOf(':') <= reference.lastIndexOf('/') ? `${reference}:latest` : reference;
}
