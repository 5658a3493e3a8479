import { readFileSync } from 'node:fs';

/** Every mount point, as often as something is mounted there. */
export function mountTargets(): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '');
}

/** How many mounts are stacked there. */
export function mountsAt(target: string): number {
  return mountTargets().filter((each) => each === target).length;
}
