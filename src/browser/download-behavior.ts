import { z } from 'zod';
import type { FrameRule } from '../core/client-frames';
import { DOWNLOADS_FOLDER } from '../core/downloads-folder';

const command = z.looseObject({
  method: z.enum(['Browser.setDownloadBehavior', 'Page.setDownloadBehavior']),
  params: z.looseObject({ behavior: z.string(), browserContextId: z.string().optional() }),
});

/**
 * Keeps downloads in the session's folder, whatever folder a client names. Playwright names a folder on its own
 * machine, for every context, as soon as it connects; many programs do the same. The browser's user cannot write there,
 * or would create the folder on the wrong machine. A client's wish for no downloads, or for their events, is left
 * unchanged.
 *
 * In the browser's own context Chromium gives the files their usual names (`a.txt`, `a (1).txt`). In other contexts it
 * would open a save dialog, so they get unique names there, and the keeper renames them when they are complete.
 */
export const DOWNLOADS_STAY: FrameRule = {
  needle: 'setDownloadBehavior',
  // The command with the longest path that Linux knows.
  maxBytes: 8_192,
  rewrite: text => {
    const asked = command.safeParse(parsed(text)).data;
    if (asked === undefined || asked.params.behavior === 'deny') return null;
    const { params } = asked;
    const isOwnContext = asked.method.startsWith('Browser.') && params.browserContextId === undefined;
    const behavior = isOwnContext
      ? { behavior: 'default', downloadPath: undefined }
      : { behavior: 'allowAndName', downloadPath: DOWNLOADS_FOLDER };
    return JSON.stringify({ ...asked, params: { ...params, ...behavior } });
  },
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not CDP: the browser answers with an error
  }
}
