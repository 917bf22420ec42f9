import { describe, expect, it, vi } from 'vitest';
import { askForPasskey, creationOptions, credentialJson, makePasskey, passkeyName, requestOptions } from './passkeys.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);
const buffer = (...values: number[]) => bytes(...values).buffer;

describe('what the server says', () => {
  const creation = {
    challenge: '-_8',
    rp: { id: 'dialtone.test', name: 'Dialtone' },
    user: { id: 'AQI', name: 'ada', displayName: 'Ada' },
    pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
    excludeCredentials: [{ type: 'public-key', id: 'Aw' }],
    authenticatorSelection: { residentKey: 'required' },
  };

  it('is bytes where the browser wants bytes, wrapped or not', () => {
    const wanted = { ...creation, challenge: bytes(251, 255), user: { ...creation.user, id: bytes(1, 2) }, excludeCredentials: [{ type: 'public-key', id: bytes(3) }] };
    expect(creationOptions(creation)).toEqual(wanted);
    expect(creationOptions({ publicKey: creation })).toEqual(wanted);
    expect(requestOptions({ publicKey: { challenge: 'AA', rpId: 'dialtone.test', allowCredentials: null } })).toEqual({
      challenge: bytes(0),
      rpId: 'dialtone.test',
      allowCredentials: [],
    });
  });
});

describe('what the browser says', () => {
  it('is text, with whatever parts there are', () => {
    const credential = {
      id: 'Aw',
      rawId: buffer(3),
      type: 'public-key',
      response: { clientDataJSON: buffer(123, 125), attestationObject: buffer(251, 255), getTransports: () => ['internal'] },
      getClientExtensionResults: () => ({}),
    };
    expect(credentialJson(credential as never)).toEqual({
      id: 'Aw',
      rawId: 'Aw',
      type: 'public-key',
      response: { clientDataJSON: 'e30', attestationObject: '-_8', transports: ['internal'] },
      clientExtensionResults: {},
    });
    const assertion = { ...credential, response: { clientDataJSON: buffer(1), authenticatorData: buffer(2), signature: buffer(3), userHandle: null } };
    expect(credentialJson(assertion as never).response).toEqual({ clientDataJSON: 'AQ', authenticatorData: 'Ag', signature: 'Aw' });
  });

  it('is a failure with a reason otherwise', async () => {
    const fails = (name: string) => async () => {
      throw Object.assign(new Error(name), { name });
    };
    const options = { challenge: 'AA', user: { id: 'AA' } };
    const codes = { NotAllowedError: 'passkey_cancelled', AbortError: 'passkey_cancelled', InvalidStateError: 'passkey_exists', SecurityError: 'passkey_failed' };
    for (const [name, code] of Object.entries(codes)) {
      vi.stubGlobal('navigator', { credentials: { create: fails(name), get: fails(name) } });
      expect(await makePasskey(options)).toMatchObject({ ok: false, error: { code } });
      expect(await askForPasskey(options, false, new AbortController().signal)).toMatchObject({ ok: false, error: { code } });
    }
    vi.stubGlobal('navigator', { credentials: { create: async () => null } });
    expect(await makePasskey(options)).toMatchObject({ ok: false, error: { code: 'passkey_cancelled' } });
  });
});

it('names a key by browser and system', () => {
  expect(passkeyName('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36')).toBe('Chrome, Linux');
  expect(passkeyName('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1')).toBe('Safari, iPhone');
  expect(passkeyName('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0')).toBe('Edge, Windows');
  expect(passkeyName('')).toBe('Passkey');
});
