import type { Client, EventRecorder } from '../../client/index.ts';
import {
  annotation,
  type Deployment,
  deployments,
  keyOf,
  type ReplicaSet,
  type Stored,
  splitKey,
} from '../../kube/index.ts';
import { sameTemplate, withoutHash } from '../workload/index.ts';
import { ANN_ROLLBACK_TO, lastRevision, revisionOf, rolledBackAnnotations } from './annotations.ts';

export interface RollbackContext {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly signal: AbortSignal;
  readonly deployment: Stored<Deployment>;
}

/** The revision to go back to, 0 for the last; undefined when none is asked for. */
export function rollbackRevision(deployment: Deployment): number | undefined {
  const text = annotation(deployment, ANN_ROLLBACK_TO) ?? '';
  return /^[+-]?[0-9]+$/.test(text) ? Number(text) : undefined;
}

/** Does what the annotation that was spec.rollbackTo asks for, and takes it away. */
export async function rollBack(
  context: RollbackContext,
  sets: readonly Stored<ReplicaSet>[],
): Promise<undefined> {
  const { recorder, deployment } = context;
  const wanted = rollbackRevision(deployment) || lastRevision(sets);
  const target = sets.find((set) => wanted !== 0 && revisionOf(set) === wanted);
  if (!target) {
    const message =
      wanted === 0 ? 'Unable to find last revision.' : 'Unable to find the revision to rollback to.';
    recorder.event(deployment, 'Warning', 'DeploymentRollbackRevisionNotFound', message);
    return await write(context, deployment);
  }
  const { name } = deployment.metadata;
  if (sameTemplate(deployment.spec?.template, target.spec?.template)) {
    const message = `The rollback revision contains the same template as current deployment "${name}"`;
    recorder.event(deployment, 'Warning', 'DeploymentRollbackTemplateUnchanged', message);
    return await write(context, deployment);
  }
  await write(context, {
    ...deployment,
    metadata: { ...deployment.metadata, annotations: rolledBackAnnotations(deployment, target) },
    spec: { ...deployment.spec!, template: withoutHash(target.spec?.template)! },
  });
  const message = `Rolled back deployment "${name}" to revision ${wanted}`;
  recorder.event(deployment, 'Normal', 'DeploymentRollback', message);
}

async function write(
  { client, signal }: RollbackContext,
  deployment: Stored<Deployment>,
): Promise<undefined> {
  const { [ANN_ROLLBACK_TO]: _, ...annotations } = deployment.metadata.annotations ?? {};
  const { namespace } = splitKey(keyOf(deployment));
  const metadata = { ...deployment.metadata, namespace, annotations };
  await client.update(deployments, { ...deployment, metadata }, { signal });
}
