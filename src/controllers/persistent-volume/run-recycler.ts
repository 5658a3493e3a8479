import { type Clock, errorMessage } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { events, isAlreadyExists, isNotFound, type Pod, pods, type Stored } from '../../kube/index.ts';

export interface RecyclerRun {
  readonly client: Pick<Client, 'create' | 'delete' | 'watch'>;
  readonly clock: Clock;
  /** Hears what is told about the pod while it runs. */
  tell(type: 'Normal' | 'Warning', message: string): void;
  readonly signal: AbortSignal;
}

/**
 * Runs a recycler pod to its end and deletes it, whatever the end. A pod of its name that is there already may be an old
 * one or a forged one: it is deleted, and the next try goes on.
 * @throws Error with upstream's text. Source: RecycleVolumeByWatchingPodUntilCompletion.
 */
export async function runRecycler(pod: Pod, run: RecyclerRun): Promise<void> {
  const { client, signal } = run;
  const name = { namespace: pod.metadata?.namespace, name: pod.metadata?.name ?? '' };
  const path = `${name.namespace}/${name.name}`;
  let created: Stored<Pod>;
  try {
    created = await client.create(pods, pod);
  } catch (error) {
    if (!isAlreadyExists(error))
      throw new Error(`unexpected error creating recycler pod:  ${errorMessage(error)}`);
    await client.delete(pods, name).catch((deleteError) => {
      throw new Error(`failed to delete old recycler pod ${path}: ${errorMessage(deleteError)}`);
    });
    throw new Error('old recycler pod found, will retry later');
  }
  const failure = await outcome(created, run);
  // It is found again, and deleted, by whoever goes on.
  signal.throwIfAborted();
  const deleteFailure = await client.delete(pods, name).then(
    () => undefined,
    (error: unknown) => (isNotFound(error) ? undefined : errorMessage(error)),
  );
  if (failure !== undefined) throw new Error(`failed to recycle volume: ${failure}`);
  if (deleteFailure !== undefined) throw new Error(`failed to delete recycler pod: ${deleteFailure}`);
}

/** Why the pod failed; undefined when it did its work. */
async function outcome(pod: Stored<Pod>, run: RecyclerRun): Promise<string | undefined> {
  const { namespace, name, resourceVersion } = pod.metadata;
  const done = new AbortController();
  const { signal } = done;
  const stop = () => done.abort();
  if (run.signal.aborted) stop();
  run.signal.addEventListener('abort', stop, { once: true });
  const telling = retell(pod, run, signal);
  const isLate = Promise.withResolvers<string>();
  const timeoutMs = (pod.spec?.activeDeadlineSeconds ?? 0) * 1000;
  let timer: ReturnType<Clock['after']> | undefined;
  const follow = async (): Promise<string | undefined> => {
    const fieldSelector = `metadata.name=${name}`;
    const watch = run.client.watch(pods, { namespace, fieldSelector, resourceVersion, signal });
    for await (const { type, object } of watch) {
      if (type === 'DELETED') return 'recycler pod was deleted';
      const { phase, message, startTime } = object.status ?? {};
      if (phase === 'Succeeded') return undefined;
      if (phase === 'Failed') return message || 'pod failed, pod.Status.Message unknown';
      // The node should end it by then; a node that is lost does not.
      if (startTime)
        timer ??= run.clock.after(timeoutMs, () =>
          isLate.resolve('Pod was active on the node longer than the specified deadline'),
        );
    }
    return `recycler pod ${JSON.stringify(name)} watch channel had been closed`;
  };
  try {
    return await Promise.race([follow().catch(errorMessage), isLate.promise]);
  } finally {
    timer?.cancel();
    run.signal.removeEventListener('abort', stop);
    done.abort();
    await telling;
  }
}

/** Passes events about the pod on, until the signal aborts. They are a courtesy: failing to read them fails nothing. */
async function retell(pod: Stored<Pod>, { client, tell }: RecyclerRun, signal: AbortSignal): Promise<void> {
  const { namespace, name, uid } = pod.metadata;
  try {
    const fieldSelector = `involvedObject.name=${name}`;
    for await (const { type, object } of client.watch(events, { namespace, fieldSelector, signal })) {
      if (type !== 'ADDED' || object.involvedObject.uid !== uid) continue;
      tell(object.type === 'Warning' ? 'Warning' : 'Normal', object.message ?? '');
    }
  } catch {}
}
