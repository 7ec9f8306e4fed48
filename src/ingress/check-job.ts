import { ServiceError } from '../core/errors';
import { releaseJob } from './contract';
import { INGRESS_JOBS } from '../../machines/session/session.words';
import { readCreate, readExtend, readJob, readRun, type JobParsers } from './read-job';

/**
 * Makes the checks of an acceptance on name and data of a job, without accepting it.
 *
 * @throws ServiceError `invalid_request` or `not_supported`, naming every field.
 */
export function checkJob(parts: JobParsers, name: string, data: unknown): void {
  const known = INGRESS_JOBS.find(candidate => candidate === name);
  switch (known) {
    case 'session.create':
      readCreate(parts, data);
      return;
    case 'session.extend':
      readExtend(parts, data);
      return;
    case 'session.release':
      readJob(releaseJob, data);
      return;
    case 'session.run':
      readRun(parts, data);
      return;
    case undefined:
      throw new ServiceError('invalid_request', `the name must be one of ${INGRESS_JOBS.join(', ')}`);
  }
}
