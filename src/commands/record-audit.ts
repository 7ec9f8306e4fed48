import type { AuditEntry } from '../core/audit';
import { messageOf } from '../core/errors';
import type { SessionRef } from '../core/ids';
import type { Logger } from '../core/logger';
import type { AuditStore } from '../store/audit-store';
import type { EventLog } from '../store/event-log';

/** Writes into the audit log what somebody has done. Never throws: it has been done. */
export type RecordAudit = (entry: AuditEntry) => Promise<void>;

/** Dependencies of {@link recordAudit}. */
export interface RecordAuditParts {
  readonly audit: Pick<AuditStore, 'add'>;
  readonly log: Logger;
}

/** The line in the log comes first, so that nothing is missing there if Redis goes away. */
export function recordAudit({ audit, log }: RecordAuditParts): RecordAudit {
  return async entry => {
    log.info({ audit: true, ...entry }, 'audit');
    await audit.add(entry).catch((error: unknown) => {
      log.warn({ ...entry, reason: messageOf(error) }, 'an entry of the audit log is in this log only');
    });
  };
}

/** Writes into the audit log that somebody has released a session which another one has created. Never throws. */
export type RecordRelease = (ref: SessionRef, actor: string) => Promise<void>;

/** Dependencies of {@link recordRelease}. */
export interface RecordReleaseParts {
  readonly recordAudit: RecordAudit;
  readonly eventLog: Pick<EventLog, 'historySince'>;
  readonly log: Logger;
}

/** The first line of a history has the creator; the last one has who ended it, so nothing is lost if this fails. */
export function recordRelease({ recordAudit, eventLog, log }: RecordReleaseParts): RecordRelease {
  return async (ref, actor) => {
    try {
      const creator = (await eventLog.historySince(ref, 0, 1))?.entries[0]?.actor ?? actor;
      if (creator === actor) return;
      await recordAudit({ action: 'session_released', actor, subject: ref, detail: `created by ${creator}` });
    } catch (error) {
      log.debug(
        { session: ref, reason: messageOf(error) },
        'the creator of a released session could not be read',
      );
    }
  };
}
