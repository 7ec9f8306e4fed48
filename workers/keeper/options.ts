import type { Config } from '../../src/config/config';
import { hostChromium } from './host';
import type { BrowserChoice } from './keeper-app';

/** No browser was found; the message contains advice. */
export class NoChromiumError extends Error {
  constructor(configured: string | null) {
    super(
      configured === null
        ? 'no Chromium or Chrome was found; install one or set HOLDFAST_CHROMIUM_PATH'
        : `HOLDFAST_CHROMIUM_PATH: ${configured} is not an executable file`,
    );
    this.name = 'NoChromiumError';
  }
}

/**
 * Decides which program this keeper starts.
 *
 * @param searchPath - the PATH to look in
 * @throws NoChromiumError
 */
export async function chooseBrowser(config: Config['keeper'], searchPath: string): Promise<BrowserChoice> {
  if (config.browser === 'null') return { kind: 'null' };
  const configured = config.chromiumPath;
  const program = await hostChromium(configured, searchPath);
  if (program === null) throw new NoChromiumError(configured);
  return { kind: 'chromium', program, args: config.chromiumArgs, noSandbox: config.noSandbox };
}
