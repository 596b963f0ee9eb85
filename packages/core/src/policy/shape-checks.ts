/** Whether digits in groups are a telephone number and no date, amount or part number: by a country code, an area code in brackets or North America's groups. */
export function isPhone(text: string): boolean {
  const digits = text.replaceAll(/\D/g, "").length;
  if (digits < 8 || digits > 15 || /^\d{4}[ ./-]\d{2}[ ./-]\d{2}/.test(text) || /^\d{2}[ ./-]\d{2}[ ./-]\d{4}/.test(text)) return false;
  if (text.startsWith("+") || /^\(\d{2,4}\)/.test(text)) return true;
  if (/^(?:1[ .-])?[2-9]\d{2}[ .-][2-9]\d{2}[ .-]\d{4}$/.test(text)) return true;
  return /^0\d{1,4}[ /-]\d/.test(text) && digits >= 9 && digits <= 12;
}

/** Whether a text is an IPv4 address that leads to someone: not this machine, nor everyone. */
export function isIpV4(text: string): boolean {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255 && String(Number(part)) === part))
    return false;
  return parts[0] !== "127" && parts[0] !== "0" && parts[0] !== "255";
}

/** Whether a text is an IPv6 address (RFC 4291, 2.2) that leads to someone. */
export function isIpV6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  if (!groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  // "::1" is this machine, and short forms with few groups are rather times or ratios.
  return halves.length === 1 ? groups.length === 8 : groups.length >= 3 && groups.length <= 7;
}
