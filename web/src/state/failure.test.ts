import { expect, it } from 'vitest';
import { failureText } from './failure.ts';

const error = (status: number, code: string, message = '', retryAfterMs = 0) => ({ status, code, message, retryAfterMs });

it('says what happened, in our words or the server’s, and never nothing', () => {
  expect(failureText(error(0, 'offline'))).toMatch(/^The server cannot be reached/);
  expect(failureText(error(429, 'limit', 'Slow down.', 90_000))).toBe('There were too many attempts. Wait 2 minutes, then try again.');
  expect(failureText(error(429, 'limit', 'Slow down.'))).toBe('There were too many attempts. Wait a moment, then try again.');
  expect(failureText(error(409, 'login_taken', 'Somebody has this login name already.'))).toBe('Somebody has this login name already.');
  expect(failureText(error(500, 'of_another_version'))).not.toBe('');
});
