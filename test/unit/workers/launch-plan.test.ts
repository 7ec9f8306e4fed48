import { sealSecrets } from '../../../src/browser/launch-secrets';
import type { TenantEgress } from '../../../src/config/tenant-egress';
import { refOf } from '../../../src/core/ids';
import { launchPlan, type LaunchPlan } from '../../../workers/launch/launch-plan';
import { OPTIONS } from '../../support/session-samples';

const REF = refOf('default', 'a');
const SETTINGS = { secret: 'secret', tenantEgress: {} };
const SECRETS = {
  proxy: { username: 'ada', password: 'hunter2' },
  cookies: [{ name: 'sid', value: 'x', domain: 'example.org' }],
};

describe('the plan of a launch', () => {
  it('gives the keeper what the browser is started with, and keeps what is done over CDP', () => {
    const sealed = sealSecrets('secret', REF, SECRETS);
    const { proxyServer: server, ...others } = OPTIONS;
    const { browser, dimensions, deviceScaleFactor } = OPTIONS;
    expect(launchPlan({ options: OPTIONS, sealed, contextUse: null }, null, SETTINGS, REF)).toEqual({
      options: {
        ...others,
        tenantEgress: null,
        proxy: { server, username: 'ada', password: 'hunter2' },
        profile: { isMounted: false, isKept: false },
      },
      firstPage: {
        restore: null,
        cookies: SECRETS.cookies,
        window: { browser, dimensions, deviceScaleFactor },
      },
    });
  });

  it('has the browser start with what was mounted, and keeps the profile of a session that persists', () => {
    const restore = { cookies: [], localStorage: [] };
    const use = { contextId: 'ctx_1', onConflict: 'keep', saveEveryMs: null } as const;
    const planned = (persist: boolean): LaunchPlan =>
      launchPlan(
        { options: OPTIONS, sealed: null, contextUse: { ...use, persist } },
        { version: 3, isPrepared: true, restore },
        SETTINGS,
        REF,
      );
    expect(planned(true)).toMatchObject({
      options: { profile: { isMounted: true, isKept: true } },
      firstPage: { restore },
    });
    expect(planned(false).options.profile).toEqual({ isMounted: true, isKept: false });
  });

  it('narrows what the browser may reach by the rules of its own tenant', () => {
    const mine = { mode: 'public', allow: [], deny: ['*:25'] } as const;
    const planned = (tenantEgress: TenantEgress): LaunchPlan =>
      launchPlan(
        { options: OPTIONS, sealed: null, contextUse: null },
        null,
        { secret: '', tenantEgress },
        REF,
      );
    expect(planned({ default: mine }).options.tenantEgress).toEqual(mine);
    expect(planned({ other: mine }).options.tenantEgress).toBeNull();
  });

  it('has no credentials where none were given', () => {
    const { options } = launchPlan({ options: OPTIONS, sealed: null, contextUse: null }, null, SETTINGS, REF);
    expect(options.proxy).toEqual({ server: OPTIONS.proxyServer, username: null, password: null });
    const direct = { options: { ...OPTIONS, proxyServer: null }, sealed: null, contextUse: null };
    expect(launchPlan(direct, null, SETTINGS, REF).options.proxy).toBeNull();
  });

  it('cannot be made once the secret has changed, and the error reveals no secret', () => {
    const sealed = sealSecrets('secret', REF, SECRETS);
    const changed = { ...SETTINGS, secret: 'another' };
    expect(() => launchPlan({ options: OPTIONS, sealed, contextUse: null }, null, changed, REF)).toThrow(
      /^the installation's secret has changed since the session was created/,
    );
  });
});
