import { statusOf } from '../../machines/session/session.view';
import { isEnded, type IngressJobName } from '../../machines/session/session.words';
import type { StepPage } from '../browser/run-steps';
import type { RunStep } from '../browser/steps';
import type { NewSession } from '../commands/create-session';
import { messageOf, ServiceError } from '../core/errors';
import { parseRef, refOf, type SessionRef } from '../core/ids';
import { printable } from '../core/printable';
import type { JobOutcome } from '../queue/ingress-handler';
import { jobKey, type IngressJob } from '../queue/ingress-job';
import { untilLive } from './await-live';
import type { RunJob } from './contract';
import { codeOf, isTemporary, JobFailure } from './job-error';
import { actorOf, idempotencyKeyOf } from './job-identity';
import type { IngressParts, RunParts } from './parts';
import { readRun } from './read-job';
import { RunOutputs } from './run-outputs';
import { outcomeOf, release } from './session-jobs';

/** How long to wait for the end of a session after its browser has gone. */
const END_KNOWN_MS = 3_000;

/** Half of the shortest idle time-out there can be. */
const ACTIVITY_EVERY_MS = 500;

/** Longest error message of a step; a selector in it can be longer. */
const MESSAGE_MAX = 500;

/** `session.run`: runs steps in an existing session, or in one of its own, which is created here. */
export async function acceptRun(parts: IngressParts, job: IngressJob): Promise<SessionRef> {
  const { session, ...data } = readRun(parts, job.data);
  await refuseSecond(parts, job, data.dedupKey);
  return data.sessionId === undefined
    ? create(parts, job, session, data.dedupKey)
    : refOf(parts.tenant, data.sessionId);
}

/**
 * Runs the steps, then releases or keeps the session. The progress is stored before each step: a job that is taken up
 * again repeats the interrupted step, so each step is done at least once. The progress is deleted after the job's end
 * is in Redis, not before.
 */
export async function finishRun(parts: IngressParts, job: IngressJob, ref: SessionRef): Promise<JobOutcome> {
  const data = readRun(parts, job.data);
  try {
    return await run(parts, job, ref, data);
  } catch (error) {
    if (isTemporary(error) || job.signal.aborted) throw error;
    if (data.then === 'release' && codeOf(error) !== 'session_not_found') await release(parts, job, ref);
    throw error;
  }
}

/** Deletes the progress of a job that has ended; a job without steps has none. */
export async function forgetRun({ store }: Pick<RunParts, 'store'>, job: IngressJob): Promise<void> {
  const name: IngressJobName = 'session.run';
  if (job.name === name) await store.forget(jobKey(job));
}

/*
 * A second job would run its steps in the session of the first at the same time, and release it while the first still
 * uses it.
 */
async function refuseSecond(
  { runs }: IngressParts,
  job: IngressJob,
  dedupKey: string | undefined,
): Promise<void> {
  if (dedupKey === undefined) return;
  const other = await runs.store.otherOf(dedupKey, { jobKey: jobKey(job), id: job.id });
  if (other === null) return;
  throw new JobFailure('duplicate', `job ${printable(other, 100)} was the first job with this dedupKey`);
}

async function create(
  parts: IngressParts,
  job: IngressJob,
  session: NewSession,
  dedupKey: string | undefined,
): Promise<SessionRef> {
  const { ref } = await parts.createSession({
    tenant: parts.tenant,
    session,
    idempotencyKey: idempotencyKeyOf(job, dedupKey),
    actor: actorOf(job),
  });
  return ref;
}

async function run(
  parts: IngressParts,
  job: IngressJob,
  ref: SessionRef,
  { steps, then }: Pick<RunJob, 'steps' | 'then'>,
): Promise<JobOutcome> {
  const { done, outputs: lines } = await parts.runs.store.load(jobKey(job));
  const outputs = new RunOutputs(parts.runs, parts.tenant, lines);
  if (done < steps.length) {
    await parts.runs.prepare();
    await untilLive(parts, job, ref);
    await doSteps(parts, job, ref, { steps, done, outputs });
  }
  const session =
    then === 'release'
      ? await release(parts, job, ref)
      : outcomeOf(parts.views.of(await parts.getSession(ref)));
  return { result: { session, outputs: outputs.all } };
}

interface Progress {
  readonly steps: readonly RunStep[];
  readonly done: number;
  readonly outputs: RunOutputs;
}

async function doSteps(
  parts: IngressParts,
  job: IngressJob,
  ref: SessionRef,
  { steps, done, outputs }: Progress,
): Promise<void> {
  const sessionId = parseRef(ref)?.id;
  const page = await active(parts, ref, () => opened(parts, job, ref));
  let at = done;
  try {
    for (const step of steps.slice(done)) {
      job.signal.throwIfAborted();
      job.report({ state: 'step', sessionId, step: at + 1, of: steps.length });
      const given = await active(parts, ref, () => page.perform(step)).catch((error: unknown) => {
        throw isTemporary(error) ? error : stepFailed(at + 1, step, error);
      });
      await outputs.add(at + 1, step, given);
      await parts.runs.store.save(jobKey(job), { done: at + 1, outputs: outputs.lines });
      at += 1;
    }
  } catch (error) {
    if (isTemporary(error) || job.signal.aborted) throw error;
    // A producer that reads the failure finds the outputs of the earlier steps here.
    job.report({ state: 'failed', sessionId, step: at + 1, of: steps.length, outputs: outputs.all });
    throw await causeOf(parts, ref, error);
  } finally {
    page.close();
  }
}

/* A long step counts as activity while it runs, so that the session is not idle. */
async function active<T>(parts: IngressParts, ref: SessionRef, work: () => Promise<T>): Promise<T> {
  await parts.runs.noteActivity(ref);
  // A lost note is made good by the next one.
  const note = (): void => void parts.runs.noteActivity(ref).catch(() => undefined);
  const notes = setInterval(note, ACTIVITY_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(notes);
  }
}

async function opened(parts: IngressParts, job: IngressJob, ref: SessionRef): Promise<StepPage> {
  try {
    return await parts.runs.openPage(ref, job.signal);
  } catch (error) {
    throw isTemporary(error) || job.signal.aborted ? error : await causeOf(parts, ref, error);
  }
}

/* If the session has ended during a step, that end is the reason of the failure, not the step's error. */
async function causeOf(parts: IngressParts, ref: SessionRef, error: unknown): Promise<unknown> {
  const { record } = await parts.awaitSession({
    ref,
    until: ({ snapshot }) => isEnded(statusOf(snapshot)),
    timeoutMs: isBrowserGone(error) ? END_KNOWN_MS : 0,
    signal: new AbortController().signal,
  });
  const status = statusOf(record.snapshot);
  if (!isEnded(status)) return error;
  return new JobFailure(
    'session_ended',
    `the session ended before its steps were done: ${status}, ${record.snapshot.context.endReason ?? 'unknown'}`,
  );
}

function isBrowserGone(error: unknown): boolean {
  const cause = error instanceof JobFailure ? error.cause : error;
  return cause instanceof ServiceError && cause.code === 'browser_unreachable';
}

function stepFailed(number: number, step: RunStep, cause: unknown): JobFailure {
  const message = messageOf(cause).slice(0, MESSAGE_MAX);
  return new JobFailure('step_failed', `step ${number} (${step.do}): ${message}`, { cause });
}
