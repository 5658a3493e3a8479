import { type PodTemplate, podTemplates } from '../../../kube/index.ts';
import { column, nameColumn } from './columns.ts';
import { change } from './defaulting.ts';
import { defineResource } from './define.ts';
import { defaultPodTemplate } from './pod-spec-defaults.ts';
import { templateWarnings } from './template-warnings.ts';
import { containersCell, imagesCell, labelsCell } from './workload-cells.ts';
import { podTemplateCauses } from './workload-validation.ts';

export const podTemplateDefinition = defineResource<PodTemplate>(podTemplates, {
  columns: [
    nameColumn(),
    column('Containers', ({ template }) => containersCell(template), {
      description: 'Names of each container in the template.',
    }),
    column('Images', ({ template }) => imagesCell(template), {
      description: 'Images referenced by each container in the template.',
    }),
    column('Pod Labels', ({ template }) => labelsCell(template?.metadata?.labels), {
      description: 'The labels for the pod template.',
    }),
  ],
  strategy: {
    tracksGeneration: true,
    defaults: (one) => change(one, 'template', defaultPodTemplate),
    warnings: templateWarnings(({ template }) => template, 'template'),
    validate: ({ template }) => podTemplateCauses(template, 'template'),
  },
});
