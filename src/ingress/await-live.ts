import { statusOf, isQueued } from '../../machines/session/session.view';
import { isEnded } from '../../machines/session/session.words';
import type { SessionRef } from '../core/ids';
import type { FoundSession } from '../queries/get-session';
import type { IngressJob } from '../queue/ingress-job';
import type { SessionRecord } from '../store/session-record';
import { endedEarly } from './job-error';
import type { IngressParts } from './parts';

/** How often a waiting job gets its position in the queue, at least. */
const POSITION_EVERY_MS = 2_000;

type Phase = 'queued' | 'launching' | 'live' | 'ended';

/**
 * Waits until a session is live, and reports the progress to the job. It needs no limit: every created session becomes
 * live or ends (I13).
 *
 * @throws JobFailure if it has ended, also when it was live before the job was taken up again; the signal's reason when
 *   the job is given up; what {@link IngressParts.awaitSession} throws.
 */
export async function untilLive(
  parts: IngressParts,
  job: IngressJob,
  ref: SessionRef,
): Promise<FoundSession> {
  let phase: Phase | null = null;
  for (;;) {
    const found = await parts.awaitSession({
      ref,
      until: record => phaseOf(record) !== phase,
      timeoutMs: phase === null ? 0 : POSITION_EVERY_MS,
      signal: job.signal,
    });
    job.signal.throwIfAborted();
    phase = phaseOf(found.record);
    const { id: sessionId, liveAtMs } = found.record.snapshot.context;
    if (phase === 'ended') throw endedEarly(parts.views.of(found), liveAtMs !== null);
    if (phase === 'queued') job.report({ state: phase, sessionId, position: found.queuePosition });
    else job.report({ state: phase === 'launching' ? phase : 'live', sessionId });
    if (phase === 'live') return found;
  }
}

function phaseOf({ snapshot }: SessionRecord): Phase {
  const status = statusOf(snapshot);
  if (isEnded(status)) return 'ended';
  if (status === 'live') return 'live';
  return isQueued(snapshot) ? 'queued' : 'launching';
}
