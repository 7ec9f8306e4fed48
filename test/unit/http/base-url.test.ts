import { baseUrlOf } from '../../../src/http/edge/base-url';

describe('the base URL for a caller', () => {
  it.each([
    [{ host: '192.0.2.7:3000' }, null, 'http://192.0.2.7:3000'],
    [{ host: '[::1]:3000' }, null, 'http://[::1]:3000'],
    [{ host: '10.0.0.1:3000' }, 'https://browsers.example/hf', 'https://browsers.example/hf'],
  ])('with %j and the public URL %s is %s', (headers, publicUrl, url) => {
    expect(baseUrlOf({ headers }, publicUrl)).toBe(url);
  });
});
