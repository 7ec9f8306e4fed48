import { Busboy, type BusboyInstance } from '@fastify/busboy';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FileToUpload } from '../../browser/uploads';
import { invalidFields } from '../../core/check-fields';
import { ServiceError } from '../../core/errors';
import { safeFileName } from '../../core/file-name';
import { bodyOf } from '../../core/request-body';

/** The media type of a form with files. */
export const FORM_TYPE = 'multipart/form-data';

/** The media type of a body that is one file and nothing else. */
export const BYTES_TYPE = 'application/octet-stream';

/** How many files one request may have. */
export const FILES_MAX = 100;

const LIMITS = { parts: FILES_MAX, headerPairs: 16, headerSize: 8_192, fieldSize: 4_096 };

/** Takes a field of a form that is no file. */
export type OnText = (field: string, text: string) => void;

/** How many fields that are no files a form may have, where it may have any. */
const TEXTS_MAX = 8;

/**
 * The files of a body, one after the other as they come; each must be read or destroyed before the next. Names are made
 * safe.
 *
 * @param name - the name of the one file of a body without a form
 * @param onText - takes the fields of a form that are no files, before or after them; left out: there must be none
 * @throws ServiceError `unsupported_media_type`, `malformed_request`, `invalid_request`; while the files are read, too.
 */
export function filesOf(
  request: IncomingMessage,
  name: string | undefined,
  onText?: OnText,
): AsyncIterable<FileToUpload> {
  const type = mediaType(request);
  const { 'content-encoding': encoding = 'identity', 'content-length': length } = request.headers;
  if (encoding !== 'identity') {
    throw new ServiceError('unsupported_media_type', 'The body must not be compressed.');
  }
  if (type === FORM_TYPE) {
    if (name !== undefined)
      throw wrongName('is only for a body that is one file: a form has names of its own');
    return formFiles(request, onText);
  }
  if (type !== BYTES_TYPE) {
    throw new ServiceError('unsupported_media_type', `The body must be ${FORM_TYPE} or ${BYTES_TYPE}.`);
  }
  if (name === undefined) throw wrongName('is missing: the name of the file');
  const size = length === undefined ? null : Number(length);
  return Readable.from([{ name: safeFileName(name), bytes: bodyOf(request), size }]);
}

function formFiles(request: IncomingMessage, onText: OnText | undefined): AsyncIterable<FileToUpload> {
  const form = parserOf(request, onText === undefined ? 0 : TEXTS_MAX);
  const body = bodyOf(request);
  const found = new Readable({ objectMode: true, read: () => undefined });
  found.on('error', () => undefined); // its reader gets the error, if there is one yet
  const open = new Set<Readable>();
  const fail = (error: ServiceError): void => {
    found.destroy(error);
    for (const bytes of open) bytes.destroy(error);
    body.destroy();
  };
  form.on('file', (_field, bytes, fileName: string | undefined) => {
    open.add(bytes);
    bytes.on('error', () => undefined); // the same
    bytes.once('close', () => open.delete(bytes));
    found.push({ name: safeFileName(fileName ?? ''), bytes, size: null } satisfies FileToUpload);
  });
  form.on('field', (field, text: string) => onText?.(field, text));
  form.once('partsLimit', () => fail(malformed(`The form has more than ${FILES_MAX} parts.`)));
  form.once('fieldsLimit', () => fail(malformed('The form has a field too many that is not a file.')));
  form.on('error', error => fail(malformed('The body is not a valid form.', error)));
  form.once('finish', () => found.push(null));
  body.once('error', error => fail(error instanceof ServiceError ? error : malformed('', error)));
  // The reader may leave before the end.
  found.once('close', () => {
    body.destroy();
    for (const bytes of open) bytes.destroy();
  });
  body.pipe(form);
  return found;
}

function parserOf({ headers }: IncomingMessage, fields: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { ...headers, 'content-type': headers['content-type'] ?? '' },
      limits: { ...LIMITS, fields },
    });
  } catch (error) {
    throw malformed('The Content-Type has no boundary.', error);
  }
}

const mediaType = ({ headers }: IncomingMessage): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

const malformed = (message: string, cause?: unknown): ServiceError =>
  new ServiceError('malformed_request', message, { cause });

const wrongName = (message: string): ServiceError => invalidFields([{ pointer: 'query/name', message }]);
