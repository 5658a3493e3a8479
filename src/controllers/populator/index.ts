export type {
  FunctionPopulation,
  PodPopulation,
  PopulationParameters,
  PopulatorOptions,
} from './population.ts';
export { createPopulator } from './populator.ts';
