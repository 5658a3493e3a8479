import { MAX_LOG_BYTES, MAX_LOG_FILES } from '../runtime/index.ts';
import { ALLOWED_TTL_MS, REFUSED_TTL_MS, TOKEN_TTL_MS } from './client-access.ts';

/** What may be set of a node. */
export interface NodeConfiguration {
  readonly address: string;
  readonly port: number;
  readonly enableControllerAttachDetach: boolean;
  readonly podPidsLimit?: number;
  readonly nodeLeaseDurationSeconds?: number;
  readonly volumeStatsPeriodMs?: number;
}

/** A duration as Go prints it: 2m0s. */
const seconds = (ms: number) => (ms % 60_000 === 0 ? `${ms / 60_000}m0s` : `${ms / 1000}s`);

/** /configz: what the node runs with, as far as a kubelet's configuration has a name for it (KubeletConfiguration). */
export function configz(node: NodeConfiguration) {
  return {
    kubeletconfig: {
      kind: 'KubeletConfiguration',
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      enableServer: true,
      address: node.address,
      port: node.port,
      authentication: {
        x509: {},
        webhook: { enabled: true, cacheTTL: seconds(TOKEN_TTL_MS) },
        anonymous: { enabled: false },
      },
      authorization: {
        mode: 'Webhook',
        webhook: {
          cacheAuthorizedTTL: seconds(ALLOWED_TTL_MS),
          cacheUnauthorizedTTL: seconds(REFUSED_TTL_MS),
        },
      },
      clusterDomain: 'cluster.local',
      nodeStatusUpdateFrequency: '10s',
      nodeStatusReportFrequency: '5m0s',
      nodeLeaseDurationSeconds: node.nodeLeaseDurationSeconds ?? 40,
      volumeStatsAggPeriod: seconds(node.volumeStatsPeriodMs ?? 60_000),
      maxPods: 110,
      podPidsLimit: node.podPidsLimit ?? -1,
      resolvConf: '/etc/resolv.conf',
      evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '10%' },
      enableControllerAttachDetach: node.enableControllerAttachDetach,
      localStorageCapacityIsolation: true,
      containerLogMaxSize: `${MAX_LOG_BYTES / 1024 / 1024}Mi`,
      containerLogMaxFiles: MAX_LOG_FILES,
      enableDebuggingHandlers: true,
      enableSystemLogHandler: true,
    },
  };
}
