/** Sealing of what is kept on the phone: XChaCha20-Poly1305, synchronous, with a nonce of 24 random bytes before each blob. */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import type { RowSeal } from "../../sync/atRest";

const NONCE_BYTES = 24;

/** `key`: 32 bytes. */
export function sealOf(key: Uint8Array): RowSeal {
  const encoder = new TextEncoder();
  return {
    seal(plain, bound) {
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const closed = xchacha20poly1305(key, nonce, encoder.encode(bound)).encrypt(plain);
      const whole = new Uint8Array(NONCE_BYTES + closed.length);
      whole.set(nonce);
      whole.set(closed, NONCE_BYTES);
      return whole;
    },
    open(sealed, bound) {
      const nonce = sealed.subarray(0, NONCE_BYTES);
      return xchacha20poly1305(key, nonce, encoder.encode(bound)).decrypt(sealed.subarray(NONCE_BYTES));
    },
  };
}
