import type { Component, ComponentContext } from '../../client/index.ts';
import { type ConfigMap, configMaps } from '../../kube/index.ts';
import { eachNamespace } from './each-namespace.ts';

const CONFIG_MAP = 'kube-root-ca.crt';
const KEY = 'ca.crt';
const ANN_DESCRIPTION = 'kubernetes.io/description';
const DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/**
 * Publishes in every namespace by which authority pods may know the API server (pkg/controller/certificates,
 * rootcacertpublisher). `rootCa`: PEM.
 */
export function createRootCaPublisher(context: ComponentContext, rootCa: string): Component {
  const { client } = context;
  const data = { [KEY]: rootCa };
  const annotations = { [ANN_DESCRIPTION]: DESCRIPTION };
  return eachNamespace(context, {
    name: 'root-ca-certificate-publisher',
    resource: configMaps,
    object: CONFIG_MAP,
    watchesChanges: true,
    async ensure({ metadata: { name: namespace } }, present, signal) {
      if (!present) {
        await client.create(
          configMaps,
          { metadata: { namespace, name: CONFIG_MAP, annotations }, data },
          { signal },
        );
      } else if (!isCurrent(present, rootCa)) {
        const { metadata } = present;
        const next = { ...metadata, annotations: { ...metadata.annotations, ...annotations } };
        await client.update(configMaps, { ...present, metadata: next, data }, { signal });
      }
    },
  });
}

function isCurrent({ metadata, data = {} }: ConfigMap, rootCa: string): boolean {
  return (
    data[KEY] === rootCa &&
    Object.keys(data).length === 1 &&
    Boolean(metadata?.annotations?.[ANN_DESCRIPTION])
  );
}
