export { tolerates, untolerated } from '../../kube/index.ts';
