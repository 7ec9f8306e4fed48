import { noNetlink } from '../../../workers/keeper/isolation/no-netlink';

const X64 = 0xc000_003e;
const ARM64 = 0xc000_00b7;
const I386 = 0x4000_0003;

const [AF_UNIX, AF_INET, AF_NETLINK] = [1, 2, 16];
const ALLOW = 'allowed';

/** What the kernel does with a call: the instructions of the filter, one by one. */
function verdict(filter: Buffer, { audit, number, argument = 0 }: Call): string {
  const data: Readonly<Record<number, number>> = { 0: number, 4: audit, 16: argument };
  let accumulator = 0;
  for (let at = 0; at < filter.length / 8; at += 1) {
    const instruction = filter.subarray(at * 8, at * 8 + 8);
    const operand = instruction.readUInt32LE(4);
    switch (instruction.readUInt16LE(0)) {
      case 0x20:
        accumulator = data[operand] ?? NaN;
        break;
      case 0x54:
        accumulator = (accumulator & operand) >>> 0;
        break;
      case 0x15:
        at += instruction[accumulator === operand ? 2 : 3] ?? NaN;
        break;
      case 0x06:
        return operand === 0x7fff_0000 ? ALLOW : `errno ${operand - 0x0005_0000}`;
      default:
        throw new Error('this is no instruction of the filter');
    }
  }
  throw new Error('the filter has no end');
}

interface Call {
  readonly audit: number;
  readonly number: number;
  readonly argument?: number;
}

const [EAFNOSUPPORT, ENOSYS] = ['errno 97', 'errno 38'];

describe.each([
  ['x64', X64, 41],
  ['arm64', ARM64, 198],
] as const)('the filter of system calls on %s', (arch, audit, socket) => {
  const filter = noNetlink(arch) ?? Buffer.alloc(0);

  it.each([
    ['no netlink', { audit, number: socket, argument: AF_NETLINK }, EAFNOSUPPORT],
    ['none as x32 either', { audit, number: socket | 0x4000_0000, argument: AF_NETLINK }, EAFNOSUPPORT],
    ['sockets of TCP', { audit, number: socket, argument: AF_INET }, ALLOW],
    ['sockets of this machine', { audit, number: socket, argument: AF_UNIX }, ALLOW],
    ['no ring, which makes sockets past it', { audit, number: 425 }, ENOSYS],
    ['other calls with such an argument', { audit, number: socket + 1, argument: AF_NETLINK }, ALLOW],
    ['no calls of 32 bits', { audit: I386, number: 359, argument: AF_INET }, ENOSYS],
  ])('lets through %s', (_what, call, expected) => {
    expect(verdict(filter, call)).toBe(expected);
  });
});

it('is not there where it is not known how calls are numbered', () => {
  expect(noNetlink('riscv64')).toBeNull();
});
