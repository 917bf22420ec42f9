// WebCrypto answers from other threads, when it likes. Tests that wait for a turn wait for it as well.
const METHODS = ['digest', 'importKey', 'exportKey', 'generateKey', 'deriveBits', 'deriveKey', 'encrypt', 'decrypt', 'sign', 'verify'] as const;

let pending = 0;

for (const name of METHODS) {
  const original = crypto.subtle[name].bind(crypto.subtle) as (...values: unknown[]) => Promise<unknown>;
  const counted = (...values: unknown[]) => {
    pending += 1;
    return original(...values).finally(() => (pending -= 1));
  };
  Object.defineProperty(crypto.subtle, name, { value: counted, configurable: true });
}

/** Whether something is being computed. */
export function computing(): boolean {
  return pending > 0;
}
