import type { Pod, Stored } from '../../kube/index.ts';
import type { Attempt, AttemptsByName } from './attempts.ts';

export const now = Date.UTC(2026, 0, 2, 3, 4, 5);

export function pod(spec: Partial<NonNullable<Pod['spec']>> = {}, more: Partial<Pod> = {}): Stored<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-0',
      namespace: 'default',
      uid: 'u1',
      resourceVersion: '1',
      creationTimestamp: '',
      generation: 1,
      labels: { app: 'web' },
    },
    spec: { containers: [{ name: 'main', image: 'img' }], ...spec },
    ...more,
  } as Stored<Pod>;
}

export const running = (attempt = 0): Attempt => ({
  id: `id${attempt}`,
  attempt,
  state: 'running',
  startedAtMs: now,
});
export const ended = (exitCode: number | undefined, attempt = 0): Attempt => ({
  id: `id${attempt}`,
  attempt,
  state: 'exited',
  startedAtMs: now,
  finishedAtMs: now + 1000,
  exitCode,
});
export const attempts = (entries: Record<string, Attempt>): AttemptsByName =>
  new Map(Object.entries(entries).map(([name, current]) => [name, { current }]));
