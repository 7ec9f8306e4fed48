import type { Here } from '../browser/dial';
import { openStepPage } from '../browser/run-steps';
import type { ReleaseSession } from '../commands/release-session';
import type { CreateSession } from '../commands/create-session';
import type { UpdateSession } from '../commands/update-session';
import type { Config } from '../config/config';
import { messageOf } from '../core/errors';
import type { Deps } from '../deps';
import { findBrowser } from '../engine/live-browser';
import type { FileLinks } from '../http/file-links';
import { createBodyParser } from '../http/schemas';
import type { SessionViews } from '../http/session-view';
import { parseUpdateBody } from '../http/update-body';
import { acceptJob } from '../ingress/accept-job';
import { checkJob } from '../ingress/check-job';
import type { IngressParts } from '../ingress/parts';
import { forgetRun } from '../ingress/run-job';
import type { AwaitSession } from '../queries/await-session';
import type { GetSession } from '../queries/get-session';
import { IngressConsumer } from '../queue/ingress-consumer';
import { INGRESS_QUEUE } from '../queue/ingress-keys';

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

/** Starts to take the jobs of other services. A job gets what a request would get: same checks, same commands, same view. */
export async function startIngress(deps: Deps, here: Here, shared: SharedWithRoutes): Promise<void> {
  const { config, lifecycle } = deps;
  const contain = containing(deps);
  const runs = runParts(deps, here, shared.fileLinks);
  const accept = acceptJob({
    ...shared,
    ...parsers(config),
    viewOf: found => shared.views.of(found),
    tenant: config.ingressTenant,
    runs,
    contain,
    log: deps.log,
  });
  const consumer = new IngressConsumer({
    ...deps,
    accept,
    onEndless: (job, taken) => contain(job, 'endless', `taken up ${taken} times`),
    // What is not forgotten now is so a day later.
    onEnded: job =>
      forgetRun(runs, job).catch((err: unknown) => deps.log.debug({ err }, 'a run was not forgotten')),
  });
  lifecycle.defer('ingress consumer', () => consumer.close());
  await consumer.start();
}

/** Checks a job of another service as taking it up would. */
export function ingressJobCheck(config: Config): (name: string, data: unknown) => void {
  const parts = parsers(config);
  return (name, data) => checkJob(parts, name, data);
}

/* What a request would be read with. */
function parsers(config: Config): Pick<IngressParts, 'parseNewSession' | 'parseChange'> {
  return {
    parseNewSession: createBodyParser(config),
    parseChange: (fields, place) => parseUpdateBody(fields, config, place),
  };
}

function runParts(deps: Deps, here: Here, fileLinks: FileLinks): IngressParts['runs'] {
  const find = findBrowser({ ...deps, here });
  return {
    store: deps.runs,
    files: deps.files,
    fileUrl: id => fileLinks.urlOf(id),
    openPage: async (ref, signal) => openStepPage(await find(ref), signal),
    // As a client that is attached: what waits for one to come has waited long enough.
    noteActivity: ref => deps.activity.note(ref, true),
  };
}

/* The job itself goes on to its end; that its copy could not be kept is no reason to deliver it again. */
function containing({ consumerBase, log }: Deps): IngressParts['contain'] {
  return async (job, reason, detail) => {
    try {
      const data = writable(job.data);
      await consumerBase.onContained({
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

/* Data that is nested deeply enough cannot be written as JSON, although it was read. */
function writable(data: unknown): string {
  try {
    return JSON.stringify(data) ?? '';
  } catch {
    return '';
  }
}
