import {
  apiVersionOf,
  type Event,
  type EventsV1Event,
  events,
  eventsV1,
  type KubeObject,
  type StatusCause,
  type Stored,
} from '../../../kube/index.ts';
import { StoredEntry } from '../../store/index.ts';
import type { Column, Entry } from '../contract.ts';
import { invalidValue, isQualifiedName, required, validateWith } from '../validation/index.ts';
import { defineResource } from './define.ts';
import { eventDefinition } from './events.ts';

/** The fields that have another name in core/v1; the others are the same. */
const CORE_NAMES = {
  regarding: 'involvedObject',
  note: 'message',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
} as const;
const NEW_NAMES = Object.fromEntries(Object.entries(CORE_NAMES).map(([name, core]) => [core, name]));

function renamed(object: KubeObject, names: Readonly<Record<string, string>>): KubeObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [names[name] ?? name, value]),
  ) as KubeObject;
}

function toCore(event: EventsV1Event): Event {
  return { ...renamed(event, CORE_NAMES), apiVersion: apiVersionOf(events) } as Event;
}

function fromCore(event: Event): EventsV1Event {
  const named = { ...renamed(event, NEW_NAMES), apiVersion: apiVersionOf(eventsV1) } as EventsV1Event;
  // core/v1 writes these even when they are empty.
  const { reportingController, reportingInstance, ...rest } = named;
  return Object.freeze({
    ...rest,
    ...(reportingController ? { reportingController } : undefined),
    ...(reportingInstance ? { reportingInstance } : undefined),
  });
}

const shown = new WeakMap<Entry, Entry>();

function read(entry: Entry): Entry {
  let view = shown.get(entry);
  if (!view) {
    view = new StoredEntry(fromCore(entry.object as Event) as Stored<KubeObject>, entry.revision);
    shown.set(entry, view);
  }
  return view;
}

/** The same events as those of core/v1, in the form that newer clients write. */
export const eventV1Definition = defineResource<EventsV1Event>(eventsV1, {
  view: { of: events, read, write: toCore },
  columns: eventDefinition.columns.map(
    (column): Column<EventsV1Event> => ({
      ...column,
      cell: (event, nowMs) => column.cell(toCore(event) as Stored<Event>, nowMs),
    }),
  ),
  selectableFields: {
    'regarding.kind': ({ regarding }) => regarding?.kind ?? '',
    'regarding.namespace': ({ regarding }) => regarding?.namespace ?? '',
    'regarding.name': ({ regarding }) => regarding?.name ?? '',
    'regarding.uid': ({ regarding }) => regarding?.uid ?? '',
    'regarding.apiVersion': ({ regarding }) => regarding?.apiVersion ?? '',
    'regarding.resourceVersion': ({ regarding }) => regarding?.resourceVersion ?? '',
    'regarding.fieldPath': ({ regarding }) => regarding?.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingController: ({ reportingController }) => reportingController ?? '',
    type: ({ type }) => type ?? '',
  },
  strategy: {
    createsOnUpdate: true,
    defaults: withEmptyFields,
    validateNew: validate,
  },
});

/** Fields of core/v1 that are written even when they are empty. */
const EMPTY = {
  deprecatedSource: Object.freeze({}),
  deprecatedFirstTimestamp: null,
  deprecatedLastTimestamp: null,
} as const;

function withEmptyFields(event: EventsV1Event): EventsV1Event {
  const missing = Object.entries(EMPTY).filter(([name]) => event[name as keyof EventsV1Event] === undefined);
  return missing.length === 0 ? event : ({ ...event, ...Object.fromEntries(missing) } as EventsV1Event);
}

/** Rules: Kubernetes 1.36, pkg/apis/core/validation ValidateEventCreate: stricter than those of core/v1. */
function validate(event: EventsV1Event): StatusCause[] {
  const causes: StatusCause[] = [];
  const namespace = event.regarding?.namespace ?? '';
  const own = event.metadata?.namespace ?? '';
  if (namespace === '' && own !== 'default' && own !== 'kube-system') {
    causes.push(invalidValue('involvedObject.namespace', namespace, 'does not match event.namespace'));
  }
  const { reportingController = '' } = event;
  if (!reportingController) causes.push(required('reportingController'));
  causes.push(...validateWith('reportingController', reportingController, isQualifiedName));
  if (!event.reportingInstance) causes.push(required('reportingInstance'));
  if (!event.action) causes.push(required('action'));
  if (!event.reason) causes.push(required('reason'));
  if (!event.eventTime) causes.push(required('eventTime'));
  if (event.type !== 'Normal' && event.type !== 'Warning')
    causes.push(invalidValue('type', '', `has invalid value: ${event.type ?? ''}`));
  const unset = (field: string, value: unknown) => {
    if (value) causes.push(invalidValue(field, '', 'needs to be unset'));
  };
  unset('firstTimestamp', event.deprecatedFirstTimestamp);
  unset('lastTimestamp', event.deprecatedLastTimestamp);
  unset('count', event.deprecatedCount);
  unset('source', event.deprecatedSource?.component || event.deprecatedSource?.host);
  return causes;
}
