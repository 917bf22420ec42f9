import { describe, expect, it } from 'vitest';
import { newRoom, parseRoute, parseSecret, roomPath } from './route.ts';

describe('parseRoute', () => {
  it('knows the start page', () => {
    expect(parseRoute('/')).toEqual({ page: 'start' });
    expect(parseRoute('')).toEqual({ page: 'start' });
  });

  it('knows rooms, with or without a slash at the end', () => {
    const room = 'Jx0Yq3o2TrmD5n8ZkV1b7A';
    expect(parseRoute(`/${room}`)).toEqual({ page: 'room', room });
    expect(parseRoute(`/${room}/`)).toEqual({ page: 'room', room });
  });

  it('knows the pages about accounts', () => {
    expect(parseRoute('/check')).toEqual({ page: 'check' });
    for (const page of ['signin', 'welcome', 'settings', 'history', 'admin']) {
      expect(parseRoute(`/${page}`)).toEqual({ page });
      expect(parseRoute(`/${page}/`)).toEqual({ page });
    }
  });

  it('refuses what cannot be a room: cut off, too long, or not 128 bits', () => {
    for (const path of ['/help', '/Jx0Yq3o2TrmD5n8ZkV1b7', '/Jx0Yq3o2TrmD5n8ZkV1b7AA', '/Jx0Yq3o2TrmD5n8ZkV1b7B', '/a/b']) {
      expect(parseRoute(path), path).toEqual({ page: 'unknown' });
    }
  });
});

describe('newRoom', () => {
  it('makes ids that are rooms, each another', () => {
    const rooms = Array.from({ length: 50 }, () => newRoom());
    for (const room of rooms) expect(parseRoute(`/${room}`)).toEqual({ page: 'room', room });
    expect(new Set(rooms).size).toBe(50);
  });

  it('writes base64url', () => {
    expect(newRoom((bytes) => bytes.fill(255))).toBe('_____________________w');
  });
});

describe('the secret of a link', () => {
  const secret = 'c7Yb2K1sR9e4mQ0zX5vN8w';

  it('stands behind the #', () => {
    expect(roomPath('room', secret)).toBe(`/room#${secret}`);
    expect(parseSecret(new URL(roomPath('room', secret), 'https://dialtone.test').hash)).toBe(secret);
  });

  it('may be missing, as it does in links of rooms that have none', () => {
    expect(roomPath('room', '')).toBe('/room');
    expect(parseSecret('')).toBe('');
  });

  it('is whole or none', () => {
    for (const hash of ['#', '#people', `#${secret.slice(1)}`, `#${secret}A`, '#c7Yb2K1sR9e4mQ0zX5vN8B']) {
      expect(parseSecret(hash), hash).toBe('');
    }
  });
});
