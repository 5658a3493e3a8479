import { errorMessage } from '../../base/index.ts';
import type { Pool } from './pool.ts';

/** Whether a volume is well (VolumeCondition): what holds its data is there, and all of it. */
export async function conditionOf(pool: Pool, id: string): Promise<{ abnormal: boolean; message: string }> {
  try {
    await pool.checkImage(id);
    return { abnormal: false, message: 'its data is there' };
  } catch (error) {
    // One that was deleted meanwhile is not ill.
    return { abnormal: pool.get(id) !== undefined, message: errorMessage(error) };
  }
}
