import { qualifiedName, resources, reviews } from '../../../kube/index.ts';
import { customResourceDefinitionDefinition } from '../../crd/crd-definition.ts';
import type { ResourceDefinition } from '../contract.ts';
import {
  configMapDefinition,
  secretDefinition,
  serviceAccountDefinition,
  serviceDefinition,
} from './core.ts';
import { cronJobDefinition } from './cron-jobs.ts';
import { csiDriverDefinition, csiNodeDefinition, csiStorageCapacityDefinition } from './csi.ts';
import { daemonSetDefinition } from './daemon-sets.ts';
import { defineResource } from './define.ts';
import { deploymentDefinition } from './deployments.ts';
import { endpointSliceDefinition, endpointsDefinition } from './endpoints.ts';
import { eventDefinition } from './events.ts';
import { eventV1Definition } from './events-v1.ts';
import { jobDefinition } from './jobs.ts';
import { limitRangeDefinition } from './limit-ranges.ts';
import { listedOnlyDefinitions } from './listed-only.ts';
import { namespaceDefinition } from './namespaces.ts';
import { nodeDefinition } from './nodes.ts';
import { controllerRevisionDefinition, leaseDefinition } from './others.ts';
import { persistentVolumeClaimDefinition } from './persistent-volume-claims.ts';
import { persistentVolumeDefinition } from './persistent-volumes.ts';
import { podDisruptionBudgetDefinition } from './pod-disruption-budgets.ts';
import { podTemplateDefinition } from './pod-templates.ts';
import { podDefinition } from './pods.ts';
import { priorityClassDefinition } from './priority-classes.ts';
import { rbacDefinitions } from './rbac.ts';
import { replicaSetDefinition } from './replica-sets.ts';
import { resourceQuotaDefinition } from './resource-quotas.ts';
import { statefulSetDefinition } from './stateful-sets.ts';
import { storageClassDefinition } from './storage-classes.ts';
import { volumeAttachmentDefinition } from './volume-attachments.ts';
import { volumeAttributesClassDefinition } from './volume-attributes-classes.ts';

const special: readonly ResourceDefinition[] = [
  configMapDefinition,
  controllerRevisionDefinition,
  cronJobDefinition,
  csiDriverDefinition,
  csiNodeDefinition,
  csiStorageCapacityDefinition,
  customResourceDefinitionDefinition,
  daemonSetDefinition,
  deploymentDefinition,
  endpointSliceDefinition,
  endpointsDefinition,
  eventDefinition,
  eventV1Definition,
  jobDefinition,
  leaseDefinition,
  limitRangeDefinition,
  namespaceDefinition,
  nodeDefinition,
  persistentVolumeClaimDefinition,
  persistentVolumeDefinition,
  podDefinition,
  podDisruptionBudgetDefinition,
  podTemplateDefinition,
  priorityClassDefinition,
  ...rbacDefinitions,
  replicaSetDefinition,
  resourceQuotaDefinition,
  secretDefinition,
  serviceAccountDefinition,
  serviceDefinition,
  statefulSetDefinition,
  storageClassDefinition,
  volumeAttachmentDefinition,
  volumeAttributesClassDefinition,
];

const byName = new Map(special.map((definition) => [qualifiedName(definition), definition]));

/** The built-in table: a row for each resource of kube/resources, the common case unless a file here says more. */
export const builtInDefinitions: readonly ResourceDefinition[] = [
  ...resources.map((resource) => byName.get(qualifiedName(resource)) ?? defineResource(resource)),
  ...reviews.map((review) => defineResource(review, { verbs: ['create'] })),
  ...listedOnlyDefinitions,
];
