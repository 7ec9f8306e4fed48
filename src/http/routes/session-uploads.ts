import type { RequestHandler } from 'express';
import { z } from 'zod';
import { isEnded } from '../../../machines/session/session.words';
import { statusOf } from '../../../machines/session/session.view';
import {
  listUploads,
  removeUpload,
  storeUpload,
  type FileToUpload,
  type Upload,
} from '../../browser/uploads';
import type { KeeperRoute } from '../../browser/dial';
import { checkFields } from '../../core/check-fields';
import { ServiceError } from '../../core/errors';
import type { SessionRef } from '../../core/ids';
import { allowSlowBody, dropBody } from '../../core/request-body';
import type { FindKeeper } from '../../engine/live-browser';
import { requireLive } from '../../engine/session-ended';
import type { AwaitSession } from '../../queries/await-session';
import type { SessionRecord } from '../../store/session-record';
import { withinRedisBudget } from '../edge/redis-budget';
import { contextOf } from '../edge/request-context';
import { refOfParam } from '../edge/session-param';
import { filesOf } from '../edge/uploaded-files';

/** How long a client may send nothing of a file. */
const SILENT_AFTER_MS = 30_000;

/** How often an upload counts as activity: at least twice in the shortest idle time-out. */
const ACTIVE_EVERY_MS = 500;

/** How long to wait, after a browser has gone, for the end of its session. */
const END_KNOWN_MS = 900;

/** Dependencies of the routes. */
export interface SessionUploadsRouteParts {
  readonly findKeeper: FindKeeper;
  readonly awaitSession: AwaitSession;
}

/** The query of `POST /v1/sessions/{id}/uploads`. */
export const uploadQuery = z.object({
  name: z
    .string()
    .min(1)
    .optional()
    .describe('The name of the file, for a body of `application/octet-stream`.'),
});

/** What the list answers, and what a request with files answers about these. */
export const uploadsAnswer = z.object({
  uploads: z.array(
    z.object({
      name: z.string(),
      path: z.string().describe('The path of the file for the browser: for `DOM.setFileInputFiles`.'),
      size: z.int().min(0).describe('Bytes.'),
      uploadedAt: z.string().meta({ format: 'date-time', description: 'ISO 8601, UTC.' }),
    }),
  ),
});

/** `GET /v1/sessions/:id/uploads`: the files that clients have put beside the browser. */
export function listUploadsRoute({
  findKeeper,
}: Pick<SessionUploadsRouteParts, 'findKeeper'>): RequestHandler {
  return async (req, res) => {
    const route = await withinRedisBudget(findKeeper(refOfParam(req, res)));
    res.json(viewOf(await listUploads(route)));
  };
}

/**
 * `POST /v1/sessions/:id/uploads`: puts files beside the browser, as they come: nothing is kept in this process. Either
 * all files of a request are stored or none.
 */
export function uploadRoute({ findKeeper, awaitSession }: SessionUploadsRouteParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParam(req, res);
    try {
      const { name } = checkFields(uploadQuery, req.query, { root: 'query' });
      const files = filesOf(req, name);
      const route = await withinRedisBudget(findKeeper(ref));
      allowSlowBody(req, SILENT_AFTER_MS);
      const uploads = await whileActive(ref, findKeeper, () => storeAll(route, files));
      res.status(201).json(viewOf(uploads));
    } catch (error) {
      dropBody(req, res);
      if (isUnreachable(error)) await requireOpen(ref, awaitSession, contextOf(res).stopWaiting);
      throw error;
    }
  };
}

/** `DELETE /v1/sessions/:id/uploads/:name`: removes a file. */
export function removeUploadRoute({
  findKeeper,
}: Pick<SessionUploadsRouteParts, 'findKeeper'>): RequestHandler {
  return async (req, res) => {
    const route = await withinRedisBudget(findKeeper(refOfParam(req, res)));
    await removeUpload(route, String(req.params['name']));
    res.status(204).end();
  };
}

async function storeAll(route: KeeperRoute, files: AsyncIterable<FileToUpload>): Promise<Upload[]> {
  const stored: Upload[] = [];
  try {
    for await (const file of files) stored.push(await storeUpload(route, file));
  } catch (error) {
    // If one cannot be removed, the session will not have it for long, and the first error matters more.
    await Promise.allSettled(stored.map(({ name }) => removeUpload(route, name)));
    throw error;
  }
  if (stored.length === 0) throw new ServiceError('malformed_request', 'The form has no file.');
  return stored;
}

/* An upload can take longer than the idle time-out. */
async function whileActive<T>(ref: SessionRef, findKeeper: FindKeeper, work: () => Promise<T>): Promise<T> {
  const active = setInterval(() => {
    // Redis is away, or the session has ended, which the keeper says, too.
    findKeeper(ref).catch(() => undefined);
  }, ACTIVE_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(active);
  }
}

/* The keeper knows of an end before it is committed. */
async function requireOpen(ref: SessionRef, awaitSession: AwaitSession, signal: AbortSignal): Promise<void> {
  const until = ({ snapshot }: SessionRecord): boolean => isEnded(statusOf(snapshot));
  const { record } = await awaitSession({ ref, until, timeoutMs: END_KNOWN_MS, signal });
  requireLive(record);
}

const isUnreachable = (error: unknown): boolean =>
  error instanceof ServiceError && error.code === 'browser_unreachable';

const viewOf = (uploads: readonly Upload[]): z.output<typeof uploadsAnswer> => ({
  uploads: uploads.map(({ name, path, size, uploadedAtMs }) => ({
    name,
    path,
    size,
    uploadedAt: new Date(uploadedAtMs).toISOString(),
  })),
});
