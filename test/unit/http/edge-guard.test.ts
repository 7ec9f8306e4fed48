import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../../../src/core/errors';
import { edgeGuard, type EdgeGuardOptions } from '../../../src/http/edge/edge-guard';

const PORT = 3000;

const onLoopback: EdgeGuardOptions = {
  host: '127.0.0.1',
  publicUrl: null,
  hasApiKeys: false,
  scheme: 'http',
};
const onNetwork: EdgeGuardOptions = {
  host: '0.0.0.0',
  publicUrl: 'https://hf.example.com',
  hasApiKeys: true,
  scheme: 'http',
};
const withTls: EdgeGuardOptions = {
  ...onNetwork,
  publicUrl: null,
  scheme: 'https',
  isNamed: name => name === 'named.example',
};

/** A request with these raw headers, as Node hands them over. */
function requestWith(headers: readonly (readonly [string, string])[], url = '/v1/sessions'): IncomingMessage {
  const rawHeaders = headers.flat();
  const merged = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
  return { headers: merged, rawHeaders, url, socket: { localPort: PORT } } as unknown as IncomingMessage;
}

function verdict(options: EdgeGuardOptions, request: IncomingMessage): string {
  try {
    edgeGuard(options)(request);
    return 'passes';
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
}

const host = (name: string) => requestWith([['Host', name]]);
const from = (origin: string) =>
  requestWith([
    ['Host', 'localhost:3000'],
    ['Origin', origin],
  ]);

describe('the edge guard on loopback', () => {
  it.each(['localhost', 'localhost:3000', 'LOCALHOST:9', '127.0.0.1:3000', '127.1.2.3', '[::1]:3000'])(
    'lets the Host %s pass',
    name => {
      expect(verdict(onLoopback, host(name))).toBe('passes');
    },
  );

  it.each([
    'evil.example',
    'localhost.',
    'localhost.evil.example',
    'localhost:3000@evil.example',
    '127.0.0.1.evil.example',
    '127.evil.example',
    '127.0.0.1.nip.io:3000',
    '192.168.1.5:3000',
    '0.0.0.0:3000',
    '[::ffff:127.0.0.1]',
    'localhost:3000:80',
    'local host',
    '',
  ])('refuses the Host %p', name => {
    expect(verdict(onLoopback, host(name))).toBe('forbidden_origin');
  });

  it('refuses a request without a Host, with two, or for an absolute URL', () => {
    expect(verdict(onLoopback, requestWith([]))).toBe('forbidden_origin');
    const two = requestWith([
      ['Host', 'localhost'],
      ['host', 'localhost'],
    ]);
    expect(verdict(onLoopback, two)).toBe('forbidden_origin');
    const absolute = requestWith([['Host', 'localhost']], 'http://evil.example/v1/sessions');
    expect(verdict(onLoopback, absolute)).toBe('forbidden_origin');
  });

  it.each(['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000'])(
    'lets the service’s own origin %s pass',
    origin => {
      expect(verdict(onLoopback, from(origin))).toBe('passes');
    },
  );

  it.each([
    'http://localhost:8080',
    'http://localhost',
    'https://localhost:3000',
    'http://evil.example:3000',
    'http://127.0.0.1.evil.example:3000',
    'http://localhost:3000/',
    'http://localhost:3000, http://evil.example',
    'null',
    '',
  ])('refuses the origin %p', origin => {
    expect(verdict(onLoopback, from(origin))).toBe('forbidden_origin');
  });

  it.each([
    ['none', 'passes'],
    ['same-origin', 'passes'],
    ['same-site', 'forbidden_origin'],
    ['cross-site', 'forbidden_origin'],
    ['something-new', 'forbidden_origin'],
  ])('judges Sec-Fetch-Site: %s', (site, expected) => {
    const request = requestWith([
      ['Host', 'localhost:3000'],
      ['Sec-Fetch-Site', site],
    ]);
    expect(verdict(onLoopback, request)).toBe(expected);
  });
});

describe('the edge guard and pages of other sites', () => {
  const VIEWER = '/v1/sessions/s-1/view?token=a.b';
  const opened = (url: string, mode: string, method = 'GET'): string => {
    const request = requestWith(
      [
        ['Host', 'localhost:3000'],
        ['Sec-Fetch-Site', 'cross-site'],
        ['Sec-Fetch-Mode', mode],
      ],
      url,
    );
    return verdict(onLoopback, Object.assign(request, { method }));
  };

  it('lets them open the page of a session, by a link or in a frame', () => {
    expect(opened(VIEWER, 'navigate')).toBe('passes');
  });

  it.each([
    ['fetch it', VIEWER, 'cors', 'GET'],
    ['load it as a picture', VIEWER, 'no-cors', 'GET'],
    ['send a form to it', VIEWER, 'navigate', 'POST'],
    ['open it without a token', '/v1/sessions/s-1/view', 'navigate', 'GET'],
    ['open anything else', '/v1/sessions/s-1/view/state?token=a.b', 'navigate', 'GET'],
    ['open what only looks like it', '/v1/sessions?x=/v1/sessions/s-1/view?token=a.b', 'navigate', 'GET'],
  ])('does not let them %s', (_what, url, mode, method) => {
    expect(opened(url, mode, method)).toBe('forbidden_origin');
  });
});

describe('the edge guard on a network', () => {
  it.each(['hf.example.com', 'HF.example.com:443', 'localhost:3000', '10.0.0.7:3000', '[2001:db8::1]:3000'])(
    'lets the Host %s pass',
    name => {
      expect(verdict(onNetwork, host(name))).toBe('passes');
    },
  );

  it.each(['other.example.com', 'hf.example.com.evil.example', 'hf.example.com.'])(
    'refuses the Host %s',
    name => {
      expect(verdict(onNetwork, host(name))).toBe('forbidden_origin');
    },
  );

  it('lets its public origin pass, and no other origin with that host', () => {
    expect(verdict(onNetwork, from('https://hf.example.com'))).toBe('passes');
    expect(verdict(onNetwork, from('http://hf.example.com'))).toBe('forbidden_origin');
    expect(verdict(onNetwork, from('https://hf.example.com:8443'))).toBe('forbidden_origin');
  });

  it('lets the name it is bound to pass', () => {
    expect(verdict({ ...onNetwork, host: 'box.lan' }, host('box.lan:3000'))).toBe('passes');
  });
});

describe('the edge guard of a listener with TLS', () => {
  it.each([
    ['https://localhost:3000', 'passes'],
    ['https://127.0.0.1:3000', 'passes'],
    ['https://named.example:3000', 'passes'],
    ['https://other.example:3000', 'forbidden_origin'],
    ['http://localhost:3000', 'forbidden_origin'],
    ['https://localhost:3001', 'forbidden_origin'],
    ['https://localhost', 'forbidden_origin'],
  ])('answers pages of %s: %s', (origin, answer) => {
    expect(verdict(withTls, from(origin))).toBe(answer);
  });

  it('lets the names of the certificate pass as Host, and no others', () => {
    expect(verdict(withTls, host('named.example'))).toBe('passes');
    expect(verdict(withTls, host('other.example'))).toBe('forbidden_origin');
  });
});
