import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** Bytes of an Ed25519 public key, which end its DER form (RFC 8410 §4). */
const KEY_BYTES = 32;

/** The key with which a Restate server proves its requests, made when there is none. */
export interface Identity {
  readonly privateKeyFile: string;
  /** As the SDK takes it: `publickeyv1_` and the key in base58. */
  readonly publicKey: string;
}

/** The identity of the server that keeps its data in `folder`. */
export async function identityOf(folder: string): Promise<Identity> {
  const privateKeyFile = join(folder, "identity.pem");
  const pem = await readFile(privateKeyFile, "utf8").catch(() => undefined);
  const privateKey = pem ?? generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  if (pem === undefined) await writeFile(privateKeyFile, privateKey, { mode: 0o600 });
  const der = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return { privateKeyFile, publicKey: `publickeyv1_${base58(der.subarray(-KEY_BYTES))}` };
}

function base58(bytes: Uint8Array): string {
  const zeros = bytes.findIndex((byte) => byte !== 0);
  let text = "";
  for (let rest = BigInt(`0x${Buffer.from(bytes).toString("hex")}`); rest > 0n; rest /= 58n)
    text = `${ALPHABET[Number(rest % 58n)]}${text}`;
  return `${"1".repeat(Math.max(0, zeros))}${text}`;
}
