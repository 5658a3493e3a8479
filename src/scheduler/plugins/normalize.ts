import { MAX_NODE_SCORE } from '../plugin.ts';

/** Scales scores so that the highest becomes 100, or with `reverse` 0; when all are 0 they stay, or all become 100. */
export function normalizeScores(scores: number[], reverse = false): void {
  const highest = Math.max(0, ...scores);
  for (let i = 0; i < scores.length; i++) {
    const scaled = highest === 0 ? 0 : Math.trunc((MAX_NODE_SCORE * scores[i]!) / highest);
    scores[i] = reverse ? MAX_NODE_SCORE - scaled : scaled;
  }
}
