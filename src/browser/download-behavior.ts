import { z } from 'zod';
import type { FrameRule } from '../core/client-frames';
import { DOWNLOADS_FOLDER } from '../core/downloads-folder';

const command = z.looseObject({
  method: z.enum(['Browser.setDownloadBehavior', 'Page.setDownloadBehavior']),
  params: z.looseObject({ behavior: z.string(), browserContextId: z.string().optional() }),
});

/**
 * Lets downloads stay in the session's folder whatever a client asks for. Playwright names a folder on its own machine, for every
 * context, as soon as it connects; many programs do the same by hand. The browser's user cannot write there, or makes the
 * folder on the wrong machine. That a client wants no downloads at all, or events of them, stays as it is.
 *
 * In the browser's own context Chromium names the files as it does for people (`a.txt`, `a (1).txt`). In others it would ask somebody
 * where to save, so there they get unique names, and the keeper gives them theirs when they are complete.
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
    return null; // no CDP: the browser will say so
  }
}
