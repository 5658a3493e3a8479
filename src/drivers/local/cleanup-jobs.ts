import { type Client, ignoreNotFound } from '../../client/index.ts';
import {
  type Job,
  jobs,
  LABEL_HOSTNAME,
  type PersistentVolume,
  type Stored,
  type Toleration,
} from '../../kube/index.ts';
import type { Cleanup, Cleanups } from './cleanups.ts';
import type { ClassConfig } from './config.ts';
import { jobName, mountName } from './names.ts';

const START_TIME = 'start-time';

export interface JobOptions {
  readonly namespace: string;
  readonly image: string;
  readonly nodeName: string;
  readonly tolerations: readonly Toleration[];
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** The Job that wipes a block device. Its name is the volume's, so that there is one at most. Source: NewCleanupJob. */
export function cleanupJob(
  volume: Stored<PersistentVolume>,
  device: string,
  config: ClassConfig,
  { namespace, image, nodeName, tolerations, nowMs }: JobOptions,
): Job {
  const mount = mountName(config.hostDir, config.mountDir);
  return {
    metadata: {
      name: jobName(volume.metadata.name),
      namespace,
      labels: { [LABEL_HOSTNAME]: nodeName, pv: volume.metadata.name, pvuuid: volume.metadata.uid },
      annotations: { device, [START_TIME]: new Date(nowMs).toISOString() },
    },
    spec: {
      template: {
        spec: {
          containers: [
            {
              name: 'cleaner',
              image,
              securityContext: { privileged: true },
              command: [...config.blockCleanerCommand],
              env: [{ name: 'LOCAL_PV_BLKDEVICE', value: device }],
              volumeMounts: [
                { name: mount, mountPath: config.mountDir },
                { name: 'dev', mountPath: '/dev' },
              ],
            },
          ],
          volumes: [
            { name: mount, hostPath: { path: config.hostDir } },
            { name: 'dev', hostPath: { path: '/dev' } },
          ],
          nodeSelector: { [LABEL_HOSTNAME]: nodeName },
          ...(tolerations.length > 0 && { tolerations: [...tolerations] }),
          restartPolicy: 'OnFailure',
        },
      },
    },
  };
}

/**
 * The Jobs of a node as they are at one moment. One that has failed is taken for running until somebody has looked into it and
 * deleted it, which is the safest with a disk that could not be wiped.
 */
export class CleanupJobs implements Cleanups {
  readonly #client: Client;
  readonly #jobs: ReadonlyMap<string, Stored<Job>>;

  private constructor(client: Client, found: readonly Stored<Job>[]) {
    this.#client = client;
    this.#jobs = new Map(found.map((job) => [job.metadata.name, job]));
  }

  static async list(client: Client, namespace: string, nodeName: string): Promise<CleanupJobs> {
    const labelSelector = `${LABEL_HOSTNAME}=${nodeName}`;
    return new CleanupJobs(client, (await client.list(jobs, { namespace, labelSelector })).items);
  }

  of(volume: string): Cleanup {
    const job = this.#jobs.get(jobName(volume));
    if (!job) return { state: 'not found' };
    const startedAtMs = Date.parse(job.metadata.annotations?.[START_TIME] ?? '');
    const state = (job.status?.succeeded ?? 0) > 0 ? 'succeeded' : 'running';
    return { state, ...(!Number.isNaN(startedAtMs) && { startedAtMs }) };
  }

  async forget(volume: string): Promise<void> {
    const job = this.#jobs.get(jobName(volume));
    if (!job) return;
    const { namespace, name, uid } = job.metadata;
    await ignoreNotFound(
      this.#client.delete(
        jobs,
        { namespace: namespace!, name },
        { propagationPolicy: 'Foreground', preconditions: { uid } },
      ),
    );
  }
}
