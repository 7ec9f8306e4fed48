import { ServiceError } from '../core/errors';
import { randomId } from '../core/ids';
import { FILE_MAX_BYTES, type FileStore } from '../store/file-store';

/** A document that was made of a page. */
export interface KeptDocument {
  readonly bytes: Buffer;
  readonly contentType: string;
}

/** Keeps a document for an hour, as the outputs of jobs; answers its id. */
export type KeepFile = (tenant: string, document: KeptDocument) => Promise<string>;

/** @throws ServiceError `not_supported` for one that is too large; what Redis throws while it is away. */
export function keepFile({ files }: { readonly files: Pick<FileStore, 'keep'> }): KeepFile {
  return async (tenant, { bytes, contentType }) => {
    if (bytes.length > FILE_MAX_BYTES) {
      const message = `The file has ${bytes.length} bytes, but at most ${FILE_MAX_BYTES} can be kept.`;
      throw new ServiceError('not_supported', message);
    }
    const id = randomId();
    await files.keep(id, { tenant, contentType, content: bytes });
    return id;
  };
}
