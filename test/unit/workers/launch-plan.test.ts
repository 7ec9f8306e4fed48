import { sealSecrets } from '../../../src/browser/launch-secrets';
import { refOf } from '../../../src/core/ids';
import { launchPlan } from '../../../workers/launch/launch-plan';
import { OPTIONS } from '../../support/session-samples';

const REF = refOf('default', 'a');
const SECRETS = {
  proxy: { username: 'ada', password: 'hunter2' },
  cookies: [{ name: 'sid', value: 'x', domain: 'example.org' }],
};

describe('the plan of a launch', () => {
  it('gives the keeper what the browser is started with, and keeps what is done over CDP', () => {
    const sealed = sealSecrets('secret', REF, SECRETS);
    const { proxyServer: server, ...others } = OPTIONS;
    expect(launchPlan({ options: OPTIONS, sealed }, 'secret', REF)).toEqual({
      options: { ...others, proxy: { server, username: 'ada', password: 'hunter2' } },
      firstPage: { cookies: SECRETS.cookies, isFullscreen: true },
    });
  });

  it('has no credentials where none were given', () => {
    const { options } = launchPlan({ options: OPTIONS, sealed: null }, 'secret', REF);
    expect(options.proxy).toEqual({ server: OPTIONS.proxyServer, username: null, password: null });
    const direct = { ...OPTIONS, proxyServer: null };
    expect(launchPlan({ options: direct, sealed: null }, 'secret', REF).options.proxy).toBeNull();
  });

  it('cannot be made once the secret has changed, and the error reveals no secret', () => {
    const sealed = sealSecrets('secret', REF, SECRETS);
    expect(() => launchPlan({ options: OPTIONS, sealed }, 'another', REF)).toThrow(
      /^the installation's secret has changed since the session was created/,
    );
  });
});
