import type { Metrics } from '../base/index.ts';
import type { Component, ComponentContext } from '../client/index.ts';
import {
  type AttachDetachOptions,
  createAttachDetachController,
} from '../controllers/attach-detach/index.ts';
import { createClusterRoleAggregation } from '../controllers/cluster-role-aggregation/index.ts';
import { createCronJobController } from '../controllers/cronjob/index.ts';
import { createDaemonSetController } from '../controllers/daemon-set/index.ts';
import { createDataSourceValidator } from '../controllers/data-source-validator/index.ts';
import { createDeploymentController } from '../controllers/deployment/index.ts';
import { createDisruptionController } from '../controllers/disruption/index.ts';
import { createEphemeralVolumeController } from '../controllers/ephemeral/index.ts';
import { createExpandController } from '../controllers/expand/index.ts';
import { createGarbageCollector } from '../controllers/garbage-collector/index.ts';
import { createJobController } from '../controllers/job/index.ts';
import { createNamespaceController } from '../controllers/namespace/index.ts';
import {
  createNodeLifecycleController,
  type NodeLifecycleOptions,
} from '../controllers/node-lifecycle/index.ts';
import { createPersistentVolumeController } from '../controllers/persistent-volume/index.ts';
import { createPodGc } from '../controllers/pod-gc/index.ts';
import {
  createAttributesClassProtection,
  createClaimProtection,
  createVolumeProtection,
} from '../controllers/protection/index.ts';
import { createReplicaSetController } from '../controllers/replica-set/index.ts';
import { createResourceQuotaController } from '../controllers/resource-quota/index.ts';
import { createSelinuxWarningController } from '../controllers/selinux-warning/index.ts';
import {
  createRootCaPublisher,
  createServiceAccountsController,
  createTokensController,
  type SignSecretToken,
} from '../controllers/service-account/index.ts';
import { createSnapshotController } from '../controllers/snapshot/index.ts';
import { createStatefulSetController } from '../controllers/stateful-set/index.ts';
import { createTaintEvictionController } from '../controllers/taint-eviction/index.ts';
import { createTtlAfterFinished } from '../controllers/ttl-after-finished/index.ts';
import type { Host } from '../host/index.ts';
import { createScheduler } from '../scheduler/index.ts';
import { type ControlPlugin, createPluginRegistry, type VolumePlugin } from '../volume/index.ts';
import { createCsiPlugin } from '../volume/plugins/csi/index.ts';
import { createFcPlugin } from '../volume/plugins/fc/index.ts';
import { createHostPathControlPlugin, createHostPathPlugin } from '../volume/plugins/host-path/index.ts';
import { createIscsiPlugin } from '../volume/plugins/iscsi/index.ts';
import { nfsControlPlugin } from '../volume/plugins/nfs/control.ts';
import type { Part } from './actors.ts';
import { type FeatureGates, isEnabled } from './feature-gates.ts';
import type { FlexVolumes } from './flexvolume.ts';
import {
  controllerUser,
  DATA_SOURCE_VALIDATOR,
  KUBE_CONTROLLER_MANAGER,
  KUBE_SCHEDULER,
  SNAPSHOT_CONTROLLER,
} from './identities.ts';
import type { OptionalController } from './optional-controllers.ts';

export interface ControlPlaneOptions {
  /** By which pods know the API server, PEM. @default nobody tells them */
  readonly rootCa?: string | undefined;
  /** @default secrets for service account tokens stay empty */
  readonly signSecretToken?: SignSecretToken | undefined;
  /** Of the machine that the nodes share, where host paths are made and deleted. */
  readonly host: Host;
  readonly flexVolumes?: FlexVolumes;
  /** @default false */
  readonly provisionHostPaths?: boolean;
  /** @default upstream's */
  readonly gates?: FeatureGates;
  /** Where controllers tell of themselves. @default nowhere */
  readonly metrics?: Metrics;
  /** When nodes are given up, and what is attached to them. @default upstream's */
  readonly nodeLoss?: NodeLoss;
  /** Those to run that are off by default. @default none */
  readonly controllers?: readonly OptionalController[];
}

/** Flags of kube-controller-manager. */
export interface NodeLoss {
  readonly nodeLifecycle: Pick<NodeLifecycleOptions, 'monitorPeriodMs' | 'monitorGraceMs'>;
  readonly attachDetach: Pick<AttachDetachOptions, 'maxWaitForUnmountMs' | 'disableForceDetachOnTimeout'>;
}

/** What kube-controller-manager and kube-scheduler are upstream, as far as storage needs them: each under its own name. */
export function controlPlane(options: ControlPlaneOptions): readonly Part[] {
  return [...controllerManager(options), scheduler(options.gates)];
}

/** `hostName` is of the machine that it runs on. */
export function scheduler(gates: FeatureGates = {}, hostName?: string): Part {
  return part(KUBE_SCHEDULER, (context) =>
    createScheduler(context, {
      hostName,
      capacityScoring: isEnabled(gates, 'StorageCapacityScoring'),
      volumeLimitScaling: isEnabled(gates, 'VolumeLimitScaling'),
    }),
  );
}

export function controllerManager(options: ControlPlaneOptions): readonly Part[] {
  const { rootCa, signSecretToken, host, flexVolumes, nodeLoss, gates = {}, controllers = [] } = options;
  return [
    part(controllerUser('service-account-controller'), createServiceAccountsController),
    ...(rootCa === undefined
      ? []
      : [
          part(controllerUser('root-ca-cert-publisher'), (context) => createRootCaPublisher(context, rootCa)),
        ]),
    ...(rootCa === undefined || signSecretToken === undefined
      ? []
      : [
          part(KUBE_CONTROLLER_MANAGER, (context) =>
            createTokensController(context, { rootCa, sign: signSecretToken }),
          ),
        ]),
    part(controllerUser('clusterrole-aggregation-controller'), createClusterRoleAggregation),
    part(controllerUser('persistent-volume-binder'), (context) =>
      createPersistentVolumeController(context, {
        plugins: createPluginRegistry([
          createHostPathControlPlugin({
            files: host.files,
            random: context.random,
            provisioning: options.provisionHostPaths,
          }),
          nfsControlPlugin,
        ]),
      }),
    ),
    part(controllerUser('expand-controller'), (context) =>
      createExpandController(context, {
        plugins: createPluginRegistry<ControlPlugin>([], flexVolumes?.forExpansion()),
      }),
    ),
    part(controllerUser('pvc-protection-controller'), (context) =>
      createClaimProtection(context, {
        tellUnused: isEnabled(gates, 'PersistentVolumeClaimUnusedSinceTime'),
      }),
    ),
    part(controllerUser('pv-protection-controller'), createVolumeProtection),
    part(controllerUser('volumeattributesclass-protection-controller'), createAttributesClassProtection),
    part(controllerUser('ephemeral-volume-controller'), createEphemeralVolumeController),
    ...(controllers.includes('selinux-warning-controller') && isEnabled(gates, 'SELinuxChangePolicy')
      ? [
          part(controllerUser('selinux-warning-controller'), (context) =>
            createSelinuxWarning(context, host, options.metrics),
          ),
        ]
      : []),
    part(controllerUser('attachdetach-controller'), (context) =>
      createAttachDetachController(context, {
        plugins: createPluginRegistry(attachable(context, host), flexVolumes?.forAttachDetach(context)),
        metrics: options.metrics,
        ...nodeLoss?.attachDetach,
      }),
    ),
    part(SNAPSHOT_CONTROLLER, createSnapshotController),
    part(DATA_SOURCE_VALIDATOR, createDataSourceValidator),
    part(controllerUser('statefulset-controller'), createStatefulSetController),
    part(controllerUser('replicaset-controller'), createReplicaSetController),
    part(controllerUser('deployment-controller'), createDeploymentController),
    part(controllerUser('daemon-set-controller'), createDaemonSetController),
    part(controllerUser('job-controller'), createJobController),
    part(controllerUser('cronjob-controller'), createCronJobController),
    part(controllerUser('disruption-controller'), createDisruptionController),
    part(controllerUser('ttl-after-finished-controller'), createTtlAfterFinished),
    part(controllerUser('generic-garbage-collector'), createGarbageCollector),
    part(controllerUser('pod-garbage-collector'), createPodGc),
    part(controllerUser('node-controller'), (context) =>
      createNodeLifecycleController(context, nodeLoss?.nodeLifecycle),
    ),
    part(controllerUser('node-controller'), createTaintEvictionController),
    part(controllerUser('resourcequota-controller'), createResourceQuotaController),
    // There is one API server: once it has marked a namespace nothing gets into it any more.
    part(controllerUser('namespace-controller'), (context) =>
      createNamespaceController(context, { gracePeriodMs: 0 }),
    ),
  ];
}

function createSelinuxWarning(context: ComponentContext, host: Host, metrics?: Metrics): Component {
  const plugins = createPluginRegistry([...attachable(context, host), createHostPathPlugin({ host })]);
  return createSelinuxWarningController(context, { plugins, metrics });
}

function part(user: Part['user'], create: Part['create']): Part {
  return { user, create };
}

/** The volume types that are attached before a node may use them; nothing of theirs is mounted here. */
function attachable(context: ComponentContext, host: Host): readonly VolumePlugin[] {
  const options = { client: context.client, clock: context.clock, host, nodeRoot: '' };
  return [createCsiPlugin(context), createIscsiPlugin(options), createFcPlugin(options)];
}
