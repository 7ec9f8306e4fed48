import { PassThrough, type Readable } from 'node:stream';
import type { Request, RequestHandler } from 'express';
import { ZipFile } from 'yazl';
import type { KeeperRoute } from '../../../browser/dial';
import { listDownloads, openDownload, removeDownload, type FileBody } from '../../../browser/downloads';
import {
  listUploads,
  openUpload,
  removeUpload,
  storeUpload,
  type FileToUpload,
  type Upload,
} from '../../../browser/uploads';
import { systemClock } from '../../../core/clock';
import { ServiceError, messageOf } from '../../../core/errors';
import { numberedFileName, safeFileName } from '../../../core/file-name';
import { StalledReaders } from '../../../core/stalled-readers';
import { receiveFiles } from '../../edge/receive-files';
import { withinRedisBudget } from '../../edge/redis-budget';
import { sendFile } from '../../edge/send-file';
import { refOfParam } from '../../edge/session-param';
import { filesOf } from '../../edge/uploaded-files';
import type { DialectParts } from '../dialect';
import { noSuchFile } from './errors';

/** A file of a session, as Steel's clients see it. */
interface SteelFile {
  /** Of an upload: where the browser finds it, for `DOM.setFileInputFiles`. Of a download: its name. */
  readonly path: string;
  readonly size: number;
  readonly lastModified: string;
}

/** A file of a session, wherever it is. */
interface FoundFile {
  readonly name: string;
  readonly view: SteelFile;
  readonly modifiedAtMs: number;
  readonly open: () => Promise<FileBody>;
  readonly remove: () => Promise<void>;
}

/** `GET /v1/sessions/{id}/files`: uploads and finished downloads, the newest first. */
export function listFilesRoute({ service: { findKeeper } }: DialectParts): RequestHandler {
  return async (req, res) => {
    const files = await filesAt(await withinRedisBudget(findKeeper(refOfParam(req, res))));
    res.json({ data: files.map(({ view }) => view) });
  };
}

/** `POST /v1/sessions/{id}/files`: a form with a `file`, and perhaps a `path`, before or after it. */
export function uploadFileRoute({ service }: DialectParts): RequestHandler {
  return async (req, res) => {
    const ref = refOfParam(req, res);
    const upload = await receiveFiles(
      service,
      { req, res, ref },
      { open: () => formOf(req), store: takeFile },
    );
    res.json(uploadView(upload));
  };
}

/** `GET /v1/sessions/{id}/files/{path}`: the bytes of a file. */
export function downloadFileRoute({ service: { findKeeper } }: DialectParts): RequestHandler {
  const readers = new StalledReaders({ clock: systemClock });
  return async (req, res) => {
    const route = await withinRedisBudget(findKeeper(refOfParam(req, res)));
    const { name, open } = await fileAt(route, pathIn(req));
    await sendFile(res, { name, ...(await open()) }, readers);
  };
}

/** `GET /v1/sessions/{id}/files.zip`: all of them. */
export function fileArchiveRoute({ service: { findKeeper } }: DialectParts): RequestHandler {
  const readers = new StalledReaders({ clock: systemClock });
  return async (req, res) => {
    const files = await filesAt(await withinRedisBudget(findKeeper(refOfParam(req, res))));
    const archive = { name: 'files.zip', size: null, bytes: zipOf(files), contentType: 'application/zip' };
    await sendFile(res, archive, readers);
  };
}

/** `DELETE /v1/sessions/{id}/files/{path}`. */
export function deleteFileRoute({ service: { findKeeper } }: DialectParts): RequestHandler {
  return async (req, res) => {
    const route = await withinRedisBudget(findKeeper(refOfParam(req, res)));
    await (await fileAt(route, pathIn(req))).remove();
    res.status(204).end();
  };
}

/** `DELETE /v1/sessions/{id}/files`. */
export function deleteFilesRoute({ service: { findKeeper } }: DialectParts): RequestHandler {
  return async (req, res) => {
    const files = await filesAt(await withinRedisBudget(findKeeper(refOfParam(req, res))));
    await Promise.all(files.map(({ remove }) => remove().catch(ignoreMissing)));
    res.status(204).end();
  };
}

async function filesAt(route: KeeperRoute): Promise<FoundFile[]> {
  const [uploads, { downloads }] = await Promise.all([listUploads(route), listDownloads(route)]);
  const found = [
    ...uploads.map((upload): FoundFile => ({
      name: upload.name,
      view: uploadView(upload),
      modifiedAtMs: upload.uploadedAtMs,
      open: () => openUpload(route, upload.name),
      remove: () => removeUpload(route, upload.name),
    })),
    ...downloads
      .filter(({ isComplete }) => isComplete)
      .map(({ name, size, modifiedAtMs }): FoundFile => ({
        ...{ name, modifiedAtMs, view: { path: name, size, lastModified: isoOf(modifiedAtMs) } },
        open: () => openDownload(route, name),
        remove: () => removeDownload(route, name),
      })),
  ];
  return found.sort((a, b) => b.modifiedAtMs - a.modifiedAtMs);
}

const uploadView = ({ path, size, uploadedAtMs }: Upload): SteelFile => ({
  path,
  size,
  lastModified: isoOf(uploadedAtMs),
});

const isoOf = (ms: number): string => new Date(ms).toISOString();

/* By the path that the list shows, or by the name alone. */
async function fileAt(route: KeeperRoute, path: string): Promise<FoundFile> {
  const files = await filesAt(route);
  const bare = path.replace(/^\/+/, '');
  const found =
    files.find(({ view }) => view.path.replace(/^\/+/, '') === bare) ??
    files.find(({ name }) => name === bare);
  if (found === undefined) throw noSuchFile();
  return found;
}

function pathIn({ params }: Request): string {
  const parts: unknown = params['path'];
  return Array.isArray(parts) ? parts.join('/') : String(parts);
}

/*
 * The SDK sends the fields in the order of the caller's object: `path` may come when the file is stored already. Then
 * it is stored again under its name.
 */
/** A form that is being read: its files, and the texts that have come so far. */
interface OpenForm {
  readonly files: AsyncIterable<FileToUpload>;
  readonly texts: ReadonlyMap<string, string>;
}

function formOf(req: Request): OpenForm {
  const texts = new Map<string, string>();
  return { files: filesOf(req, undefined, (name, text) => texts.set(name, text)), texts };
}

async function takeFile(route: KeeperRoute, { files, texts }: OpenForm): Promise<Upload> {
  const nameFor = (given: string): string => {
    const path = texts.get('path') ?? '';
    return path === '' ? given : safeFileName(path);
  };
  let stored: { readonly upload: Upload; readonly as: string; readonly given: string } | null = null;
  for await (const file of files) {
    if (stored !== null) {
      file.bytes.destroy();
      await removeUpload(route, stored.upload.name);
      throw new ServiceError('malformed_request', 'The form has more than one file.');
    }
    const as = nameFor(file.name);
    stored = { upload: await storeUpload(route, { ...file, name: as }), as, given: file.name };
  }
  if (stored === null) throw noFile(texts);
  const wanted = nameFor(stored.given);
  return wanted === stored.as ? stored.upload : storeAs(route, stored.upload, wanted);
}

async function storeAs(route: KeeperRoute, { name }: Upload, wanted: string): Promise<Upload> {
  try {
    const { size, bytes } = await openUpload(route, name);
    return await storeUpload(route, { name: wanted, size, bytes });
  } finally {
    await removeUpload(route, name);
  }
}

const noFile = (texts: ReadonlyMap<string, string>): ServiceError =>
  texts.has('file')
    ? new ServiceError('not_supported', 'A file cannot be fetched from a URL: send its bytes.')
    : new ServiceError('malformed_request', 'The form has no file.');

/* Each file is opened when it is its turn; the one that is open is closed if the reader leaves. */
function zipOf(files: readonly FoundFile[]): Readable {
  const zip = new ZipFile();
  const bytes = new PassThrough();
  let current: Readable | null = null;
  bytes.once('close', () => current?.destroy());
  zip.on('error', (error: Error) => bytes.destroy(error));
  zip.outputStream.pipe(bytes);
  const taken = new Set<string>();
  for (const { name, modifiedAtMs, open } of files) {
    zip.addReadStreamLazy(freeName(name, taken), { mtime: new Date(modifiedAtMs) }, done => {
      if (bytes.destroyed) return;
      open().then(
        file => {
          current = file.bytes;
          done(null, file.bytes);
        },
        (error: unknown) => bytes.destroy(error instanceof Error ? error : new Error(messageOf(error))),
      );
    });
  }
  zip.end();
  return bytes;
}

/* Pages choose names of downloads: in an archive they must not look like paths. */
function freeName(given: string, taken: Set<string>): string {
  const name = safeFileName(given);
  let n = 0;
  while (taken.has(numberedFileName(name, n))) n += 1;
  const free = numberedFileName(name, n);
  taken.add(free);
  return free;
}

function ignoreMissing(error: unknown): void {
  const isMissing = error instanceof ServiceError && error.status === 404;
  if (!isMissing) throw error;
}
