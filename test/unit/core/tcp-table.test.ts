import { endianness } from 'node:os';
import { tcpEnd, tcpRows } from '../../../src/core/tcp-table';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

describe('the tables of TCP sockets', () => {
  (endianness() === 'LE' ? it : it.skip).each([
    ['127.0.0.1', '0100007F:0BB8'],
    ['::1', '00000000000000000000000001000000:0BB8'],
    ['::ffff:127.0.0.1', '0000000000000000FFFF00000100007F:0BB8'],
    ['2001:db8::a:1', 'B80D0120000000000000000001000A00:0BB8'],
    ['fe80::1%eth0', '000080FE000000000000000001000000:0BB8'],
  ])('write %s as %s', (address, written) => {
    expect(tcpEnd(address, 3_000)).toBe(written);
  });

  it('are read without their heading and their empty last line', () => {
    const row =
      '   1: 0100007F:0BB8 0100007F:D2F0 01 00000A10:00000007 00:00000000 00000000 65534        0 42 1 0000 20';
    expect(tcpRows(`${HEAD}\n${row}\n`)).toEqual([
      {
        local: '0100007F:0BB8',
        remote: '0100007F:D2F0',
        state: '01',
        unackedBytes: 2_576,
        uid: 65_534,
        inode: '42',
      },
    ]);
  });
});
