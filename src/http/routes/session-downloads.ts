import type { RequestHandler } from 'express';
import { z } from 'zod';
import { listDownloads, openDownload, type Download, type Downloads } from '../../browser/downloads';
import type { FindKeeper } from '../../engine/live-browser';
import { withinRedisBudget } from '../edge/redis-budget';
import { sendFile } from '../edge/send-file';
import { refOfParam } from '../edge/session-param';
import type { StalledReaders } from '../../core/stalled-readers';

/** Dependencies of the routes. */
export interface SessionDownloadsRouteParts {
  readonly findKeeper: FindKeeper;
  readonly stalledReaders: Pick<StalledReaders, 'watch'>;
}

/** What `GET /v1/sessions/{id}/downloads` answers. */
export const downloadsAnswer = z.object({
  downloads: z
    .array(
      z.object({
        name: z.string(),
        size: z.int().min(0).describe('Bytes written so far.'),
        modifiedAt: z.string().meta({ format: 'date-time', description: 'ISO 8601, UTC.' }),
        isComplete: z
          .boolean()
          .describe('False: the download is not finished, and has a temporary name, or it was cut off.'),
        error: z
          .enum(['download_quota_exceeded'])
          .nullable()
          .describe('Why there is no file: the session had used up its quota.'),
      }),
    )
    .describe('At most 1 000 files, sorted by name; then the latest 100 downloads that were cut off.'),
});

/** `GET /v1/sessions/:id/downloads`: the files in the session's folder for downloads. */
export function listDownloadsRoute({
  findKeeper,
}: Pick<SessionDownloadsRouteParts, 'findKeeper'>): RequestHandler {
  return async (req, res) => {
    const route = await withinRedisBudget(findKeeper(refOfParam(req, res)));
    const { downloads, cut } = await listDownloads(route);
    res.json({ downloads: [...downloads.map(downloadView), ...cut.map(cutView)] });
  };
}

/** `GET /v1/sessions/:id/downloads/:name`: the bytes of a finished download. */
export function fetchDownloadRoute({
  findKeeper,
  stalledReaders,
}: SessionDownloadsRouteParts): RequestHandler {
  return async (req, res) => {
    const name = String(req.params['name']);
    const route = await withinRedisBudget(findKeeper(refOfParam(req, res)));
    const { size, bytes } = await openDownload(route, name);
    await sendFile(res, { name, size, bytes }, stalledReaders);
  };
}

type DownloadView = z.output<typeof downloadsAnswer>['downloads'][number];

function downloadView({ name, size, modifiedAtMs, isComplete }: Download): DownloadView {
  return { name, size, modifiedAt: new Date(modifiedAtMs).toISOString(), isComplete, error: null };
}

function cutView({ name, size, atMs }: Downloads['cut'][number]): DownloadView {
  const modifiedAt = new Date(atMs).toISOString();
  return { name, size, modifiedAt, isComplete: false, error: 'download_quota_exceeded' };
}
