export { createCronJobController } from './cronjob-controller.ts';
