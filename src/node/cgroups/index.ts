export { oomScoreAdjust } from './oom-score.ts';
export { type ContainerCgroup, containerCgroup } from './resources.ts';
export { CgroupTree } from './tree.ts';
export { type CgroupUsage, readUsage, wasOomKilled } from './usage.ts';
