import { messageOf } from '../src/core/errors';
import type { SessionRef } from '../src/core/ids';
import type { Logger } from '../src/core/logger';
import type { Notice, NoticeStream } from '../src/store/notice-stream';
import type { SessionStore } from '../src/store/session-store';
import type { OwnedSessions } from './owned-sessions';

/** What following moved deadlines needs. */
export interface MovedDeadlinesParts {
  readonly notices: Pick<NoticeStream, 'on' | 'off'>;
  readonly sessions: Pick<SessionStore, 'load'>;
  readonly owned: OwnedSessions;
  readonly log: Logger;
}

/**
 * Arms the local timers of our sessions anew when somebody has changed their time-outs. Only for exactness: a timer of
 * before ends nobody early, since the row decides, and a deadline that was brought forward has a job and a sweep too.
 *
 * @returns stops following.
 */
export function followMovedDeadlines({ notices, sessions, owned, log }: MovedDeadlinesParts): () => void {
  const rearm = async (ref: SessionRef): Promise<void> => {
    try {
      const { record, nowMs } = await sessions.load(ref);
      if (record !== null) owned.rearm(record, nowMs);
    } catch (error) {
      log.debug({ session: ref, reason: messageOf(error) }, 'local timers stay as they were');
    }
  };
  const onNotice = (notice: Notice): void => {
    if (notice.type === 'transition' && notice.event === 'update' && owned.has(notice.ref))
      void rearm(notice.ref);
  };
  const onResync = (): void => {
    for (const ref of owned.refs()) void rearm(ref);
  };
  notices.on('notice', onNotice);
  notices.on('resync', onResync);
  return () => {
    notices.off('notice', onNotice);
    notices.off('resync', onResync);
  };
}
