export { LeaderElector, type LeaderElectorOptions, LeadershipLostError } from './leader-elector.ts';
export { CORE_TIMING, type LeaseTiming, SIDECAR_TIMING, timingProblem } from './timing.ts';
