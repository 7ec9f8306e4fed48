import { jobParsers } from '../ingress/read-job';
import { acceptedConsumer } from '../../workers/consumers/accepted';
import { loadStepLibrary, openStepPage } from '../browser/run-steps';
import type { Config } from '../config/config';
import { messageOf } from '../core/errors';
import type { Deps } from '../deps';
import type { Service } from '../contract/service';
import { acceptJob, finishJob } from '../ingress/accept-job';
import { checkJob } from '../ingress/check-job';
import type { IngressParts, RunParts } from '../ingress/parts';
import { forgetRun } from '../ingress/run-job';
import { AcceptedHandler } from '../../workers/consumers/accepted-handler';
import { INGRESS_BLOCK_MS, IngressConsumer } from '../../workers/consumers/ingress';
import type { QuarantineEndless } from '../queue/ingress-handler';
import { IngressKeys } from '../queue/ingress-keys';
import { QUEUE_PLACES } from '../queue/queues';
import { INGRESS_QUEUE } from '../../machines/session/session.words';
import { blockingOptions, openRedis } from '../redis/connection';

/**
 * Starts to take the jobs of other services. A job is treated like a request: same checks, same commands, same view.
 */
export async function startIngress(deps: Deps, service: Service): Promise<void> {
  const { lifecycle, consumerBase, producer, clock, report, log } = deps;
  const parts = ingressParts(deps, service);
  const accept = acceptJob(parts);
  const onEndless: QuarantineEndless = (job, taken) =>
    parts.quarantine(job, 'endless', `started ${taken} times without an end`);
  const closing = new AbortController();
  const handler = new AcceptedHandler({
    jobs: producer.acceptedJobs(),
    accept,
    finish: finishJob(parts),
    onEndless,
    closing: closing.signal,
    log,
  });
  const accepted = acceptedConsumer(consumerBase, handler);
  lifecycle.defer('consumer of accepted jobs', () => {
    closing.abort();
    return accepted.close();
  });
  const connection = openRedis(blockingOptions(deps.redisUrl, INGRESS_BLOCK_MS), log);
  lifecycle.defer('connection of the ingress consumer', () => connection.disconnect());
  const ingress = new IngressConsumer({
    connection,
    jobs: producer.acceptedJobsOn(connection),
    keys: new IngressKeys(deps.redis),
    accept,
    underWay: () => handler.underWay,
    onEndless,
    // Progress that is not deleted now expires a day later.
    onEnded: job =>
      forgetRun(parts.runs, job).catch((err: unknown) =>
        log.debug({ err }, 'the progress of an ended run could not be deleted'),
      ),
    onUnreadable: isQueue => quarantineUnreadable(deps, isQueue),
    report,
    clock,
    log,
  });
  lifecycle.defer('ingress consumer', () => ingress.close());
  await Promise.all([accepted.start(), ingress.start()]);
}

function ingressParts(deps: Deps, service: Service): IngressParts {
  const { policy, parseNewSession } = jobParsers(deps.config);
  return {
    createSession: service.createSession,
    updateSession: service.updateSession,
    releaseSession: service.releaseSession,
    getSession: service.getSession,
    awaitSession: service.awaitSession,
    views: service.views,
    policy,
    parseNewSession,
    tenant: deps.config.ingressTenant,
    runs: runParts(deps, service),
    quarantine: quarantining(deps),
    log: deps.log,
  };
}

/* Does at once what the sweep does: a job that was fetched and cannot be read blocks all jobs after it. */
async function quarantineUnreadable(
  { maintenance, queueWatch, report }: Deps,
  isQueue: boolean,
): Promise<void> {
  for (const watched of QUEUE_PLACES) {
    if (!watched.isForeign) continue;
    const found = isQueue
      ? await queueWatch.quarantineAll(watched, await maintenance.nowMs())
      : await queueWatch.quarantineActive(watched);
    for (const entry of found) report.quarantined(entry);
  }
}

/** Makes the checks of an acceptance on a job of another service. */
export function ingressJobCheck(config: Config): (name: string, data: unknown) => void {
  const parsers = jobParsers(config);
  return (name, data) => checkJob(parsers, name, data);
}

function runParts({ runs, files, activity }: Deps, { findBrowser, fileLinks }: Service): RunParts {
  return {
    store: runs,
    files,
    fileUrl: id => fileLinks.urlOf(id),
    prepare: loadStepLibrary,
    openPage: async (ref, signal) => openStepPage(await findBrowser(ref), signal),
    // Counts as an attached client, so that the connect deadline is satisfied.
    noteActivity: ref => activity.note(ref, true),
  };
}

/* The job ends in any case; a copy that could not be stored is no reason to deliver the job again. */
function quarantining({ consumerBase, log }: Deps): IngressParts['quarantine'] {
  return async (job, reason, detail) => {
    try {
      const data = writable(job.data);
      await consumerBase.quarantine({
        queue: INGRESS_QUEUE,
        jobId: job.id,
        name: job.name,
        reason,
        detail,
        data,
      });
    } catch (error) {
      log.error({ reason, err: messageOf(error) }, 'a bad job could not be put into quarantine');
    }
  };
}

/* Very deeply nested data cannot be written as JSON, although it could be parsed. */
function writable(data: unknown): string {
  try {
    return JSON.stringify(data) ?? '';
  } catch {
    return '';
  }
}
