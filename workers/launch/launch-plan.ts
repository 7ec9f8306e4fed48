import type { BrowserOptions, SessionContext } from '../../machines/session/session.types';
import type { FirstPage } from '../../src/browser/first-page';
import { unsealSecrets, type LaunchSecrets } from '../../src/browser/launch-secrets';
import type { SessionRef } from '../../src/core/ids';
import { UnsealError } from '../../src/core/sealed';
import { windowLayout } from '../../src/core/window-layout';
import type { LaunchOptions } from '../keeper/door/protocol';

/** The plan of one launch: the options for the keeper, and the preparation of the browser afterwards. */
export interface LaunchPlan {
  readonly options: LaunchOptions;
  readonly firstPage: FirstPage;
}

/**
 * A session's options → its launch.
 *
 * @param secret - the installation's secret
 * @throws if the sealed secrets cannot be opened; the message is for clients.
 */
export function launchPlan(
  { options, sealed }: Pick<SessionContext, 'options' | 'sealed'>,
  secret: string,
  ref: SessionRef,
): LaunchPlan {
  const { proxy, cookies } = opened(secret, ref, sealed);
  const { proxyServer, ...given } = options;
  return {
    options: { ...given, proxy: upstream(proxyServer, proxy) },
    firstPage: { cookies, isFullscreen: windowLayout(options).isFullscreen },
  };
}

function upstream(
  server: BrowserOptions['proxyServer'],
  credentials: LaunchSecrets['proxy'],
): LaunchOptions['proxy'] {
  if (server === null) return null;
  return { server, username: credentials?.username ?? null, password: credentials?.password ?? null };
}

function opened(secret: string, ref: SessionRef, sealed: string | null): LaunchSecrets {
  try {
    return unsealSecrets(secret, ref, sealed);
  } catch (error) {
    if (!(error instanceof UnsealError)) throw error;
    const message =
      "the installation's secret has changed since the session was created: its cookies and proxy password cannot be read";
    throw new Error(message, { cause: error });
  }
}
