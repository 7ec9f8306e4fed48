import type { ServiceEvent } from '../../../client/event-stream';
import { isEnded, type Session, type SessionEvent } from '../../../client/session';
import { colourOfStatus } from '../../colours';
import { formatAge, formatDuration } from '../../durations';
import type { View } from '../../output';

/** Shown in a cell without a value. */
export const NOTHING = '–';

/** How to name a session on the command line. */
export const SESSION_WORD = 'its id, the beginning of it, or its name';

/** Sessions as a table. */
export function sessionsView(nowMs: number): View<Session> {
  return {
    nameOf: ({ id }) => id,
    columns: [
      { title: 'ID', of: ({ id }) => id, isId: true, width: 36 },
      {
        title: 'STATUS',
        of: ({ status }) => status,
        colour: ({ status }) => colourOfStatus(status),
        width: 9,
      },
      { title: 'AGE', of: ({ createdAt }) => formatAge(nowMs - Date.parse(createdAt)), width: 6 },
      { title: 'EXPIRES IN', of: session => expiryOf(session, nowMs), width: 10 },
      { title: 'REASON', of: ({ endReason }) => endReason ?? NOTHING, width: 18, minWidth: 12 },
      { title: 'NAME', of: ({ name }) => name ?? NOTHING, minWidth: 6 },
      { title: 'LABELS', of: ({ labels }) => labelsOf(labels), minWidth: 6 },
    ],
  };
}

/** Labels as `a=b,c=d`. */
export const labelsOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',') || NOTHING;

/** The remaining time of a session, if nothing changes. */
export function expiryOf(session: Session, nowMs: number): string {
  if (isEnded(session) || session.expiresAt === null) return NOTHING;
  return formatAge(Date.parse(session.expiresAt) - nowMs);
}

/* `2026-11-20T06:27:30.992Z` → `06:27:30.992`. */
const timeOfDay = (at: string): string => at.slice(11, 23);

/** The history of a session as a table. */
export const HISTORY: View<SessionEvent> = {
  nameOf: ({ seq }) => String(seq),
  columns: [
    { title: 'SEQ', of: ({ seq }) => String(seq), align: 'right', width: 4 },
    { title: 'AT', of: ({ at }) => at, brief: ({ at }) => timeOfDay(at), width: 24 },
    { title: 'EVENT', of: ({ event }) => event, width: 18, minWidth: 8 },
    { title: 'FROM', of: ({ from }) => from ?? NOTHING, width: 9 },
    { title: 'TO', of: ({ to }) => to, colour: ({ to }) => colourOfStatus(to), width: 9 },
    { title: 'CAUSE', of: ({ cause }) => cause, width: 18, minWidth: 8 },
    { title: 'ACTOR', of: ({ actor }) => actor, width: 43, minWidth: 12 },
  ],
};

/** Events of all sessions as a table. */
export const EVENTS: View<Exclude<ServiceEvent, { type: 'context' }>> = {
  nameOf: event => ('sessionId' in event ? event.sessionId : NOTHING),
  columns: [
    {
      title: 'AT',
      of: event => (event.type === 'transition' ? event.at : NOTHING),
      brief: event => (event.type === 'transition' ? timeOfDay(event.at) : NOTHING),
      width: 24,
    },
    {
      title: 'SESSION',
      of: event => ('sessionId' in event ? event.sessionId : NOTHING),
      isId: true,
      width: 36,
    },
    {
      title: 'EVENT',
      of: event => (event.type === 'transition' ? event.event : event.type),
      width: 18,
      minWidth: 10,
    },
    {
      title: 'FROM',
      of: event => (event.type === 'transition' ? (event.from ?? NOTHING) : NOTHING),
      width: 9,
    },
    {
      title: 'TO',
      of: event => (event.type === 'transition' ? event.to : NOTHING),
      colour: event => colourOfStatus(event.type === 'transition' ? event.to : ''),
      width: 9,
    },
    {
      title: 'REASON',
      of: event => (event.type === 'transition' ? (event.endReason ?? NOTHING) : NOTHING),
      minWidth: 8,
    },
  ],
};

const DURATIONS = ['timeout', 'idleTimeout', 'sleepAfter', 'duration'];

/** Every field of a session or a context, for people; also fields that a later version of the service has added. */
export function detailsOf(nowMs: number): (thing: object) => (readonly [string, string])[] {
  return thing => rowsOf(thing, '', nowMs);
}

/* Members that are objects get rows of their own, unless they are in an object already. */
function rowsOf(thing: object, prefix: string, nowMs: number): (readonly [string, string])[] {
  return Object.entries(thing).flatMap(([name, value]: [string, unknown]) => {
    if (prefix !== '' || !isObject(value)) return [[`${prefix}${name}`, detail(name, value, nowMs)] as const];
    const inner = Object.entries(value).filter(([, member]) => isObject(member));
    const outer = Object.entries(value).filter(([, member]) => !isObject(member));
    return [
      [name, detail(name, Object.fromEntries(outer), nowMs)] as const,
      ...rowsOf(Object.fromEntries(inner), `${name}.`, nowMs),
    ];
  });
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function detail(name: string, value: unknown, nowMs: number): string {
  if (value === null) return NOTHING;
  if (typeof value === 'number' && DURATIONS.includes(name)) return formatDuration(value);
  if (typeof value === 'object') {
    const members = Object.entries(value).map(([key, each]) => `${key}=${textOf(each)}`);
    return members.join(', ') || NOTHING;
  }
  const text = textOf(value);
  if (!name.endsWith('At')) return text;
  const ms = Date.parse(text) - nowMs;
  return ms > 0 ? `${text} (in ${formatAge(ms)})` : `${text} (${formatAge(-ms)} ago)`;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
