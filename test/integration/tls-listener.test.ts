import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { developmentCertificate } from '../../src/api/development-certificate';
import { openTlsFront } from '../../src/api/tls-front';
import { ConfigError } from '../../src/config/config';
import { caFile } from '../../src/config/data-dir';
import { AgentBayWire } from '../support/agentbay';
import { testConfig } from '../support/api';
import { scaled } from '../support/slowdown';
import { makeTempDir, type TempDir } from '../support/temp-dir';

let dir: TempDir;
beforeEach(async () => (dir = await makeTempDir()));
afterEach(() => dir.remove());

const HERE = { host: '127.0.0.1', publicUrl: null } as const;

const certificate = (
  given: object = {},
  names: readonly string[] = [],
): Promise<{ cert: string; key: string }> =>
  developmentCertificate({ dataDir: dir.path, ...HERE, ...given }, names);

const keyPath = (): string => join(dir.path, 'tls/server.pem');

describe('the certificate for development', () => {
  it('is made once, for this machine and the names of the service, with a key that only its owner reads', async () => {
    const first = await certificate({ publicUrl: 'https://browsers.example' }, ['agentbay.example']);
    const parsed = new X509Certificate(first.cert);
    for (const name of ['localhost', 'browsers.example', 'agentbay.example'])
      expect(parsed.checkHost(name)).toBe(name);
    for (const ip of ['127.0.0.1', '::1']) expect(parsed.checkIP(ip)).toBe(ip);
    expect((await stat(keyPath())).mode & 0o777).toBe(0o600);
    expect(await certificate({ publicUrl: 'https://browsers.example' }, ['agentbay.example'])).toEqual(first);
  });

  it('is signed by an authority whose key is nowhere', async () => {
    const { cert } = await certificate();
    const ca = new X509Certificate(await readFile(caFile(dir.path)));
    expect(new X509Certificate(cert).verify(ca.publicKey)).toBe(true);
    const kept = await readFile(keyPath(), 'utf8');
    expect(kept.match(/PRIVATE KEY-----\n/g)).toHaveLength(2);
    expect(ca.checkPrivateKey((await import('node:crypto')).createPrivateKey(kept))).toBe(false);
  });

  it.each([
    ['the service gets another name', () => Promise.resolve(), { publicUrl: 'https://other.example' }],
    ['its file is damaged', () => writeFile(keyPath(), 'nonsense'), {}],
  ])('is made again when %s', async (_when, spoil, given) => {
    const first = await certificate();
    await spoil();
    const second = await certificate(given);
    expect(second.cert).not.toBe(first.cert);
    const ca = new X509Certificate(await readFile(caFile(dir.path)));
    expect(new X509Certificate(second.cert).verify(ca.publicKey)).toBe(true);
  });

  it('is the same for processes that start at once', async () => {
    const made = await Promise.all(Array.from({ length: 4 }, () => certificate()));
    expect(new Set(made.map(({ cert }) => cert)).size).toBe(1);
  });

  it('is trusted by a client that is only told of the authority in its environment', async () => {
    const front = await openTlsFront(
      testConfig({ dataDir: dir.path, tls: { host: '127.0.0.1', port: 0, files: null } }),
    );
    const script = `require('https').get(process.argv[1] + '/livez', r => r.pipe(process.stdout))`;
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: caFile(dir.path) };
    try {
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', script, front?.url ?? ''], {
        env,
      });
      expect(stdout).toBe('{"status":"ok"}');
    } finally {
      await front?.listener.close();
    }
  });
});

describe('the TLS listener', () => {
  it("answers 503 in its clients' form until the service has started", async () => {
    const front = await openTlsFront(
      testConfig({ dataDir: dir.path, tls: { host: '127.0.0.1', port: 0, files: null } }),
    );
    const client = await AgentBayWire.of(front?.url ?? '', dir.path);
    const answered = await client.call('ListSession');
    await front?.listener.close();
    expect(answered).toMatchObject({ status: 503, Code: 'ServiceUnavailable', HttpStatusCode: 503 });
    expect(answered.RequestId).not.toBe('');
  });

  it("shows the operator's certificate", async () => {
    const { cert, key } = await certificate();
    const files = { cert: join(dir.path, 'cert.pem'), key: join(dir.path, 'key.pem') };
    await writeFile(files.cert, cert);
    await writeFile(files.key, key);
    const front = await openTlsFront(
      testConfig({ dataDir: '/nonexistent', tls: { host: '127.0.0.1', port: 0, files } }),
    );
    const socket = connectTls({ port: Number(new URL(front?.url ?? '').port), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const shown = socket.getPeerX509Certificate()?.fingerprint256;
    socket.destroy();
    await front?.listener.close();
    expect(shown).toBe(new X509Certificate(cert).fingerprint256);
  });

  it.each([
    ['that is not there', '/nonexistent/cert.pem', 'HOLDFAST_TLS_CERT'],
    ['that is none', '', 'HOLDFAST_TLS_CERT'],
  ])('does not start with a certificate %s', async (_what, path, name) => {
    const nothing = join(dir.path, 'nothing.pem');
    await writeFile(nothing, 'nothing');
    const files = { cert: path === '' ? nothing : path, key: nothing };
    const starting = openTlsFront(testConfig({ tls: { host: '127.0.0.1', port: 0, files } }));
    await expect(starting).rejects.toThrow(ConfigError);
    await expect(starting).rejects.toThrow(name);
  });

  it('does not start with the key of another certificate', async () => {
    const [one, other] = [await certificate(), await certificate({ host: '127.0.0.2' })];
    const files = { cert: join(dir.path, 'cert.pem'), key: join(dir.path, 'key.pem') };
    await writeFile(files.cert, one.cert);
    await writeFile(files.key, other.key);
    await expect(openTlsFront(testConfig({ tls: { host: '127.0.0.1', port: 0, files } }))).rejects.toThrow(
      'HOLDFAST_TLS_KEY',
    );
  });

  it('does not start on a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    // SAFETY: a TCP server that listens has such an address.
    const { port } = other.address() as AddressInfo;
    const starting = openTlsFront(
      testConfig({ dataDir: dir.path, tls: { host: '127.0.0.1', port, files: null } }),
    );
    await expect(starting).rejects.toThrow('EADDRINUSE');
    other.close();
  });

  it('cuts what is no TLS, and closes in time while a client does not shake hands', async () => {
    const front = await openTlsFront(
      testConfig({ dataDir: dir.path, tls: { host: '127.0.0.1', port: 0, files: null } }),
    );
    const port = Number(new URL(front?.url ?? '').port);
    const plain = connect(port, '127.0.0.1', () => plain.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'));
    plain.resume().on('error', () => undefined);
    await once(plain, 'close');
    const silent = connect(port, '127.0.0.1');
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    const startedMs = performance.now();
    await front?.listener.close();
    await closed;
    expect(performance.now() - startedMs).toBeLessThan(scaled(3_500));
  });
});
