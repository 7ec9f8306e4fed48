import { firstPageCommand } from '../../../src/core/first-page-command';

describe('the command that opens the first page', () => {
  it('opens a blank page in a window, or over the whole screen where that is the only way', () => {
    expect(firstPageCommand({ dimensions: null, deviceScaleFactor: null })).toEqual({
      method: 'Target.createTarget',
      params: { url: 'about:blank' },
    });
    const narrow = { width: 390, height: 844 };
    expect(firstPageCommand({ dimensions: narrow, deviceScaleFactor: 3 }).params).toEqual({
      url: 'about:blank',
      windowState: 'fullscreen',
    });
    const shell = { browser: 'chromium-headless-shell', dimensions: narrow, deviceScaleFactor: 3 } as const;
    expect(firstPageCommand(shell).params).toEqual({ url: 'about:blank' });
  });
});
