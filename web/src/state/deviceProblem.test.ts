import { describe, expect, it } from 'vitest';
import { browserKind, causeOf, joinProblems, problemText, type Cause } from './deviceProblem.ts';
import { t } from './i18n/index.ts';

const named = (name: string, message = '') => Object.assign(new Error(message), { name });

describe('causeOf', () => {
  it('tells the causes apart', () => {
    expect(causeOf(named('NotAllowedError', 'Permission denied'))).toBe('denied');
    expect(causeOf(named('NotAllowedError', 'Permission denied by system'))).toBe('system');
    expect(causeOf(named('NotFoundError'))).toBe('missing');
    expect(causeOf(named('NotReadableError', 'Device in use'))).toBe('busy');
    expect(causeOf('nonsense')).toBe('unknown');
    expect(causeOf(undefined)).toBe('unknown');
  });
});

describe('joinProblems', () => {
  it('tells one cause once', () => {
    const denied = joinProblems([{ kinds: ['audio'], cause: 'denied' }, { kinds: ['video'], cause: 'denied' }]);
    expect(denied).toEqual([{ kinds: ['audio', 'video'], cause: 'denied' }]);
  });

  it('keeps different causes apart', () => {
    expect(joinProblems([{ kinds: ['audio'], cause: 'busy' }, { kinds: ['video'], cause: 'missing' }])).toHaveLength(2);
  });
});

describe('browserKind', () => {
  const agents = {
    chromium: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
    firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0',
    safari: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15',
    ios: 'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/156.0 Mobile/15E148 Safari/604.1',
  };
  it.each(Object.entries(agents))('knows %s', (kind, agent) => expect(browserKind(agent)).toBe(kind));
  it('knows an iPad that says it is a Mac', () => expect(browserKind(agents.safari, 5)).toBe('ios'));
});

describe('problemText', () => {
  const causes: Cause[] = ['denied', 'system', 'busy', 'missing', 'insecure', 'unplugged', 'unknown'];
  const sets = [['audio'], ['video'], ['audio', 'video']] as const;

  it('has three sentences for every problem', () => {
    for (const cause of causes) {
      for (const kinds of sets) {
        const text = problemText({ cause, kinds }, 'chromium');
        for (const key of [text.title, text.means, text.mend]) expect(t(key).length, `${key}`).toBeGreaterThan(10);
      }
    }
  });

  it('names the place where this browser keeps the permission', () => {
    const denied = { cause: 'denied', kinds: ['audio', 'video'] } as const;
    const mends = (['chromium', 'firefox', 'safari', 'ios', 'other'] as const).map((b) => t(problemText(denied, b).mend));
    expect(new Set(mends).size).toBe(5);
  });
});
