// Small values that outlive a page. Storage may be forbidden or full: then they simply do not.

export interface KeyValue {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** A storage that never throws, not even when asking for it does. */
export function safeStorage(open: () => KeyValue): KeyValue {
  const attempt = <T>(work: (storage: KeyValue) => T, otherwise: T): T => {
    try {
      return work(open());
    } catch {
      return otherwise;
    }
  };
  return {
    getItem: (key) => attempt((s) => s.getItem(key), null),
    setItem: (key, value) => attempt((s) => s.setItem(key, value), undefined),
    removeItem: (key) => attempt((s) => s.removeItem(key), undefined),
  };
}

export function readJson(storage: KeyValue, key: string): unknown {
  try {
    return JSON.parse(storage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}

export const local = safeStorage(() => localStorage);
export const tab = safeStorage(() => sessionStorage);
