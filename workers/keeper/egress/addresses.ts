import { BlockList, isIP } from 'node:net';
import { ipv6Bytes } from './ipv6-bytes';

/**
 * IPv4 that is not the public internet (IANA's registry of special addresses), and addresses at which clouds answer
 * their machines: those of Azure are public by their number.
 */
const NOT_PUBLIC_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;

/**
 * Of IPv6 only 2000::/3 is given out. In it: assignments for protocols (with Teredo and ORCHID), documentation, and
 * 6to4, which nobody should use any more (RFC 7526) and which reaches any IPv4 address.
 */
const GIVEN_OUT_V6 = ['2000::', 3] as const;
const NOT_PUBLIC_V6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

/** Its last four bytes are an IPv4 address, which a gateway of the network reaches (RFC 6052). */
const NAT64_V6 = ['64:ff9b::', 96] as const;

const notPublic = new BlockList();
for (const [network, bits] of NOT_PUBLIC_V4) notPublic.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of NOT_PUBLIC_V6) notPublic.addSubnet(network, bits, 'ipv6');
const givenOut = new BlockList();
givenOut.addSubnet(...GIVEN_OUT_V6, 'ipv6');
const nat64 = new BlockList();
nat64.addSubnet(...NAT64_V6, 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
// The unspecified addresses reach this machine as well.
loopback.addSubnet('0.0.0.0', 8, 'ipv4');
loopback.addSubnet('::', 127, 'ipv6');

/** Bytes 0–11 of an IPv4 address in the form of IPv6 (RFC 4291): sockets take it for the IPv4 address. */
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

/**
 * The form in which addresses are compared: IPv6 as in URLs, an IPv4 address that is written as IPv6 as IPv4, without
 * a zone.
 */
export function plainAddress(address: string): string {
  const withoutZone = address.replace(/%.*$/, '');
  if (isIP(withoutZone) !== 6) return withoutZone;
  const bytes = ipv6Bytes(withoutZone);
  if (bytes.subarray(0, 12).equals(MAPPED)) return dotted(bytes);
  return new URL(`http://[${withoutZone}]`).hostname.slice(1, -1);
}

/** Whether a plain address is on the public internet. What is no address is not. */
export function isPublic(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !notPublic.check(address, 'ipv4');
    case 6:
      if (nat64.check(address, 'ipv6')) return isPublic(dotted(ipv6Bytes(address)));
      return givenOut.check(address, 'ipv6') && !notPublic.check(address, 'ipv6');
    default:
      return false;
  }
}

/** The plain address and, if it stands for an IPv4 address, that one: what denies one of them denies it. */
export function facesOf(address: string): readonly string[] {
  const isGateway = isIP(address) === 6 && nat64.check(address, 'ipv6');
  return isGateway ? [address, dotted(ipv6Bytes(address))] : [address];
}

/** Whether a plain address means this machine on every machine. */
export function isLoopback(address: string): boolean {
  return loopback.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

const dotted = (bytes: Buffer): string => [...bytes.subarray(12)].join('.');
