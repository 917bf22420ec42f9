import { describe, expect, it } from 'vitest';
import { newRoom, parseRoute, roomLink } from './route.ts';

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

it('a link keeps what follows #', () => {
  expect(roomLink('https://example.org', 'abc', '#s')).toBe('https://example.org/abc#s');
});
