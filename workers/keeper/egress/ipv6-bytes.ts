/** The sixteen bytes of an IPv6 address without a zone. */
export function ipv6Bytes(address: string): Buffer {
  // In the form of URLs there is no dotted quad: `::ffff:127.0.0.1` is `::ffff:7f00:1`.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  const bytes = Buffer.alloc(16);
  [...before, ...zeros, ...after].forEach((group, i) => bytes.writeUInt16BE(group, i * 2));
  return bytes;
}

const groupsOf = (part: string): number[] =>
  part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16));
