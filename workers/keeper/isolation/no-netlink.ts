/*
 * A filter of system calls (classic BPF, see seccomp(2)) that refuses sockets of the family netlink and lets everything
 * else through. There is no netlink in a network that a browser has for itself, for two reasons:
 *
 * - Chromium asks there whether the machine is online. A network without an interface would make `navigator.onLine`
 *   false, and sites wait for ever; if it cannot ask, it says true (measured with 156).
 * - Programs may make namespaces, in which they administer their own network: much of the kernel that is reached so is
 *   behind netlink, and has been a way out of sandboxes.
 */

/** Instructions of classic BPF. */
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const AND = 0x54;
const RETURN = 0x06;

/** Offsets in `struct seccomp_data`; of the first argument the lower half, both machines being little-endian. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT = 16;

const AF_NETLINK = 16;

/** Actions of a filter. */
const ALLOW = 0x7fff_0000;
const ERRNO = 0x0005_0000;

const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** The kernel's word for a machine, and the number of socket(2) there. */
const MACHINES: Readonly<Partial<Record<NodeJS.Architecture, { audit: number; socket: number }>>> = {
  x64: { audit: 0xc000_003e, socket: 41 },
  arm64: { audit: 0xc000_00b7, socket: 198 },
};

/** Without the bit of x32, a second set of system calls on x64. */
const PLAIN_NUMBER = 0xbfff_ffff;

/** Makes sockets, too, past every filter. Browsers do without it. */
const IO_URING_SETUP = 425;

/** The filter for a machine, as bubblewrap reads it; null if it is not known how calls are numbered there. */
export function noNetlink(arch: NodeJS.Architecture): Buffer | null {
  const machine = MACHINES[arch];
  if (machine === undefined) return null;
  const { audit, socket } = machine;
  return Buffer.concat([
    instruction(LOAD_WORD, ARCHITECTURE),
    // The calls of another architecture, of 32 bits, have other numbers; no browser of this one makes any.
    instruction(JUMP_IF_EQUAL, audit, 1, 0),
    instruction(RETURN, ERRNO | ENOSYS),
    instruction(LOAD_WORD, NUMBER),
    instruction(AND, PLAIN_NUMBER),
    instruction(JUMP_IF_EQUAL, IO_URING_SETUP, 0, 1),
    instruction(RETURN, ERRNO | ENOSYS),
    instruction(JUMP_IF_EQUAL, socket, 0, 3),
    instruction(LOAD_WORD, FIRST_ARGUMENT),
    instruction(JUMP_IF_EQUAL, AF_NETLINK, 0, 1),
    instruction(RETURN, ERRNO | EAFNOSUPPORT),
    instruction(RETURN, ALLOW),
  ]);
}

/**
 * One `struct sock_filter`.
 *
 * @param then - how many instructions a jump skips if the condition holds, and if not
 */
function instruction(code: number, operand: number, then = 0, otherwise = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(then, 2);
  bytes.writeUInt8(otherwise, 3);
  bytes.writeUInt32LE(operand >>> 0, 4);
  return bytes;
}
