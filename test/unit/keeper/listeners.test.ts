import { createServer } from 'node:net';
import { once } from 'node:events';
import { hasSocket } from '../../../src/core/process-sockets';
import { listenersIn, loopbackListeners } from '../../../workers/keeper/process/listeners';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

const line = (local: string, state: string, uid: number, inode: number): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 ${uid}        0 ${inode} 1 0\n`;

describe('the listeners of a port', () => {
  it.each([
    ['on 127.0.0.1', '0100007F:1F90'],
    ['on every address', '00000000:1F90'],
    ['on every address of IPv6', `${'0'.repeat(32)}:1F90`],
    ['on 127.0.0.1 as IPv6 writes it', '0000000000000000FFFF00000100007F:1F90'],
  ])('are those %s', (_where, local) => {
    expect(listenersIn(HEAD + line(local, '0A', 1_234, 77), 8_080)).toEqual([{ uid: 1_234, inode: '77' }]);
  });

  it.each([
    ['of another port', '0100007F:1F91', '0A'],
    ['of another address', '0200007F:1F90', '0A'],
    ['of ::1, which a connection to 127.0.0.1 does not reach', `${'0'.repeat(24)}01000000:1F90`, '0A'],
    ['that are connections', '0100007F:1F90', '01'],
  ])('are not those %s', (_what, local, state) => {
    expect(listenersIn(HEAD + line(local, state, 1_234, 77), 8_080)).toEqual([]);
  });

  (process.platform === 'linux' ? it : it.skip)('are found on this machine, with their process', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const [found, ...others] = await loopbackListeners(port);
    expect(others).toEqual([]);
    expect(found?.uid).toBe(process.getuid?.());
    expect(await hasSocket(process.pid, found?.inode ?? '')).toBe(true);
    expect(await hasSocket(process.ppid, found?.inode ?? '')).toBe(false);
    server.close();
    await once(server, 'close');
    expect(await loopbackListeners(port)).toEqual([]);
  });
});
