import { qualifiedName, resources } from '../../../kube/index.ts';
import type { ResourceDefinition } from '../contract.ts';
import {
  configMapDefinition,
  secretDefinition,
  serviceAccountDefinition,
  serviceDefinition,
} from './core.ts';
import { csiDriverDefinition, csiNodeDefinition, csiStorageCapacityDefinition } from './csi.ts';
import { defineResource } from './define.ts';
import { eventDefinition } from './events.ts';
import { namespaceDefinition } from './namespaces.ts';
import { nodeDefinition } from './nodes.ts';
import {
  controllerRevisionDefinition,
  customResourceDefinitionDefinition,
  leaseDefinition,
  priorityClassDefinition,
} from './others.ts';
import { persistentVolumeClaimDefinition } from './persistent-volume-claims.ts';
import { persistentVolumeDefinition } from './persistent-volumes.ts';
import { podDefinition } from './pods.ts';
import { statefulSetDefinition } from './stateful-sets.ts';
import { storageClassDefinition } from './storage-classes.ts';
import { volumeAttachmentDefinition } from './volume-attachments.ts';

const special: readonly ResourceDefinition[] = [
  configMapDefinition,
  controllerRevisionDefinition,
  csiDriverDefinition,
  csiNodeDefinition,
  csiStorageCapacityDefinition,
  customResourceDefinitionDefinition,
  eventDefinition,
  leaseDefinition,
  namespaceDefinition,
  nodeDefinition,
  persistentVolumeClaimDefinition,
  persistentVolumeDefinition,
  podDefinition,
  priorityClassDefinition,
  secretDefinition,
  serviceAccountDefinition,
  serviceDefinition,
  statefulSetDefinition,
  storageClassDefinition,
  volumeAttachmentDefinition,
];

const byName = new Map(special.map((definition) => [qualifiedName(definition), definition]));

/** The built-in table: a row for each resource of kube/resources, the common case unless a file here says more. */
export const builtInDefinitions: readonly ResourceDefinition[] = resources.map(
  (resource) => byName.get(qualifiedName(resource)) ?? defineResource(resource),
);
