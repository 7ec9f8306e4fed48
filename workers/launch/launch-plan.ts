import type { BrowserOptions, SessionContext } from '../../machines/session/session.types';
import type { FirstPage } from '../../src/browser/first-page';
import { unsealSecrets, type LaunchSecrets } from '../../src/browser/launch-secrets';
import { egressOf, type TenantEgress } from '../../src/config/tenant-egress';
import { parseRef, type SessionRef } from '../../src/core/ids';
import { UnsealError } from '../../src/core/sealed';
import type { Mounted } from '../contexts/context-mounter';
import type { LaunchOptions } from '../keeper/door/protocol';

/** The part of the row that a launch needs. */
export type LaunchInput = Pick<SessionContext, 'options' | 'sealed' | 'contextUse'>;

/** What the installation says about launches. */
export interface LaunchSettings {
  /** The installation's secret; opens the sealed secrets of a session. */
  readonly secret: string;
  /** What browsers of tenants may reach. */
  readonly tenantEgress: TenantEgress;
}

/** The plan of one launch: the options for the keeper, and the preparation of the browser afterwards. */
export interface LaunchPlan {
  readonly options: LaunchOptions;
  readonly firstPage: FirstPage;
}

/**
 * A session's options → its launch.
 *
 * @param mounted - what was mounted of its context; null: it has none
 * @throws if the sealed secrets cannot be opened; the message is for clients.
 */
export function launchPlan(
  { options, sealed, contextUse }: LaunchInput,
  mounted: Mounted | null,
  { secret, tenantEgress }: LaunchSettings,
  ref: SessionRef,
): LaunchPlan {
  const { proxy, cookies } = opened(secret, ref, sealed);
  const { proxyServer, ...given } = options;
  const { browser, dimensions, deviceScaleFactor } = options;
  return {
    options: {
      ...given,
      tenantEgress: egressOf(tenantEgress, parseRef(ref)?.tenant ?? ''),
      proxy: upstream(proxyServer, proxy),
      profile: { isMounted: mounted?.isPrepared ?? false, isKept: contextUse?.persist ?? false },
    },
    firstPage: {
      restore: mounted?.restore ?? null,
      cookies,
      window: { browser, dimensions, deviceScaleFactor },
    },
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
