import type { Pod } from '../../kube/index.ts';

/** After how many seconds each container of a pod ends by itself. Without it they run until they are stopped. */
export const ANN_EXIT_AFTER = 'simulated.stowage.dev/exit-after-seconds';
/** With what code it then ends. @default 0 */
export const ANN_EXIT_CODE = 'simulated.stowage.dev/exit-code';

/** How a simulated container comes to its end by itself. */
export interface ContainerEnd {
  readonly afterMs: number;
  readonly exitCode: number;
}

/**
 * What a pod's annotations say of the end of one of its containers; `undefined`: it runs until it is stopped. An init
 * container that is no sidecar has done its work at once.
 * @throws Error that says what is wrong with an annotation.
 */
export function containerEnd(pod: Pod, containerName: string): ContainerEnd | undefined {
  const init = pod.spec?.initContainers?.find(({ name }) => name === containerName);
  if (init) return init.restartPolicy === 'Always' ? undefined : { afterMs: 0, exitCode: 0 };
  const annotations = pod.metadata?.annotations ?? {};
  const seconds = annotations[ANN_EXIT_AFTER];
  if (seconds === undefined) return undefined;
  const afterMs = Number(seconds) * 1_000;
  if (seconds.trim() === '' || !(afterMs >= 0 && Number.isFinite(afterMs))) {
    throw new Error(`annotation ${ANN_EXIT_AFTER}=${JSON.stringify(seconds)} must be a number of seconds`);
  }
  const code = annotations[ANN_EXIT_CODE] ?? '0';
  const exitCode = Number(code);
  if (!/^\d+$/.test(code) || exitCode > 255) {
    throw new Error(
      `annotation ${ANN_EXIT_CODE}=${JSON.stringify(code)} must be a whole number from 0 to 255`,
    );
  }
  return { afterMs, exitCode };
}
