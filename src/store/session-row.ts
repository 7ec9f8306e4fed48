import { ENDED_STATUSES } from '../../machines/session/session.words';
import type { RowFields } from '../../machines/session/session.newer';
import { parseRef, type SessionRef } from '../core/ids';
import { createdAtOfMember } from '../redis/keys';
import type { ScriptReply } from '../redis/script-runner';
import { labelsOfEntries } from './label-index';
import { decodeSnapshot } from './session-encoding';

/* A row as the load script returns it, before its snapshot is parsed. */

type Reply = ScriptReply | undefined;

/** The content of a row. */
export interface StoredRow {
  /** The snapshot, whole, in the form of the version that has stored it; null if it is not JSON. */
  readonly stored: unknown;
  /** The machine version it was stored by. */
  readonly mv: number;
  readonly fields: RowFields;
}

/** @param beside - status, deadlines, index member and labels: the fields beside the snapshot */
export function storedRow(ref: SessionRef, mv: Reply, snapshot: Reply, beside: readonly Reply[]): StoredRow {
  const [status, deadlines, member, labelKeys] = beside.map(String);
  const { tenant, id } = parseRef(ref) ?? { tenant: '', id: ref };
  const labels = parsed(labelKeys);
  const fields: RowFields = {
    tenant,
    id,
    status: status ?? '',
    createdAtMs: createdAtOfMember(member ?? ''),
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
