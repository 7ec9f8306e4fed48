import { DOWNLOADS_STAY } from '../../../src/browser/download-behavior';

const rewritten = (message: object): unknown => {
  const text = DOWNLOADS_STAY.rewrite(JSON.stringify(message));
  return text === null ? null : JSON.parse(text);
};

describe('the download folder that a client sets', () => {
  it('is left to Chromium in the context of the browser itself', () => {
    const params = { behavior: 'allowAndName', downloadPath: '/tmp/of/the/client', eventsEnabled: true };
    expect(rewritten({ id: 7, method: 'Browser.setDownloadBehavior', params })).toEqual({
      id: 7,
      method: 'Browser.setDownloadBehavior',
      params: { behavior: 'default', eventsEnabled: true },
    });
  });

  it('is the folder of the session in any other context, under names that do not collide', () => {
    const params = { behavior: 'allow', downloadPath: '/tmp/x', browserContextId: 'C1', eventsEnabled: true };
    expect(rewritten({ id: 8, method: 'Browser.setDownloadBehavior', params })).toEqual({
      id: 8,
      method: 'Browser.setDownloadBehavior',
      params: {
        behavior: 'allowAndName',
        downloadPath: 'downloads',
        browserContextId: 'C1',
        eventsEnabled: true,
      },
    });
    const page = { behavior: 'allow', downloadPath: '/tmp/x' };
    expect(
      rewritten({ id: 9, sessionId: 'S', method: 'Page.setDownloadBehavior', params: page }),
    ).toMatchObject({
      sessionId: 'S',
      params: { behavior: 'allowAndName', downloadPath: 'downloads' },
    });
  });

  it('is also replaced for the behaviour `default` in such a context, where Chromium would ask a user', () => {
    const params = { behavior: 'default', browserContextId: 'C1' };
    expect(rewritten({ id: 8, method: 'Browser.setDownloadBehavior', params })).toMatchObject({
      params: { behavior: 'allowAndName', downloadPath: 'downloads' },
    });
  });

  it('is not replaced when the client wants no downloads', () => {
    const params = { behavior: 'deny', browserContextId: 'C1', eventsEnabled: true };
    expect(rewritten({ id: 8, method: 'Browser.setDownloadBehavior', params })).toBeNull();
  });

  it.each([
    { id: 1, method: 'Runtime.evaluate', params: { expression: 'Browser.setDownloadBehavior' } },
    { id: 1, method: 'Browser.setDownloadBehavior' },
    { id: 1, method: 'Browser.setDownloadBehavior', params: { behavior: 7 } },
    ['Browser.setDownloadBehavior'],
  ])('is not set by %j', message => {
    expect(rewritten(message)).toBeNull();
  });

  it('is ignored in a message that is not JSON', () => {
    expect(DOWNLOADS_STAY.rewrite('{"method":"Browser.setDownloadBehavior"')).toBeNull();
  });
});
