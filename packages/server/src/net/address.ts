import { lookup, type LookupAddress, type LookupAllOptions } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { AppError } from "@tutti/core";

/** IPv4 networks that are not the public internet (IANA's special-purpose registry, RFC 6890). */
const PRIVATE_V4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const;
/** Of IPv6 only 2000::/3 is public, and these parts of it are not: they carry IPv4 addresses inside, or are for examples. */
const PRIVATE_V6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const privateNetworks = new BlockList();
for (const [network, prefix] of PRIVATE_V4) privateNetworks.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of PRIVATE_V6) privateNetworks.addSubnet(network, prefix, "ipv6");
const global = new BlockList();
global.addSubnet("2000::", 3, "ipv6");

/** Whether an IP address is one of the public internet. Pure. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !privateNetworks.check(address, "ipv4");
  return family === 6 && global.check(address, "ipv6") && !privateNetworks.check(address, "ipv6");
}

/** Which addresses may be connected to, and what to do about the others. */
export interface AddressRule {
  /** Whether a name or address of the URL may be a private one. */
  readonly isPrivateAllowed: (host: string) => boolean;
  /** The end of "got …, which has a private address;". */
  readonly advice: string;
}

/** Throws `denied` for a URL that names a private address outright: no name is looked up for it, so `guardedLookup` never sees it. */
export function requirePublicHost(url: URL, rule: AddressRule): void {
  const host = hostOf(url);
  if (url.username !== "" || url.password !== "")
    throw new AppError(
      "invalid_input",
      "wanted a URL without a user and password, which would be shown wherever it is; configure them instead",
    );
  if (isIP(host) !== 0 && !isPublicAddress(host) && !rule.isPrivateAllowed(host)) throw notPublic(host, rule);
}

/** A URL's name or address, IPv6 without its brackets. Pure. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

/**
 * Looks a name up for a connection and refuses private addresses. It is the address that is connected to that is looked at, so a name
 * server cannot give one answer to the check and another to the connection (DNS rebinding). `resolve` is the system's unless given.
 */
export function guardedLookup(rule: AddressRule, resolve: Resolve = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, "");
      const [first] = addresses;
      const isFine = rule.isPrivateAllowed(hostname) || addresses.every(({ address }) => isPublicAddress(address));
      if (first === undefined || !isFine) return callback(notPublic(hostname, rule), "");
      return options.all === true ? callback(null, [...addresses]) : callback(null, first.address, first.family);
    });
  };
}

/** Finds the addresses of a name, as `dns.lookup` does with `all`. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

function notPublic(host: string, { advice }: AddressRule): AppError {
  return new AppError("denied", `wanted a host on the public internet, got ${host}, which has a private address; ${advice}`);
}
