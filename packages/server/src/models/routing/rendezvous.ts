/**
 * Rendezvous hashing with weights (Thaler and Ravishankar 1996; weights after Mosharaf's -w/ln(u)): the target with the highest score has
 * the key. Taking one target away moves only the keys that it had.
 */
export function rendezvousScore(key: string, targetId: string, weight: number): number {
  if (weight <= 0) return 0;
  // Strictly between 0 and 1, so that the logarithm is finite and not zero.
  const unit = (mixed(hashOf(targetId, hashOf(key, FNV_OFFSET))) + 0.5) / 2 ** 32;
  return -weight / Math.log(unit);
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a over UTF-16 code units, 32 bits. */
function hashOf(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  return hash >>> 0;
}

/** FNV leaves the upper bits of like texts alike; this spreads them (MurmurHash3's finalizer). */
function mixed(hash: number): number {
  let bits = hash;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
