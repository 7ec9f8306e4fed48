import type { RequestHandler } from 'express';
import { ServiceError } from '../../core/errors';
import type { FileStore } from '../../store/file-store';
import type { Scope } from '../../core/scopes';
import type { Authenticator } from '../edge/authenticator';
import { unauthorized } from '../edge/caller';
import type { FileLinks } from '../../contract/file-links';
import { withinRedisBudget } from '../edge/redis-budget';

/** Dependencies of the route. */
export interface FileRouteParts {
  readonly files: Pick<FileStore, 'find'>;
  readonly fileLinks: FileLinks;
  readonly authenticator: Pick<Authenticator, 'callerOf'>;
}

/** What a key needs for a file. */
export const FILE_SCOPE: Scope = 'jobs';

const FILE_ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * `GET /v1/files/:id`: a document that a job has made, for clients that have its link or a key of its tenant. Its
 * content comes from a web page and must not run scripts in this origin.
 */
export function fileRoute({ files, fileLinks, authenticator }: FileRouteParts): RequestHandler {
  return async (req, res) => {
    const { id } = req.params;
    const { token } = req.query;
    if (typeof id !== 'string' || !FILE_ID.test(id)) throw notFound();
    const hasLink = typeof token === 'string' && fileLinks.isToken(id, token);
    const isWrong = !hasLink && token !== undefined;
    const caller = hasLink || isWrong ? null : await authenticator.callerOf(req, FILE_SCOPE);
    if (isWrong || (!hasLink && caller === null)) throw unauthorized();

    const file = await withinRedisBudget(files.find(id));
    // Another tenant's file looks like one that does not exist.
    if (file === null || (caller !== null && file.tenant !== caller.tenant)) throw notFound();
    res
      .set({
        'Content-Type': file.contentType,
        'Content-Security-Policy': "default-src 'none'; sandbox",
        'Content-Disposition': 'inline',
      })
      .send(file.content);
  };
}

const notFound = (): ServiceError =>
  new ServiceError('file_not_found', 'There is no such file, or it has expired.');
