import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { dial, keeperOf, routeTo } from '../../../src/browser/dial';
import { keeperTicket } from '../../../src/core/keeper-ticket';
import { ENDPOINT } from '../../support/session-samples';

const localHost = { bootId: ENDPOINT.bootId, netns: ENDPOINT.netns };
const target = (gateway: string | null) => ({ endpoint: { ...ENDPOINT, gateway }, claimId: 'claim-1' });

describe('the way to a browser', () => {
  it('is loopback on its own machine', () => {
    expect(routeTo(target('10.0.0.7:9223'), localHost, 'secret')).toEqual({
      host: '127.0.0.1',
      port: ENDPOINT.port,
      path: ENDPOINT.path,
      direct: true,
    });
  });

  it.each([
    ['another machine', { ...localHost, bootId: 'another' }],
    ['another network namespace', { ...localHost, netns: 'net:[1]' }],
  ])('is the gateway of its keeper from %s, with a ticket for the claim', (_where, there) => {
    expect(routeTo(target('10.0.0.7:9223'), there, 'secret')).toEqual({
      host: '10.0.0.7',
      port: 9223,
      path: `/browser/claim-1?ticket=${keeperTicket('secret', 'claim-1')}`,
      direct: false,
    });
  });

  it('may lead over IPv6', () => {
    expect(routeTo(target('[2001:db8::1]:9223'), { ...localHost, netns: 'x' }, 's')).toMatchObject({
      host: '2001:db8::1',
      port: 9223,
    });
  });

  it('does not exist where the keeper has no gateway', () => {
    expect(routeTo(target(null), { ...localHost, bootId: 'another' }, 'secret')).toBeNull();
  });
});

describe('the way to a browser in a network of its own', () => {
  const endpoint = {
    ...ENDPOINT,
    netns: `${ENDPOINT.netns}/b-1a2b3c`,
    devToolsSocket: '/run/b-1a2b3c/devtools.sock',
    gatewaySocket: '/run/gateway.sock',
  };
  const its = { endpoint, claimId: 'claim-1' };

  it('is its socket for processes where its keeper is, and its keeper is where it was', () => {
    expect(routeTo(its, localHost, 'secret')).toEqual({
      socketPath: '/run/b-1a2b3c/devtools.sock',
      path: ENDPOINT.path,
      direct: true,
    });
    expect(routeTo({ ...its, part: '/json/list' }, localHost, 'secret')).toMatchObject({
      path: '/json/list',
    });
    expect(keeperOf(endpoint, localHost)).toEqual({ socketPath: '/run/gateway.sock' });
  });

  it.each([
    ['another machine', { ...localHost, bootId: 'another' }],
    ['another network namespace', { ...localHost, netns: 'net:[1]' }],
    ['one whose name only begins like that', { ...localHost, netns: ENDPOINT.netns.slice(0, -1) }],
  ])('is the gateway of its keeper alone from %s', (_where, there) => {
    expect(routeTo(its, there, 'secret')).toBeNull();
    const far = { ...its, endpoint: { ...endpoint, gateway: '10.0.0.7:9223' } };
    expect(routeTo(far, there, 'secret')).toMatchObject({ host: '10.0.0.7', port: 9223, direct: false });
  });
});

describe("the way to a browser's keeper", () => {
  const endpoint = { ...ENDPOINT, gateway: '10.0.0.7:9223', gatewaySocket: '/run/gateway.sock' };
  const elsewhere = { ...localHost, bootId: 'another' };

  it('is its socket on the same machine, its port from any other', () => {
    expect(keeperOf(endpoint, localHost)).toEqual({ socketPath: '/run/gateway.sock' });
    expect(keeperOf(endpoint, elsewhere)).toEqual({ host: '10.0.0.7', port: 9223 });
  });

  it('is its port where it has no socket, and may not exist', () => {
    expect(keeperOf({ ...endpoint, gatewaySocket: null }, localHost)).toEqual({
      host: '10.0.0.7',
      port: 9223,
    });
    expect(keeperOf({ ...endpoint, gateway: null }, elsewhere)).toBeNull();
  });
});

describe('dialling', () => {
  const server = createServer();
  const toServer = () => {
    // SAFETY: the server listens on a TCP port.
    const { port } = server.address() as AddressInfo;
    return { endpoint: { ...ENDPOINT, port }, claimId: 'claim-1' };
  };
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => new Promise<void>(done => server.close(() => done())));

  it('gives a connected socket, which a later abort leaves alone', async () => {
    const abort = new AbortController();
    const { socket } = await dial(toServer(), localHost, 'secret', abort.signal);
    abort.abort();
    expect(socket).toMatchObject({ connecting: false, destroyed: false });
    socket.destroy();
    await once(socket, 'close');
  });

  it('gives up at once when it is aborted', async () => {
    await expect(dial(toServer(), localHost, 'secret', AbortSignal.abort())).rejects.toMatchObject({
      code: 'browser_unreachable',
    });
  });

  it.each([
    ['when the port is closed', { endpoint: { ...ENDPOINT, port: 1 }, claimId: 'claim-1' }, localHost],
    ['when there is no route', target(null), { ...localHost, bootId: 'another' }],
  ])('fails %s', async (_where, to, from) => {
    await expect(dial(to, from, 'secret')).rejects.toMatchObject({ code: 'browser_unreachable' });
  });
});
