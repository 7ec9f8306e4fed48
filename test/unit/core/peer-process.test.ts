import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { peerIn, peerProcess } from '../../../src/core/peer-process';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const line = (local: string, remote: string, uid: number, inode: number): string =>
  `   1: ${local} ${remote} 01 00000000:00000000 00:00000000 00000000 ${uid}        0 ${inode} 1 0000 20 4 30 10 -1`;
const HERE = ['0100007F:0BB8'];
const THERE = ['0100007F:D2F0'];

describe('the table of sockets', () => {
  it.each([
    ['a process', [line('0100007F:D2F0', '0100007F:0BB8', 65534, 7)], { uid: 65534, inode: '7' }],
    ['a socket that was closed, whose uid is wrong', [line('0100007F:D2F0', '0100007F:0BB8', 0, 0)], 'gone'],
    ['our end only', [line('0100007F:0BB8', '0100007F:D2F0', 0, 8)], 'gone'],
    ['other connections only', [line('0100007F:0BB9', '0100007F:D2F1', 1, 9)], 'unknown'],
    ['nothing', [], 'unknown'],
  ])('says whose the other end is: %s', (_what, lines, peer) => {
    expect(peerIn([HEAD, ...lines].join('\n'), HERE, THERE)).toEqual(peer);
  });
});

const isLinux = process.platform === 'linux';
(isLinux ? describe : describe.skip)('a connection of this machine', () => {
  it.each(['127.0.0.1', '::1'])('shows the user of the process at its other end, by %s', async host => {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    // SAFETY: a server that listens on TCP has an address of this form.
    const client = connect((server.address() as AddressInfo).port, host);
    try {
      const [socket] = (await once(server, 'connection')) as [Socket];
      expect(await peerProcess(socket)).toMatchObject({ uid: process.getuid?.() });
      client.destroy();
      await once(socket.resume(), 'close');
      expect(await peerProcess(socket)).toBe('gone');
    } finally {
      client.destroy();
      server.close();
    }
  });
});
