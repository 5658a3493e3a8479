export type { Seat } from './fair-queue.ts';
export { Gate, isLongRunning } from './gate.ts';
