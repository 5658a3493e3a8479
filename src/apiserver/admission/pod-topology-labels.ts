import { type Binding, LABEL_REGION, LABEL_ZONE, nodes, type Pod, pods } from '../../kube/index.ts';
import type { AdmissionPlugin, AdmissionReader } from './contract.ts';

/**
 * A pod that gets a node gets its zone and region, for its containers to read by the downward API: by the labels of
 * the binding, which become the pod's, or at once where it is made with a node (plugin/pkg/admission/podtopologylabels).
 */
export const podTopologyLabels: AdmissionPlugin = {
  name: 'PodTopologyLabels',
  operations: ['CREATE'],
  resources: [pods],
  subresources: true,
  mutate(object, { subresource, reader }) {
    const nodeName =
      subresource === undefined ? (object as Pod).spec?.nodeName : boundTo(object as Binding, subresource);
    const labels = nodeName ? topologyOf(reader, nodeName) : {};
    if (Object.keys(labels).length === 0) return object;
    return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata?.labels, ...labels } } };
  },
};

function boundTo({ target }: Binding, subresource: string): string | undefined {
  return subresource === 'binding' && target?.kind === 'Node' ? target.name : undefined;
}

/** None of a node that is not there: that is for others to find. */
function topologyOf(reader: AdmissionReader, nodeName: string): Record<string, string> {
  const labels = reader.get(nodes, undefined, nodeName)?.metadata.labels ?? {};
  return Object.fromEntries(
    [LABEL_ZONE, LABEL_REGION].flatMap((key) => (key in labels ? [[key, labels[key]!]] : [])),
  );
}
