// Passkeys (WebAuthn): what the server says in JSON with base64url, browsers want as bytes.
import { failed, type Result } from './api.ts';

type Json = Record<string, unknown>;

export function canHavePasskeys(): boolean {
  return typeof PublicKeyCredential !== 'undefined' && window.isSecureContext;
}

/** Whether the browser can offer passkeys where a name is asked for. */
export async function canOfferInField(): Promise<boolean> {
  if (!canHavePasskeys()) return false;
  return (await PublicKeyCredential.isConditionalMediationAvailable?.().catch(() => false)) ?? false;
}

/** Makes a passkey on this device. */
export function makePasskey(options: unknown): Promise<Result<Json>> {
  const publicKey = creationOptions(options);
  return asked(() => navigator.credentials.create({ publicKey }));
}

/** Asks for a passkey: at once in the browser's own window, or, `quietly`, among a field's suggestions. */
export function askForPasskey(options: unknown, quietly: boolean, signal: AbortSignal): Promise<Result<Json>> {
  const publicKey = requestOptions(options);
  return asked(() => navigator.credentials.get({ publicKey, signal, ...(quietly ? { mediation: 'conditional' } : {}) }));
}

async function asked(work: () => Promise<Credential | null>): Promise<Result<Json>> {
  try {
    const credential = await work();
    if (credential) return { ok: true, value: credentialJson(credential as PublicKeyCredential) };
    return failed('passkey_cancelled');
  } catch (error) {
    return failed(codeOf(error));
  }
}

/** Browsers say `NotAllowedError` for a cancelled window, one that took too long, and no matching key. */
function codeOf(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  if (name === 'InvalidStateError') return 'passkey_exists';
  if (name === 'NotAllowedError' || name === 'AbortError') return 'passkey_cancelled';
  return 'passkey_failed';
}

/** Some servers wrap what WebAuthn calls `publicKey`, some do not. */
function inner(options: unknown): Json {
  const outer = options as Json;
  return (outer.publicKey ?? outer) as Json;
}

export function creationOptions(options: unknown): PublicKeyCredentialCreationOptions {
  const { challenge, user, excludeCredentials, ...rest } = inner(options) as Json & { user: Json };
  return {
    ...rest,
    challenge: bytes(challenge),
    user: { ...user, id: bytes(user.id) },
    excludeCredentials: descriptors(excludeCredentials),
  } as unknown as PublicKeyCredentialCreationOptions;
}

export function requestOptions(options: unknown): PublicKeyCredentialRequestOptions {
  const { challenge, allowCredentials, ...rest } = inner(options);
  const binary = { challenge: bytes(challenge), allowCredentials: descriptors(allowCredentials) };
  return { ...rest, ...binary } as unknown as PublicKeyCredentialRequestOptions;
}

function descriptors(list: unknown): Json[] {
  return Array.isArray(list) ? list.map((one: Json) => ({ ...one, id: bytes(one.id) })) : [];
}

/** Whichever of these the answer has, the server is sent. */
const PARTS = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'] as const;

export function credentialJson(credential: PublicKeyCredential): Json {
  const response = credential.response as unknown as Record<string, ArrayBuffer | null | undefined>;
  const parts = PARTS.flatMap((part) => (response[part] ? [[part, base64url(response[part])]] : []));
  const transports = (credential.response as Partial<AuthenticatorAttestationResponse>).getTransports?.();
  return {
    id: credential.id,
    rawId: base64url(credential.rawId),
    type: credential.type,
    response: { ...Object.fromEntries(parts), ...(transports ? { transports } : {}) },
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

function bytes(text: unknown): Uint8Array<ArrayBuffer> {
  const binary = atob(String(text).replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

function base64url(buffer: ArrayBuffer): string {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** A name under which one finds the key again in a list: the browser and the system. */
export function passkeyName(userAgent: string): string {
  const found = (table: [RegExp, string][]) => table.find(([pattern]) => pattern.test(userAgent))?.[1] ?? '';
  const browser = found([[/Edg/, 'Edge'], [/OPR/, 'Opera'], [/Firefox|FxiOS/, 'Firefox'], [/Chrome|CriOS/, 'Chrome'], [/Safari/, 'Safari']]);
  const system = found([[/iPhone/, 'iPhone'], [/iPad/, 'iPad'], [/Android/, 'Android'], [/Windows/, 'Windows'], [/Mac OS/, 'Mac'], [/Linux|CrOS/, 'Linux']]);
  return [browser, system].filter(Boolean).join(', ') || 'Passkey';
}
