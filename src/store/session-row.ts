import { ENDED_STATUSES } from '../../machines/session/session.words';
import type { RowFields } from '../../machines/session/session.newer';
import { parseRef, type SessionRef } from '../core/ids';
import { createdAtOfMember } from '../redis/keys';
import type { BytesReply } from '../redis/script-runner';
import { labelsOfEntries } from './label-index';
import { unpackSession, type EndedSession } from './packed-session';
import { decodeSnapshot } from './session-encoding';
import type { SessionRecord } from './session-record';

/* A session as the load script returns it. */

type Reply = string | number | undefined;

/** The content of a row. */
export interface StoredRow {
  /** The snapshot, whole, in the form of the version that has stored it; null if it is not JSON. */
  readonly stored: unknown;
  /** The machine version it was stored by. */
  readonly mv: number;
  readonly fields: RowFields;
}

/** A session before its snapshot is read. */
export interface LoadedRow {
  readonly row: StoredRow;
  /** The ids of the last operations that were applied to it. */
  readonly applied: readonly string[];
  readonly others: Omit<SessionRecord, 'snapshot' | 'isPartial'>;
}

/** Reads the snapshot of a row; how depends on what for. */
export type ReadSnapshot = (row: StoredRow) => Pick<SessionRecord, 'snapshot' | 'isPartial'>;

/** @param session - one answer of the load script; null if it says that there is no such session */
export function loadedRow(ref: SessionRef, session: BytesReply[number] | undefined): LoadedRow | null {
  if (!Array.isArray(session) || session.length === 0) return null;
  const packed = unpackedIn(session[PACKED]);
  const texts = session.map((field, i) => (i === PACKED ? '' : String(field)));
  const [revision, mv, snapshot, fingerprint = '', ops = '', ...beside] = texts;
  const [save, tokenGeneration, traffic, , activity, attached, present] = beside.slice(4);
  return {
    row: storedRow(ref, packed?.mv ?? mv, packed?.snapshot ?? snapshot, beside),
    applied: ops.split(';').map(op => op.slice(0, op.lastIndexOf('='))),
    others: {
      ref,
      revision: Number(revision),
      fingerprint,
      lastActivityMs: numberOrNull(activity),
      attachedAtMs: numberOrNull(attached),
      presentAtMs: numberOrNull(present),
      tokenGeneration: Number(tokenGeneration),
      // SAFETY: only `ClosingStore` writes these fields.
      finalSave: jsonOrNull(save) as SessionRecord['finalSave'],
      traffic: jsonOrNull(traffic) as SessionRecord['traffic'],
    },
  };
}

/** The whole record. @throws what `read` throws. */
export const recordOf = ({ row, others }: LoadedRow, read: ReadSnapshot): SessionRecord => ({
  ...others,
  ...read(row),
});

/* Where the packed form is in the answer; it is bytes, all else is text. */
const PACKED = 12;

/* Null: it is not packed, or cannot be read. */
const unpackedIn = (packed: unknown): EndedSession | null =>
  Buffer.isBuffer(packed) && packed.length > 0 ? unpackSession(packed) : null;

const numberOrNull = (text = ''): number | null => (text === '' ? null : Number(text));

const jsonOrNull = (text = ''): unknown => (text === '' ? null : JSON.parse(text));

/* `beside` begins with status, deadlines, index member and labels: the fields beside the snapshot. */
function storedRow(ref: SessionRef, mv: Reply, snapshot: Reply, beside: readonly string[]): StoredRow {
  const [status = '', deadlines, member = '', labelKeys] = beside;
  const { tenant, id } = parseRef(ref) ?? { tenant: '', id: ref };
  const labels = parsed(labelKeys);
  const fields: RowFields = {
    tenant,
    id,
    status,
    createdAtMs: createdAtOfMember(member),
    labels: labelsOfEntries(Array.isArray(labels) ? labels.map(String) : []),
    // SAFETY: Object() makes an object of anything; readers of its members check them.
    deadlines: Object(parsed(deadlines)) as RowFields['deadlines'],
  };
  return { stored: decodeSnapshot(parsed(snapshot), Number(mv), fields), mv: Number(mv), fields };
}

/** Whether a session has ended, by the statuses that every version knows. */
export const isEndedRow = ({ status }: RowFields): boolean => ENDED_STATUSES.some(ended => ended === status);

function parsed(json: Reply): unknown {
  try {
    return JSON.parse(String(json));
  } catch {
    return null;
  }
}
