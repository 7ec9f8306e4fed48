import { HoldfastError } from '../core/errors';
import { createJob, extendJob, JOB_NAMES, releaseJob, requestFields, runJob } from './contract';
import { readJob } from './job-error';
import type { IngressParts } from './parts';

/**
 * Checks name and data of a job as taking it up would, and does nothing.
 *
 * @throws HoldfastError `invalid_request` or `not_supported`, naming every field.
 */
export function checkJob(
  parts: Pick<IngressParts, 'parseNewSession' | 'parseChange'>,
  name: string,
  data: unknown,
): void {
  const known = JOB_NAMES.find(candidate => candidate === name);
  switch (known) {
    // Fields that belong to the job alone are none of a session's, and ignored there.
    case 'session.create':
      parts.parseNewSession(readJob(createJob, data));
      return;
    case 'session.extend':
      parts.parseChange(requestFields(readJob(extendJob, data), 'v', 'sessionId'));
      return;
    case 'session.release':
      readJob(releaseJob, data);
      return;
    case 'session.run': {
      const { session, sessionId } = readJob(runJob, data);
      if (sessionId === undefined) parts.parseNewSession(session ?? {});
      return;
    }
    case undefined:
      throw new HoldfastError('invalid_request', `the name must be one of ${JOB_NAMES.join(', ')}`);
  }
}
