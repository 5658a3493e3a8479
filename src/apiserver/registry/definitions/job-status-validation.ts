import type { Job, StatusCause, Stored } from '../../../kube/index.ts';
import { immutable, invalidValue, required } from '../validation/index.ts';
import { nonNegativeCauses } from './workload-validation.ts';

// Source: Kubernetes 1.36, pkg/apis/batch/validation ValidateJobUpdateStatus.

/** Rules of a status: counts, and that ends are final. */
export function validateJobStatusUpdate({ spec, status }: Job, previous: Stored<Job>): StatusCause[] {
  const causes = (['active', 'succeeded', 'failed', 'ready', 'terminating'] as const).flatMap((name) =>
    nonNegativeCauses(`status.${name}`, status?.[name]),
  );
  const holds = (one: Job['status'], type: string) =>
    one?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
  const complete = holds(status, 'Complete');
  const failed = holds(status, 'Failed');
  const conditions = (why: string): StatusCause => ({
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${why}`,
    field: 'status.conditions',
  });
  if (complete && failed) causes.push(conditions('cannot set Complete=True and Failed=true conditions'));
  if (complete && holds(status, 'FailureTarget'))
    causes.push(conditions('cannot set Complete=True and FailureTarget=true conditions'));
  if (status?.completionTime && !complete) {
    causes.push(
      invalidValue(
        'status.completionTime',
        status.completionTime,
        'cannot set completionTime when there is no Complete=True condition',
      ),
    );
  }
  if (complete && !status?.completionTime)
    causes.push(required('status.completionTime', 'completionTime is required for Complete jobs'));
  if (failed && !holds(status, 'FailureTarget'))
    causes.push(conditions('cannot set Failed=True condition without the FailureTarget=true condition'));
  if (complete && !holds(status, 'SuccessCriteriaMet')) {
    causes.push(
      conditions('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'),
    );
  }
  if ((complete || failed) && (status?.active ?? 0) > 0)
    causes.push(invalidValue('status.active', status?.active, 'active>0 is invalid for finished job'));
  if ((complete || failed) && !status?.startTime)
    causes.push(required('status.startTime', 'startTime is required for finished job'));
  for (const type of ['Failed', 'Complete', 'FailureTarget', 'SuccessCriteriaMet']) {
    if (holds(previous.status, type) && !holds(status, type))
      causes.push(
        conditions(
          `cannot disable the ${type === 'SuccessCriteriaMet' ? '' : 'terminal '}${type}=True condition`,
        ),
      );
  }
  for (const name of ['failed', 'succeeded'] as const) {
    const value = status?.[name] ?? 0;
    if (value < (previous.status?.[name] ?? 0))
      causes.push(invalidValue(`status.${name}`, value, `cannot decrease the ${name} counter`));
  }
  const before = previous.status;
  if (status?.completionTime && before?.completionTime && status.completionTime !== before.completionTime)
    causes.push(immutable('status.completionTime', status.completionTime));
  if (before?.startTime && before.startTime !== status?.startTime && !spec?.suspend) {
    causes.push(
      invalidValue('status.startTime', status?.startTime, 'field is immutable for unsuspended job once set'),
    );
  }
  return causes;
}
