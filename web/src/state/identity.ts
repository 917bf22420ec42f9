// The key that this browser signs with for an account. It is kept where scripts can use it and never read it.
import { newSigningPair, SigningKey, type Identity } from '../rtc/index.ts';

const STORE = 'keys';

const made = new Map<string, Promise<Identity>>();

/** Who this end is: the account's device, or for a guest (null) somebody new. */
export async function identityOf(user: string | null): Promise<Identity> {
  if (user === null) return { signing: await SigningKey.create(), user: '' };
  const known = made.get(user);
  if (known) return known;
  const identity = load(user).then(async (pair) => ({ signing: await SigningKey.of(pair), user }));
  made.set(user, identity);
  // What could not be made is tried again with the next call.
  identity.catch(() => made.delete(user));
  return identity;
}

/** Where a browser keeps nothing, the device is another one each time, and the others are told so. */
async function load(user: string): Promise<CryptoKeyPair> {
  const fresh = await newSigningPair();
  return keep(user, fresh).catch(() => fresh);
}

/** Two tabs may ask at once: the first key that is kept is the one of both. */
async function keep(user: string, fresh: CryptoKeyPair): Promise<CryptoKeyPair> {
  const database = await answer(opening());
  try {
    const store = database.transaction(STORE, 'readwrite').objectStore(STORE);
    const known = (await answer(store.get(user))) as CryptoKeyPair | undefined;
    if (known) return known;
    await answer(store.add(fresh, user));
    return fresh;
  } finally {
    database.close();
  }
}

function opening(): IDBOpenDBRequest {
  const request = indexedDB.open('dialtone', 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return request;
}

function answer<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('no answer'));
  });
}
