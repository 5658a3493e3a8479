import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export const skipReason = process.getuid?.() !== 0 && 'loop devices need root';

/** A directory that goes with the test. */
export function temporaryDirectory(test: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'disk-image-'));
  test.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
