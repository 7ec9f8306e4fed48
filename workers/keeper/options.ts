import type { Config } from '../../src/config/config';
import { isStandIn } from '../../src/config/stand-in';
import { hostBrowsers } from './host';
import type { BrowserChoice } from './keeper-app';

/** No browser was found; the message contains advice. */
class NoChromiumError extends Error {
  constructor({ browser, chromiumPath, headlessShellPath }: Config['keeper']) {
    const [what, setting, path] =
      browser === 'chromium-headless-shell'
        ? ['headless shell', 'HOLDFAST_HEADLESS_SHELL_PATH', headlessShellPath]
        : ['Chromium or Chrome', 'HOLDFAST_CHROMIUM_PATH', chromiumPath];
    super(
      path === null
        ? `no ${what} was found; install one or set ${setting}`
        : `${setting}: ${path} is not an executable file`,
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
export async function chooseBrowser(
  config: Config['keeper'],
  searchPath: string,
): Promise<BrowserChoice | { readonly kind: 'none' }> {
  if (isStandIn(config.browser)) return { kind: config.browser };
  const programs = await hostBrowsers(config, searchPath);
  if (programs[config.browser] === undefined) throw new NoChromiumError(config);
  const { browser: byDefault, chromiumArgs: args, noSandbox } = config;
  return { kind: 'chromium', programs, byDefault, args, noSandbox };
}
