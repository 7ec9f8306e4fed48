import { urlMatches } from '../../../src/browser/url-glob';
import { scaled } from '../../support/slowdown';

describe('a pattern of a URL', () => {
  it.each([
    ['**/done', 'https://shop.example/a/b/done'],
    ['**/done', 'https://shop.example/done'],
    ['https://shop.example', 'https://shop.example/'],
    ['HTTPS://Shop.example/A', 'https://shop.example/A'],
    ['https://*.example/*', 'https://shop.example/a'],
    ['**/{cart,basket}?id=*', 'https://shop.example/basket?id=7'],
    ['**/a.{html,htm*}', 'https://shop.example/a.html5'],
    ['**/\\*', 'https://shop.example/*'],
    ['**', 'about:blank'],
    ['data:text/html,{', 'data:text/html,{'],
    ['**/\n', 'x/\n'],
  ])('%j matches %j', (pattern, url) => {
    expect(urlMatches(pattern, url)).toBe(true);
  });

  it.each([
    ['**/done', 'https://shop.example/done/'],
    ['**/done', 'https://shop.example/done?x=1'],
    ['https://*/b', 'https://shop.example/a/b'],
    ['**/a?', 'https://shop.example/ab'],
    ['**/a.b', 'https://shop.example/axb'],
    ['**/{cart,basket}', 'https://shop.example/card'],
    ['**/\\*', 'https://shop.example/a'],
    ['', 'https://shop.example/'],
  ])('%j does not match %j', (pattern, url) => {
    expect(urlMatches(pattern, url)).toBe(false);
  });

  it('is decided soon, whatever it is', () => {
    const startedMs = performance.now();
    expect(urlMatches(`${'**a'.repeat(200)}b`, `https://shop.example/${'a'.repeat(2_000)}`)).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(scaled(2_000));
  });
});
