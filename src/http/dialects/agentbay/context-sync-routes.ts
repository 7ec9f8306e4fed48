import type { RequestHandler } from 'express';
import type { SessionData } from '../../../client/session';
import type { SessionContextData } from '../../../client/session-context';
import { ServiceError } from '../../../core/errors';
import { withinRedisBudget } from '../../edge/redis-budget';
import type { DialectParts } from '../dialect';
import { PROFILE_PATH, unsupported } from './create-body';
import { answer } from './envelope';
import { parametersOf, type Parameters } from './parameters';
import { openSession, refOfSession } from './session';

/** One line of what `GetContextInfo` answers, in AgentBay's words. Times are seconds since 1970; 0: not yet. */
interface Task {
  readonly contextId: string;
  readonly path: string;
  readonly errorMessage: string;
  readonly status: 'Success' | 'Failed' | 'Running';
  readonly startTime: number;
  readonly finishTime: number;
  /** `download`: the mount before the browser starts; `upload`: a save. */
  readonly taskType: 'download' | 'upload';
}

/**
 * `SyncContext`: asks for a save of the session's context. Clients look for it in `GetContextInfo` at once, and take no
 * upload there as a finished one: it is registered before this answers. A session without a context has nothing to
 * save.
 */
export function syncRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const parameters = parametersOf(req);
    if (/^download$/i.test(parameters.text('Mode') ?? ''))
      throw unsupported('Mode: a browser gets what its context has when it starts, and not later.');
    const { context } = service.views.of(await openSession(service, req, res));
    checkNamed(parameters, context);
    if (context !== null) await withinRedisBudget(service.saveContext(refOfSession(req, res)));
    answer(res);
  };
}

function checkNamed(parameters: Parameters, context: SessionContextData | null): void {
  const [id, path] = [parameters.text('ContextId'), parameters.text('Path')];
  if (id !== null && id !== context?.id)
    throw new ServiceError('context_not_found', 'The session does not have this context.');
  if (path !== null && path !== PROFILE_PATH)
    throw unsupported(`Path: a context is mounted at ${PROFILE_PATH}.`);
}

/** `GetContextInfo`: what became of the mount and of the last save. */
export function contextInfoRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const parameters = parametersOf(req);
    const ref = refOfSession(req, res);
    // Before the session: a save is in the session before its request is dropped.
    const requested = await withinRedisBudget(service.requestedSave(ref));
    const found = await openSession(service, req, res);
    const isAsked = (name: string, value: string): boolean => [null, value].includes(parameters.text(name));
    const tasks = tasksOf(service.views.of(found), requested, found.nowMs).filter(
      ({ contextId, path, taskType }) =>
        isAsked('ContextId', contextId) && isAsked('Path', path) && isAsked('TaskType', taskType),
    );
    answer(res, { ContextStatus: JSON.stringify([{ type: 'data', data: JSON.stringify(tasks) }]) });
  };
}

function tasksOf(session: SessionData, requested: number | null, nowMs: number): readonly Task[] {
  const { context, createdAt, liveAt } = session;
  if (context === null) return [];
  const mounted: Task = {
    ...about(context),
    status: liveAt === null ? 'Running' : 'Success',
    startTime: secondsOf(createdAt),
    finishTime: secondsOf(liveAt),
    taskType: 'download',
  };
  const save = saveOf(context, requested, nowMs);
  return save === null ? [mounted] : [mounted, save];
}

function saveOf(context: SessionContextData, requested: number | null, nowMs: number): Task | null {
  const { lastSave } = context;
  const upload = { ...about(context), taskType: 'upload' } as const;
  if (requested !== null && requested > (lastSave?.id ?? 0))
    return { ...upload, status: 'Running', startTime: Math.floor(nowMs / 1_000), finishTime: 0 };
  if (lastSave === null) return null;
  const at = secondsOf(lastSave.at);
  const { error } = lastSave;
  return {
    ...{ ...upload, startTime: at, finishTime: at },
    status: error === null ? 'Success' : 'Failed',
    errorMessage: error?.message ?? '',
  };
}

const about = ({ id }: SessionContextData): Pick<Task, 'contextId' | 'path' | 'errorMessage'> => ({
  contextId: id,
  path: PROFILE_PATH,
  errorMessage: '',
});

const secondsOf = (time: string | null): number => (time === null ? 0 : Math.floor(Date.parse(time) / 1_000));
