// Whether this page is shown in a page of another site. Then it is one call and nothing else, and its
// person is a guest: who is signed in here is no business of the page around it, nor of its clicks.

/** Whoever is not shown by anybody is its own parent; outside of browsers there are none. */
const around: unknown = globalThis.parent ?? globalThis;

export const embedded: boolean = around !== globalThis;

/** What the page around this one lets its visitor in by; empty: nothing. */
export const invitation = { token: '' };

/** Requests of the page: those of an embedded one go without cookies. */
export const request: typeof globalThis.fetch = (resource, options) =>
  globalThis.fetch(resource, embedded ? { ...options, credentials: 'omit' } : options);
