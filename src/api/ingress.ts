import { jobParsers } from '../ingress/read-job';
import { acceptedConsumer } from '../../workers/consumers/accepted';
import type { HostIdentity } from '../browser/dial';
import { loadStepLibrary, openStepPage } from '../browser/run-steps';
import type { ReleaseSession } from '../commands/release-session';
import type { CreateSession } from '../commands/create-session';
import type { UpdateSession } from '../commands/update-session';
import type { Config } from '../config/config';
import { messageOf } from '../core/errors';
import type { Deps } from '../deps';
import { findBrowser } from '../engine/live-browser';
import type { FileLinks } from '../contract/file-links';
import type { SessionViews } from '../contract/session-view';
import { acceptJob, finishJob } from '../ingress/accept-job';
import { checkJob } from '../ingress/check-job';
import type { IngressParts } from '../ingress/parts';
import { forgetRun } from '../ingress/run-job';
import type { AwaitSession } from '../queries/await-session';
import type { GetSession } from '../queries/get-session';
import { AcceptedHandler } from '../../workers/consumers/accepted-handler';
import { INGRESS_BLOCK_MS, IngressConsumer } from '../../workers/consumers/ingress';
import type { QuarantineEndless } from '../queue/ingress-handler';
import { IngressKeys } from '../queue/ingress-keys';
import { QUEUE_PLACES } from '../queue/queues';
import { INGRESS_QUEUE } from '../../machines/session/session.words';
import { blockingOptions, openRedis } from '../redis/connection';

/** The commands, queries and views that the routes of this process use as well. */
export interface SharedWithRoutes {
  readonly createSession: CreateSession;
  readonly updateSession: UpdateSession;
  readonly releaseSession: ReleaseSession;
  readonly getSession: GetSession;
  readonly awaitSession: AwaitSession;
  readonly views: SessionViews;
  readonly fileLinks: FileLinks;
}

/**
 * Starts to take the jobs of other services. A job is treated like a request: same checks, same commands, same view.
 */
export async function startIngress(
  deps: Deps,
  localHost: HostIdentity,
  shared: SharedWithRoutes,
): Promise<void> {
  const { lifecycle, consumerBase, log } = deps;
  const parts = ingressParts(deps, localHost, shared);
  const jobs = deps.producer.acceptedJobs();
  const accept = acceptJob(parts);
  const onEndless: QuarantineEndless = (job, taken) =>
    parts.quarantine(job, 'endless', `started ${taken} times without an end`);
  const closing = new AbortController();
  const handler = new AcceptedHandler({
    ...{ jobs, accept, finish: finishJob(parts), onEndless, closing: closing.signal, log },
  });
  const accepted = acceptedConsumer(consumerBase, handler);
  lifecycle.defer('consumer of accepted jobs', () => {
    closing.abort();
    return accepted.close();
  });
  const connection = openRedis(blockingOptions(deps.redisUrl, INGRESS_BLOCK_MS), log);
  lifecycle.defer('connection of the ingress consumer', () => connection.disconnect());
  const ingress = new IngressConsumer({
    ...consumerBase,
    ...{ accept, onEndless },
    connection,
    jobs: deps.producer.acceptedJobsOn(connection),
    keys: new IngressKeys(deps.redis),
    underWay: () => handler.underWay,
    // Progress that is not deleted now expires a day later.
    onEnded: job =>
      forgetRun(parts.runs, job).catch((err: unknown) =>
        log.debug({ err }, 'the progress of an ended run could not be deleted'),
      ),
    onUnreadable: isQueue => quarantineUnreadable(deps, isQueue),
  });
  lifecycle.defer('ingress consumer', () => ingress.close());
  await Promise.all([accepted.start(), ingress.start()]);
}

function ingressParts(deps: Deps, localHost: HostIdentity, shared: SharedWithRoutes): IngressParts {
  return {
    ...shared,
    ...jobParsers(deps.config),
    tenant: deps.config.ingressTenant,
    runs: runParts(deps, localHost, shared.fileLinks),
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

function runParts(deps: Deps, localHost: HostIdentity, fileLinks: FileLinks): IngressParts['runs'] {
  const find = findBrowser({ ...deps, localHost });
  return {
    store: deps.runs,
    files: deps.files,
    fileUrl: id => fileLinks.urlOf(id),
    prepare: loadStepLibrary,
    openPage: async (ref, signal) => openStepPage(await find(ref), signal),
    // Counts as an attached client, so that the connect deadline is satisfied.
    noteActivity: ref => deps.activity.note(ref, true),
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
      log.error({ reason, err: messageOf(error) }, 'a bad job could not be kept');
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
