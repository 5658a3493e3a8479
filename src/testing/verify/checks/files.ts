import { join } from 'node:path';
import { errorMessage } from '../../../base/index.ts';
import type { Scene } from '../scene.ts';

const FILE = 'written-by-stowage-verify';

/** Writes a text into a volume that is mounted at the path. */
export async function writeInto(scene: Scene, path: string, text: string): Promise<void> {
  try {
    await scene.options.host.files.write(join(path, FILE), text);
  } catch (error) {
    throw scene.violation(
      `a published volume can be written: ${errorMessage(error)}`,
      'mount the volume at target_path, for writing unless readonly is set',
    );
  }
}

/** The text in the volume must be the one that was written into it. */
export async function demandText(scene: Scene, path: string, text: string, what: string): Promise<void> {
  const found = await scene.options.host.files.read(join(path, FILE)).catch(errorMessage);
  scene.demand(
    found === text,
    `${what} holds what was written before: ${JSON.stringify(text)}; it has ${JSON.stringify(found)}`,
    'keep the data of a volume with the volume',
  );
}
