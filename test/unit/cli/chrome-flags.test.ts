import { chromeFlags } from '../../../src/cli/chrome-flags';
import { UsageError } from '../../../src/cli/exit-codes';

describe('flags of Chrome', () => {
  it('are options of a session, or ignored', () => {
    const flags = [
      '--headless=new',
      '--no-sandbox',
      '--remote-debugging-port=0',
      '--user-data-dir=/tmp/testmu-chrome-1-2',
      '--window-size=800,600',
      '--window-size=1280,720',
      '--user-agent="Mozilla/5.0 (X=1) Test"',
      '--proxy-server=http://us%40er:pa%3Ass@proxy.example:3128',
      'about:blank',
    ];
    expect(chromeFlags(flags)).toEqual({
      headless: true,
      dimensions: { width: 1280, height: 720 },
      userAgent: 'Mozilla/5.0 (X=1) Test',
      proxy: { server: 'http://proxy.example:3128', username: 'us@er', password: 'pa:ss' },
    });
  });

  it.each([
    [[], { headless: false }],
    [['--headless'], { headless: true }],
    [['--headless', '--proxy-server=proxy:8080'], { headless: true, proxy: { server: 'http://proxy:8080' } }],
    [['--proxy-server=socks5://[::1]:1080'], { headless: false, proxy: { server: 'socks5://[::1]:1080' } }],
    [['--proxy-server=direct://', '--user-agent='], { headless: false }],
  ])('%j ask for %j', (flags, options) => {
    expect(chromeFlags(flags)).toEqual(options);
  });

  it.each([
    '--window-size=wide',
    '--window-size=',
    '--proxy-server=http=a:1;https=b:2',
    '--proxy-server=a:1,b:2',
    '--proxy-server=http://',
    '--proxy-pac-url=http://a/p.pac',
    '--proxy-bypass-list=*',
    '--host-resolver-rules=MAP * 127.0.0.1',
  ])('%s is refused', flag => {
    expect(() => chromeFlags([flag])).toThrow(UsageError);
  });
});
