import { type Event, events, type StatusCause, type Stored } from '../../../kube/index.ts';
import { invalidValue } from '../validation/index.ts';
import { column, wideColumn } from './columns.ts';
import { defineResource } from './define.ts';
import { ago } from './duration.ts';

export const eventDefinition = defineResource<Event>(events, {
  columns: [
    column('Last Seen', lastSeen, { description: 'When the event was last observed.' }),
    column('Type', (event) => event.type ?? '', { description: 'Normal or Warning.' }),
    column('Reason', (event) => event.reason ?? '', { description: 'Why, as one word.' }),
    column('Object', target, { description: 'What the event is about.' }),
    wideColumn('Subobject', (event) => event.involvedObject?.fieldPath ?? ''),
    wideColumn('Source', source),
    column('Message', (event) => event.message?.trim() ?? '', { description: 'What happened.' }),
    wideColumn('First Seen', firstSeen),
    wideColumn('Count', (event) => String(event.series?.count ?? (event.count || 1))),
    wideColumn('Name', (event) => event.metadata.name, { format: 'name' }),
  ],
  selectableFields: {
    'involvedObject.kind': (event) => event.involvedObject?.kind ?? '',
    'involvedObject.namespace': (event) => event.involvedObject?.namespace ?? '',
    'involvedObject.name': (event) => event.involvedObject?.name ?? '',
    'involvedObject.uid': (event) => event.involvedObject?.uid ?? '',
    'involvedObject.apiVersion': (event) => event.involvedObject?.apiVersion ?? '',
    'involvedObject.resourceVersion': (event) => event.involvedObject?.resourceVersion ?? '',
    'involvedObject.fieldPath': (event) => event.involvedObject?.fieldPath ?? '',
    reason: (event) => event.reason ?? '',
    reportingComponent: (event) => event.reportingComponent ?? '',
    source: (event) => event.source?.component || event.reportingComponent || '',
    type: (event) => event.type ?? '',
  },
  strategy: {
    createsOnUpdate: true,
    defaults: withEmptyFields,
    validate: namespaceCauses,
  },
});

/** Fields that are written even when they are empty: `kubectl get events --sort-by=.lastTimestamp` wants to find them. */
const EMPTY = {
  source: Object.freeze({}),
  firstTimestamp: null,
  lastTimestamp: null,
  eventTime: null,
  reportingComponent: '',
  reportingInstance: '',
} as const;

function withEmptyFields(event: Event): Event {
  const missing = Object.entries(EMPTY).filter(([name]) => event[name as keyof Event] === undefined);
  return missing.length === 0 ? event : ({ ...event, ...Object.fromEntries(missing) } as Event);
}

function firstSeen(event: Stored<Event>, nowMs: number): string {
  return ago(event.firstTimestamp ?? event.eventTime, nowMs);
}

function lastSeen(event: Stored<Event>, nowMs: number): string {
  if (event.series) return ago(event.series.lastObservedTime, nowMs);
  return event.lastTimestamp ? ago(event.lastTimestamp, nowMs) : firstSeen(event, nowMs);
}

function target({ involvedObject }: Event): string {
  const kind = involvedObject?.kind?.toLowerCase() ?? '';
  return involvedObject?.name ? `${kind}/${involvedObject.name}` : kind;
}

function source(event: Event): string {
  const component = event.source?.component || event.reportingComponent || '';
  const host = event.source?.host || event.reportingInstance;
  return host ? `${component}, ${host}` : component;
}

/** An event is where its object is; those of what is in no namespace are in the default one. */
function namespaceCauses({ metadata, involvedObject, eventTime }: Event): StatusCause[] {
  const namespace = involvedObject?.namespace ?? '';
  const own = metadata?.namespace ?? '';
  // New events carry eventTime; of the old ones more is asked.
  const fits =
    namespace === ''
      ? own === 'default' || (eventTime && own === 'kube-system')
      : eventTime || own === namespace;
  return fits ? [] : [invalidValue('involvedObject.namespace', namespace, 'does not match event.namespace')];
}
