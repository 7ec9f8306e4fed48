import { baseUrlOf } from '../../../src/http/edge/base-url';

describe('the base URL for a caller', () => {
  it.each([
    ['http', { host: '192.0.2.7:3000' }, null, 'http://192.0.2.7:3000'],
    ['http', { host: '[::1]:3000' }, null, 'http://[::1]:3000'],
    ['https', { host: 'localhost:8443' }, null, 'https://localhost:8443'],
    ['http', { host: '10.0.0.1:3000' }, 'https://browsers.example/hf', 'https://browsers.example/hf'],
  ])('over %s with %j and the public URL %s is %s', (protocol, headers, publicUrl, url) => {
    expect(baseUrlOf({ headers, protocol }, publicUrl)).toBe(url);
  });
});
