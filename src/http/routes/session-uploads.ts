import type { RequestHandler } from 'express';
import { z } from 'zod';
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
import { withinRedisBudget } from '../edge/redis-budget';
import { receiveFiles, type ReceiveFilesParts } from '../edge/receive-files';
import { refOfParam } from '../edge/session-param';
import { filesOf } from '../edge/uploaded-files';

/** Dependencies of the routes. */
export type SessionUploadsRouteParts = ReceiveFilesParts;

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
export function uploadRoute(parts: SessionUploadsRouteParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParam(req, res);
    const uploads = await receiveFiles(
      parts,
      { req, res, ref },
      {
        open: () => filesOf(req, checkFields(uploadQuery, req.query, { root: 'query' }).name),
        store: storeAll,
      },
    );
    res.status(201).json(viewOf(uploads));
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

const viewOf = (uploads: readonly Upload[]): z.output<typeof uploadsAnswer> => ({
  uploads: uploads.map(({ name, path, size, uploadedAtMs }) => ({
    name,
    path,
    size,
    uploadedAt: new Date(uploadedAtMs).toISOString(),
  })),
});
