import { join } from 'node:path';
import { BrowserUploads, type BrowserUploadsParts } from '../../workers/keeper/uploads/browser-uploads';

/** The uploads of a browser whose run directory is `folder`; 1 MiB is their quota unless `parts` say otherwise. */
export function uploadsIn(folder: string, parts: Partial<BrowserUploadsParts> = {}): BrowserUploads {
  return new BrowserUploads({
    directory: { uploads: join(folder, 'uploads'), incoming: join(folder, 'incoming') },
    allowance: { claim: () => 2 ** 20 },
    over: new AbortController().signal,
    onCut: () => undefined,
    ...parts,
  });
}
